"""What the ends written in Python share: the command line, the pace, and how things are counted. Rust's are alike."""

import argparse
import json
import pathlib
import resource
import socket
import struct
import time

END = b"\0end"
WARM_UP = 5
SO_RCVBUFFORCE = 33
# Behind the two bytes by which a JPEG begins: frame number, time of sending in ns since the Unix epoch.
STAMP, STAMP_AT = struct.Struct("!IQ"), 2


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    ends = parser.add_subparsers(dest="end", required=True)
    send = ends.add_parser("send")
    send.add_argument("--remote", required=True, type=address)
    send.add_argument("--pictures", required=True)
    send.add_argument("--frames", required=True, type=int)
    send.add_argument("--fps", type=float, default=0)
    send.add_argument("--datagram-size", type=int, default=65473)
    receive = ends.add_parser("receive")
    receive.add_argument("--bind", required=True, type=address)
    receive.add_argument("--receive-buffer", type=int, default=4 << 20)
    for end in (send, receive):
        end.add_argument("--credit")
        end.add_argument("--window", type=int, default=16)
        end.add_argument(
            "--times", action="store_true", help="tell when each frame passed, where that costs something"
        )
    return parser.parse_args()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def files(folder, extension):
    return [path.read_bytes() for path in sorted(pathlib.Path(folder).glob(f"*.{extension}"))]


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def listen(options):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, options.receive_buffer)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_buffer)
    sock.bind(options.bind)
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    print(json.dumps({"ready": True, "receive_buffer": granted}), flush=True)
    return sock


def send_all(options, send, send_end):
    """Calls `send(number)` for each frame when it is due; it tells how many datagrams that took."""
    credit = open(options.credit, "rb", buffering=0) if options.credit else None
    allowed, group = options.window, max(1, options.window // 2)
    datagrams, before = 0, None
    begin = time.monotonic()
    for number in range(options.frames):
        if number == WARM_UP:
            before = cpu_us()
        if options.fps:
            delay = begin + number / options.fps - time.monotonic()
            if delay > 0:
                time.sleep(delay)
        while credit and number >= allowed:
            if not credit.read(1):
                raise SystemExit("the receiver has ended")
            allowed += group
        datagrams += send(number)
    cpu = None if before is None else (cpu_us() - before) / (options.frames - WARM_UP)
    seconds = time.monotonic() - begin
    for _ in range(3):
        time.sleep(0.06)
        send_end(END)
    print(json.dumps({"frames": options.frames, "datagrams": datagrams, "seconds": seconds, "cpu_us": cpu}))


class Arrivals:
    def __init__(self, options):
        self.credit = open(options.credit, "wb", buffering=0) if options.credit else None
        self.group = max(1, options.window // 2)
        self.granted = self.frames = self.next = self.counted = 0
        self.before = None
        self.latencies = []

    def arrived(self, number, sent_ns):
        now = time.time_ns()
        self.frames += 1
        self.next = max(self.next, number + 1)
        if self.before is not None:
            self.latencies.append(now - sent_ns)
        elif self.frames >= WARM_UP:
            self.before, self.counted = cpu_us(), self.frames
        if self.credit:
            while self.granted < (number + 1) // self.group:
                self.granted += 1
                try:
                    self.credit.write(b"\1")
                except BrokenPipeError:
                    pass  # the sender has sent its last frame and needs no more

    def print(self, datagrams=None):
        counted = self.frames - self.counted
        cpu = (cpu_us() - self.before) / counted if self.before is not None and counted else None
        print(
            json.dumps(
                {
                    "frames": self.frames,
                    "lost": max(0, self.next - self.frames),
                    "datagrams": datagrams,
                    "cpu_us": cpu,
                    "latency_us": percentiles(self.latencies),
                }
            )
        )


def percentiles(latencies_ns):
    if not latencies_ns:
        return None
    ordered = sorted(latencies_ns)
    at = lambda percent: ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / 1000
    return {"p50": at(50), "p99": at(99), "max": ordered[-1] / 1000}
