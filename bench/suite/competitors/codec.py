"""Raw picture to decoded picture: ours and the Python peer with OpenCV."""

import os
import subprocess

from competitors.base import HERE, PYTHON
from competitors.pair import Pair
from load import CLASSIC


class Codec(Pair):
    """The library with the programs' own codec, from the planes that a camera gives."""

    name = "library and codec, from I420"
    sizes = (CLASSIC,)
    pictures = "raw"
    raw = "i420"

    def command(self):
        return [self.setting.binary("codec")]

    def send_options(self, load):
        return ["--raw", self.raw]


class CodecFromBgr(Codec):
    name = "library and codec, from BGR"
    raw = "bgr"


class OpenCvPeer(Pair):
    name = "Python peer with OpenCV"
    sizes = (CLASSIC,)
    pictures = "raw"

    def command(self):
        return [PYTHON, "-B", os.path.join(HERE, "peers", "opencv_peer.py")]

    def missing(self):
        found = (
            subprocess.run([PYTHON, "-c", "import cv2, numpy"], stderr=subprocess.DEVNULL, check=False).returncode
            == 0
        )
        return None if found else "OpenCV's Python binding is not installed"
