"""Who takes part. To add one: a class that tells its two command lines, and a line here."""

from contenders.gstreamer import GStreamer, GStreamerUlpfec, Srt
from contenders.ours import Group, GroupFec10, GroupFec30, Ours, OursPlain
from contenders.python_peer import PythonPeer

ALL = {
    each.key: each
    for each in (Ours, OursPlain, Group, GroupFec10, GroupFec30, PythonPeer, GStreamer, GStreamerUlpfec, Srt)
}
