#!/usr/bin/env python3
"""GStreamer's RTP/JPEG (RFC 2435), as two pipelines, with the pads watched so that latency can be told.

Nothing is added to the stream: frames are told apart by their order, so latency is told only where none is lost.
CPU time is that of the whole process from the moment when it is ready: reading the JPEG files, as every program does
that is given a folder, and with --times one call into Python a frame, a few microseconds.
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
# RTP caps carry the frame rate as a fraction.
SCALE = 100


def watch(pipeline, element, pad):
    """Notes when each buffer passes the pad."""
    times = []

    def note(_pad, _event):
        times.append(time.time_ns())
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name(element).get_static_pad(pad).add_probe(Gst.PadProbeType.BUFFER, note)
    return times


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
    rate = f",framerate={round(options.fps * SCALE)}/{SCALE}" if options.fps else ""
    pace = "identity name=pace sync=true" if options.fps else "identity name=pace"
    pipeline = Gst.parse_launch(
        f"multifilesrc location={location} start-index=0 stop-index={last} loop=true num-buffers={options.frames} "
        f"caps=image/jpeg,width=1920,height=1080{rate} ! {pace} ! rtpjpegpay mtu={MTU} "
        f"! udpsink host={host} port={port} sync=false"
    )
    times = watch(pipeline, "pace", "src") if options.times else []
    cost, seconds = play(pipeline, *run_to_end(pipeline))
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"frames": options.frames, "seconds": seconds, "cpu_us": cost / options.frames, "times": times}))


def receive(options):
    host, port = options.bind
    pipeline = Gst.parse_launch(
        f"udpsrc address={host} port={port} buffer-size={options.receive_buffer} "
        "caps=application/x-rtp,media=video,encoding-name=JPEG,payload=26,clock-rate=90000 "
        "! rtpjpegdepay name=depay ! fakesink name=sink sync=false async=false"
    )
    times = watch(pipeline, "depay", "src") if options.times else []
    loop, failures = run_to_end(pipeline)
    cost, _ = play(pipeline, loop, failures, ready={"ready": True, "receive_buffer": options.receive_buffer})
    frames = pipeline.get_by_name("sink").get_property("stats").get_value("rendered")
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"frames": frames, "cpu_us": cost / frames if frames else None, "times": times}))


if __name__ == "__main__":
    Gst.init(None)
    given = arguments(__doc__)
    send(given) if given.end == "send" else receive(given)
