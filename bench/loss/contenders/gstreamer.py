"""GStreamer's RTP/JPEG: alone, with parity, over SRT."""

import subprocess

from contenders.base import PYTHON, Contender, end

ELEMENTS = ["appsrc", "appsink", "rtpjpegpay", "rtpjpegdepay", "udpsrc", "udpsink"]


class GStreamer(Contender):
    key = "gstreamer"
    name = "GStreamer RTP/JPEG"
    kind = "plain"
    elements = ()
    # RTP/JPEG carries no headers.
    watched = ("--lengths", "--scan")

    def missing(self):
        check = (
            "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); "
            f"assert all(map(Gst.ElementFactory.find, {ELEMENTS + list(self.elements)}))"
        )
        found = subprocess.run([PYTHON, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0
        return None if found else "GStreamer, its Python binding or one of its elements is not installed"

    def send(self, addresses):
        return end("gstreamer.py", "send", self.kind, addresses[0], self.port)

    def receive(self, address):
        return end("gstreamer.py", "receive", self.kind, address, self.port)


class GStreamerUlpfec(GStreamer):
    key = "gstreamer-ulpfec"
    name = "GStreamer RTP/JPEG, ULPFEC 20 %"
    kind = "ulpfec"
    elements = ("rtpulpfecenc", "rtpulpfecdec", "rtpstorage", "rtpjitterbuffer")

    # Parity is sent over a clean link as well.
    without_repair = GStreamer.key


class Srt(GStreamer):
    key = "srt"
    name = "GStreamer RTP/JPEG over SRT"
    kind = "srt"
    elements = ("srtsink", "srtsrc")
