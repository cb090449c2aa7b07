"""GStreamer RTP/JPEG, from a program of two pipelines."""

import os
import subprocess

from competitors.base import HERE, PYTHON
from competitors.pair import Pair
from load import MTU
from process import TERMINATE

ELEMENTS = ("multifilesrc", "rtpjpegpay", "rtpjpegdepay", "udpsrc", "udpsink")
# Up to this rate latency is told, for which Python is called once a frame.
TIMED_FPS = 30


class GStreamer(Pair):
    name = "GStreamer RTP/JPEG"
    sizes = (MTU,)
    size_on_link = MTU
    takes_credit = False
    first_guess_fps = 2000
    end_signal = TERMINATE

    def command(self):
        return [PYTHON, "-B", os.path.join(HERE, "peers", "gstreamer_peer.py")]

    def missing(self):
        check = (
            "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); "
            f"assert all(map(Gst.ElementFactory.find, {ELEMENTS}))"
        )
        found = subprocess.run([PYTHON, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0
        return None if found else "GStreamer or its Python binding is not installed"

    def options(self, load):
        return ["--times"] if 0 < load.fps <= TIMED_FPS else []

    def outcome(self, sent, received, granted):
        before, after = sent.get("times"), received.get("times")
        # Frames carry no number in RTP/JPEG: they can only be matched where all have come.
        if before and len(before) == len(after):
            latencies = sorted(b - a for a, b in zip(before, after))
            at = lambda percent: latencies[max(0, -(-len(latencies) * percent // 100) - 1)] / 1000
            received["latency_us"] = {"p50": at(50), "p99": at(99), "max": at(100)}
        return super().outcome(sent, received, granted)
