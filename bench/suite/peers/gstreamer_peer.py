#!/usr/bin/env python3
"""GStreamer's RTP/JPEG (RFC 2435), as two pipelines, with the pads watched so that latency can be told.

Nothing is added to the stream: frames are told apart by their order, so latency is told only where none is lost.
CPU time is that of the whole process from the moment when it is ready. In it are reading the JPEG files, as every
program does that is given a folder, and calls into Python, a few microseconds each: at the sender one a frame, which
waits until it is due, at the receiver one a frame with --times.
"""

import json
import os
import signal
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

from common import arguments, cpu_us  # noqa: E402

MTU = 1400


def watch(pipeline, element, call):
    """Has `call` called for each buffer that leaves the element, in the thread that carries it."""

    def probe(_pad, _event):
        call()
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name(element).get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, probe)


class Pace:
    """Holds each frame back until it is due, and notes when it went on."""

    def __init__(self, fps):
        self.fps, self.begin, self.times = fps, None, []

    def frame(self):
        now = time.monotonic()
        self.begin = self.begin or now
        if self.fps:
            time.sleep(max(0, self.begin + len(self.times) / self.fps - now))
        self.times.append(time.time_ns())


def run_to_end(pipeline):
    """Plays until the end of the stream or SIGTERM."""
    loop = GLib.MainLoop()
    failures = []

    def message(_bus, message):
        if message.type == Gst.MessageType.ERROR:
            failures.append(message.parse_error()[0].message)
        if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
            loop.quit()

    pipeline.get_bus().add_signal_watch()
    pipeline.get_bus().connect("message", message)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    return loop, failures


def play(pipeline, loop, failures, ready=None):
    pipeline.set_state(Gst.State.PAUSED)
    pipeline.get_state(5 * Gst.SECOND)
    before, begin = cpu_us(), time.monotonic()
    pipeline.set_state(Gst.State.PLAYING)
    if ready:
        pipeline.get_state(5 * Gst.SECOND)
        before = cpu_us()
        print(json.dumps(ready), flush=True)
    loop.run()
    cost, seconds = cpu_us() - before, time.monotonic() - begin
    if failures:
        sys.exit(failures[0])
    return cost, seconds


def send(options):
    location = os.path.join(options.pictures, "%d.jpg")
    last = len([name for name in os.listdir(options.pictures) if name.endswith(".jpg")]) - 1
    host, port = options.remote
    pipeline = Gst.parse_launch(
        f"multifilesrc name=files location={location} start-index=0 stop-index={last} loop=true "
        f"num-buffers={options.frames} caps=image/jpeg,width=1920,height=1080 "
        f"! rtpjpegpay mtu={MTU} ! udpsink host={host} port={port} sync=false async=false"
    )
    pace = Pace(options.fps)
    watch(pipeline, "files", pace.frame)
    cost, seconds = play(pipeline, *run_to_end(pipeline))
    pipeline.set_state(Gst.State.NULL)
    times = pace.times if options.times else []
    print(json.dumps({"frames": options.frames, "seconds": seconds, "cpu_us": cost / options.frames, "times": times}))


def receive(options):
    host, port = options.bind
    pipeline = Gst.parse_launch(
        f"udpsrc address={host} port={port} buffer-size={options.receive_buffer} "
        "caps=application/x-rtp,media=video,encoding-name=JPEG,payload=26,clock-rate=90000 "
        "! rtpjpegdepay name=depay ! fakesink name=sink sync=false async=false"
    )
    times = []
    if options.times:
        watch(pipeline, "depay", lambda: times.append(time.time_ns()))
    loop, failures = run_to_end(pipeline)
    cost, _ = play(pipeline, loop, failures, ready={"ready": True, "receive_buffer": options.receive_buffer})
    frames = pipeline.get_by_name("sink").get_property("stats").get_value("rendered")
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"frames": frames, "cpu_us": cost / frames if frames else None, "times": times}))


if __name__ == "__main__":
    Gst.init(None)
    given = arguments(__doc__)
    send(given) if given.end == "send" else receive(given)
