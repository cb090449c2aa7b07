"""Who takes part. To add one: a file in this folder with a class, and a line here."""

from competitors.ffmpeg import FFmpeg
from competitors.gstreamer import GStreamer
from competitors.pair import Floor, FloorOneByOne, Library, Python, PythonAtMtu
from competitors.programs import Programs

# In the order in which they run and are listed.
ALL = [Floor, FloorOneByOne, Library, Programs, Python, PythonAtMtu, GStreamer, FFmpeg]
