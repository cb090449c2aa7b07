"""The pictures that everybody sends: a moving test pattern under noise that changes with each."""

import pathlib
import subprocess

from load import Failed

# At 30 fps this is so long until a picture comes again; no frame is under way for so long.
PICTURES = 150
# Together frames of about 165 KB, as JPEGs of real scenes in 1080p at quality 50 are. RTP/JPEG knows only the default
# Huffman tables.
DRAW = ("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30,noise=c0s=9:c0f=t")
ENCODE = ("-frames:v", PICTURES, "-q:v", 6, "-huffman", "default")


def draw(folder):
    """Makes the pictures; gives the lengths of all in bytes."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    words = ["ffmpeg", "-nostdin", "-v", "error", *DRAW, *ENCODE, folder / "%04d.jpg"]
    try:
        made = subprocess.run([str(word) for word in words], stderr=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        raise Failed("ffmpeg is not installed, which draws the pictures; script/bootstrap installs it") from None
    if made.returncode:
        raise Failed(f"the pictures cannot be made: {made.stderr}")
    jpegs = [path.read_bytes() for path in sorted(folder.iterdir())]
    if len(set(jpegs)) != PICTURES:
        raise Failed("two of the pictures are alike")
    return [len(jpeg) for jpeg in jpegs]
