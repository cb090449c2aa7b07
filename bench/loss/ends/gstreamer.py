#!/usr/bin/env python3
"""GStreamer's RTP/JPEG (RFC 2435): alone, with ULPFEC (RFC 5109), or over SRT.

`send KIND HOST PORT` takes JPEGs on standard input, `receive KIND HOST PORT` writes frames to standard output, each
behind its length. KIND is plain, ulpfec or srt.
"""

import signal
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

import jpegs  # noqa: E402

MTU = 1400
# SRT's live mode takes messages of 1,316 bytes at most unless told otherwise.
SRT_MTU = 1316
JPEG_PT, FEC_PT, CLOCK = 26, 122, 90000
FEC_PERCENT = 20
# What the receiver waits for what is late, in ms: SRT's own default; for ULPFEC about two frames.
SRT_LATENCY_MS, FEC_LATENCY_MS = 120, 60
REST_S = 1
RECEIVE_BUFFER = 4 << 20
# Which stream parity belongs to; rtpulpfecdec wants to know.
SSRC = 78
CAPS = f"application/x-rtp,media=video,encoding-name=JPEG,payload={JPEG_PT},clock-rate={CLOCK},ssrc=(uint){SSRC}"

SEND = {
    "plain": f"rtpjpegpay mtu={MTU} pt={JPEG_PT} ssrc={SSRC} ! udpsink host={{host}} port={{port}} sync=false async=false",
    "ulpfec": f"rtpjpegpay mtu={MTU} pt={JPEG_PT} ssrc={SSRC} ! rtpulpfecenc pt={FEC_PT} percentage={FEC_PERCENT} multipacket=true "
    "! udpsink host={host} port={port} sync=false async=false",
    "srt": f"rtpjpegpay mtu={SRT_MTU} pt={JPEG_PT} ssrc={SSRC} "
    f"! srtsink uri=srt://{{host}}:{{port}}?mode=caller latency={SRT_LATENCY_MS} sync=false async=false",
}
RECEIVE = {
    "plain": f"udpsrc address={{host}} port={{port}} buffer-size={RECEIVE_BUFFER} caps={CAPS}",
    "ulpfec": f"udpsrc address={{host}} port={{port}} buffer-size={RECEIVE_BUFFER} caps={CAPS} "
    f"! rtpstorage name=storage size-time={2 * FEC_LATENCY_MS * 1000000} "
    f"! rtpjitterbuffer name=buffer latency={FEC_LATENCY_MS} do-lost=true ! rtpulpfecdec name=fec pt={FEC_PT}",
    "srt": f"srtsrc uri=srt://{{host}}:{{port}}?mode=listener latency={SRT_LATENCY_MS} ! {CAPS}",
}


def run(pipeline):
    """Plays until the end of the stream, an error or SIGTERM."""
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
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    if failures:
        sys.exit(failures[0])


def send(kind, host, port):
    pipeline = Gst.parse_launch(
        "appsrc name=source is-live=true format=time do-timestamp=true max-bytes=4000000 block=true "
        f"caps=image/jpeg,width=1920,height=1080,framerate=30/1 ! {SEND[kind].format(host=host, port=port)}"
    )
    source = pipeline.get_by_name("source")

    def push():
        for jpeg in jpegs.by_end_of_image(0):
            source.emit("push-buffer", Gst.Buffer.new_wrapped(jpeg))
        # SRT drops what its receiver still holds back when the stream ends.
        time.sleep(REST_S)
        source.emit("end-of-stream")

    threading.Thread(target=push, daemon=True).start()
    run(pipeline)


def receive(kind, host, port):
    pipeline = Gst.parse_launch(
        f"{RECEIVE[kind].format(host=host, port=port)} ! rtpjpegdepay name=depay "
        "! appsink name=sink emit-signals=true sync=false async=false"
    )
    if kind == "ulpfec":
        with_repair(pipeline)

    def sample(sink):
        buffer = sink.emit("pull-sample").get_buffer()
        jpegs.write_with_length(1, buffer.extract_dup(0, buffer.get_size()))
        return Gst.FlowReturn.OK

    pipeline.get_by_name("sink").connect("new-sample", sample)
    run(pipeline)


def with_repair(pipeline):
    """What rtpbin would do: tells the elements of each other, and keeps parity from the depayloader."""
    storage = pipeline.get_by_name("storage").get_property("internal-storage")
    pipeline.get_by_name("fec").set_property("storage", storage)
    frames = Gst.Caps.from_string(CAPS)
    parity = Gst.Caps.from_string(CAPS.replace("JPEG", "ULPFEC").replace(str(JPEG_PT), str(FEC_PT)))
    pipeline.get_by_name("buffer").connect("request-pt-map", lambda _, pt: parity if pt == FEC_PT else frames)

    def no_parity(_pad, probe):
        second = probe.get_buffer().extract_dup(1, 1)
        is_parity = second and second[0] & 0x7F == FEC_PT
        return Gst.PadProbeReturn.DROP if is_parity else Gst.PadProbeReturn.OK

    pipeline.get_by_name("depay").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, no_parity)


if __name__ == "__main__":
    Gst.init(None)
    end, name, at_host, at_port = sys.argv[1:]
    send(name, at_host, at_port) if end == "send" else receive(name, at_host, at_port)
