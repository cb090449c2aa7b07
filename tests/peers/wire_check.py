#!/usr/bin/env python3
"""Captures what a sender puts on the plain wire and checks every byte of it against docs/wire.md sections 1 and 2.

Prints one JSON object a frame, with what is wrong in "faults", and a last one with "final": true. Status 0: nothing is
wrong; 1: something is; 3: fewer frames came than were asked for.
"""

import argparse
import json
import os
import sys
import time

import frame_tag
from old_receiver import address, listen

# docs/wire.md section 1: the largest that IPv4 carries.
LARGEST_DATAGRAM = 65507
# Sender and checker share a clock where this is used.
CLOCK_TOLERANCE_S = 60


def capture(sock, frames, join):
    """Datagrams as (bytes, from whom, when) until so many frames have ended. Checking waits, or some would be lost."""
    captured = []
    ended = 0
    joined = not join
    try:
        while ended < frames:
            datagram, source = sock.recvfrom(65536)
            is_last = datagram[:1] == b"\x01"
            if joined:
                captured.append((datagram, source[:2], time.time()))
                ended += is_last
            joined = joined or is_last
    except (TimeoutError, KeyboardInterrupt):
        pass
    return captured, ended


def frames_of(captured):
    """Groups of datagrams, each up to a count of 1."""
    group = []
    for item in captured:
        group.append(item)
        if item[0][:1] == b"\x01":
            yield group
            group = []
    if group:
        yield group


class Checker:
    def __init__(self, arguments):
        self.arguments = arguments
        self.source = None
        self.previous = None

    def check(self, group):
        """The verdict on one frame, and its JPEG without the tag."""
        faults = self.check_datagrams(group)
        frame = b"".join(datagram[1:] for datagram, _, _ in group)
        if frame[:2] != frame_tag.SOI:
            faults.append("the frame does not begin with SOI")
        if frame[-2:] != frame_tag.EOI:
            faults.append("the frame does not end with EOI")
        tag, jpeg, tag_faults = frame_tag.split(frame)
        faults += tag_faults + self.check_tag(tag, jpeg, group[-1][2])
        largest = max(len(datagram) for datagram, _, _ in group)
        verdict = {"datagrams": len(group), "largest": largest, "bytes": len(jpeg), "tag": tag, "faults": faults}
        return verdict, jpeg

    def check_datagrams(self, group):
        faults = []
        counts = [datagram[0] if datagram else None for datagram, _, _ in group]
        if counts != list(range(len(group), 0, -1)):
            faults.append(f"counts {counts}, not {len(group)} to 1")
        sizes = [len(datagram) for datagram, _, _ in group]
        if min(sizes) < 2:
            faults.append("a datagram without payload")
        if max(sizes) > LARGEST_DATAGRAM:
            faults.append(f"a datagram of {max(sizes)} bytes")
        if len(set(sizes[:-1])) > 1 or sizes[-1] > sizes[0]:
            faults.append(f"uneven datagrams: {sizes}")
        limit = self.arguments.datagram_size
        if limit and (max(sizes) > limit or len(sizes) > 1 and sizes[0] != limit):
            faults.append(f"datagrams of {sizes[0]} bytes, not {limit}")
        for source in dict.fromkeys(source for _, source, _ in group):
            self.source = self.source or source
            if source != self.source:
                faults.append(f"sent from {source}, before from {self.source}")
        return faults

    def check_tag(self, tag, jpeg, received):
        if tag is None:
            return [] if self.arguments.untagged else ["no tag"]
        faults = ["a tag where none was asked for"] if self.arguments.untagged else []
        if frame_tag.stands_at(jpeg, 2):
            faults.append("a second tag behind the first")
        if tag["flags"] & 0xFE:
            faults.append(f"flags {tag['flags']:#x}: only bit 0 has a meaning")
        if self.arguments.feedback is not None and tag["flags"] & 1 != self.arguments.feedback:
            faults.append(f"flag bit 0 is {tag['flags'] & 1}")
        age = received - tag["captured"] / 1e6
        if abs(age) > CLOCK_TOLERANCE_S:
            faults.append(f"captured {age:.3f} s before it was received")
        elif age < -0.001:
            faults.append(f"captured {-age:.3f} s after it was received")
        if self.previous:
            if tag["stream_id"] != self.previous["stream_id"]:
                faults.append(f"stream id {tag['stream_id']}, before {self.previous['stream_id']}")
            if tag["number"] != (self.previous["number"] + 1) % 2**32:
                faults.append(f"frame number {tag['number']} after {self.previous['number']}")
            if tag["captured"] < self.previous["captured"]:
                faults.append("captured before the frame that came before it")
        elif self.arguments.from_zero and tag["number"] != 0:
            faults.append(f"the first frame has number {tag['number']}, not 0")
        self.previous = tag
        return faults


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", type=address, default=(
        "127.0.0.1", 12345), metavar="HOST:PORT",
        help="default 127.0.0.1:12345; port 0 takes a free one and says which",
    )
    parser.add_argument("--frames", type=int, default=30, metavar="N", help="capture so many; default 30")
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="SECONDS",
        help="stop when no datagram came for so long; default 10",
    )
    parser.add_argument(
        "--rcvbuf", type=int, default=8 << 20, metavar="BYTES",
        help="socket receive buffer to ask for; default 8 MiB",
    )
    parser.add_argument(
        "--join", action="store_true",
        help="the stream is running already: begin after the first count of 1",
    )
    parser.add_argument("--from-zero", action="store_true", help="the first frame must have number 0")
    parser.add_argument(
        "--datagram-size", type=int, default=0, metavar="BYTES",
        help="every datagram but the last of a frame must have this size",
    )
    parser.add_argument("--untagged", action="store_true", help="there must be no tag")
    parser.add_argument("--feedback", type=int, choices=(0, 1), help="what flag bit 0 must be; default: either")
    parser.add_argument("--out", metavar="DIR", help="write the JPEGs there, without the tag, as 000001.jpg and so on")
    return parser.parse_args()


def main():
    arguments = options()
    sock = listen(arguments.bind, arguments.rcvbuf, arguments.timeout)
    captured, ended = capture(sock, arguments.frames, arguments.join)
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
    checker = Checker(arguments)
    faulty = 0
    for number, group in enumerate(frames_of(captured), 1):
        verdict, jpeg = checker.check(group)
        faulty += bool(verdict["faults"])
        print(json.dumps({"frame": number} | verdict))
        if arguments.out:
            with open(os.path.join(arguments.out, f"{number:06}.jpg"), "wb") as file:
                file.write(jpeg)
    print(json.dumps({"frames": ended, "faulty": faulty, "datagrams": len(captured), "final": True}))
    return 1 if faulty else 3 if ended < arguments.frames else 0


if __name__ == "__main__":
    sys.exit(main())
