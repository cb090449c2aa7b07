#!/usr/bin/env python3
"""A sender on the sequenced wire, written from docs/wire.md sections 3 and 4 alone: no parity, answers nacks.

Prints one JSON object at the end: what it sent, what it left out at first, and what it was asked for.
"""

import json
import os
import select
import socket
import struct
import time

import frame_tag
from old_sender import at_rate, common_options, read_jpegs, repeated

# zero, type, stream id, frame number, countdown, k, m, frame length, capture time
HEADER = struct.Struct(">BB8sIHHHIQ")
assert HEADER.size == 32
# zero, type, stream id, receiver id, frame number, count
NACK = struct.Struct(">BB8sQIH")
DATA, NACK_TYPE, BYE = 0x14, 0x16, 0x13


def options():
    parser = common_options(__doc__, payload=1400)
    parser.add_argument("--lose-every", type=int, default=0, metavar="N",
                        help="leave out every Nth datagram, until it is asked for; default: none")
    parser.add_argument("--linger", type=float, default=1, metavar="SECONDS",
                        help="answer so long after the last frame; default 1")
    parser.add_argument("--swap", action="store_true", help="send each two datagrams the other way round")
    arguments = parser.parse_args()
    if arguments.payload % 2:
        parser.error("--payload must be even")
    return arguments


def datagrams(jpeg, stream_id, number, payload):
    """The frame's datagrams by their countdown, the first one first."""
    coded = jpeg + struct.pack(">I", frame_tag.crc32c(jpeg))
    k = -(-len(coded) // payload)
    captured = time.time_ns() // 1000
    return {
        k - at: HEADER.pack(0, DATA, stream_id, number, k - at, k, 0, len(jpeg), captured)
        + coded[at * payload : (at + 1) * payload]
        for at in range(k)
    }


class Sender:
    def __init__(self, remote):
        family, kind, _, _, self.where = socket.getaddrinfo(*remote, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, kind)
        self.stream_id = os.urandom(8)
        self.kept = {}
        self.counts = {"frames": 0, "datagrams": 0, "left_out": 0, "nacks": 0, "repeats": 0}

    def send(self, datagram):
        self.socket.sendto(datagram, self.where)
        self.counts["datagrams"] += 1

    def answer(self, patience):
        """Answers what is asked for within so many seconds."""
        until = time.monotonic() + patience
        while select.select([self.socket], [], [], max(0, until - time.monotonic()))[0]:
            self.take(self.socket.recv(2048))

    def take(self, datagram):
        if datagram[:2] != bytes([0, NACK_TYPE]):
            return
        _, _, stream_id, _, number, count = NACK.unpack_from(datagram)
        assert stream_id == self.stream_id and len(datagram) == NACK.size + 2 * count <= 1400
        self.counts["nacks"] += 1
        frame = self.kept.get(number, {})
        wanted = struct.unpack_from(f">{count}H", datagram, NACK.size) if count else frame
        for countdown in wanted:
            self.send(frame[countdown])
            self.counts["repeats"] += 1


def main():
    arguments = options()
    sender = Sender(arguments.remote)
    jpegs = read_jpegs(arguments.source)
    position = 0
    for number, jpeg in enumerate(at_rate(arguments.fps, repeated(jpegs, arguments.repeat))):
        frame = datagrams(jpeg, sender.stream_id, number, arguments.payload)
        sender.kept[number] = frame
        pieces = list(frame.values())
        if arguments.swap:
            pieces = [piece for at in range(0, len(pieces), 2) for piece in reversed(pieces[at : at + 2])]
        for piece in pieces:
            position += 1
            if arguments.lose_every and position % arguments.lose_every == 0:
                sender.counts["left_out"] += 1
            else:
                sender.send(piece)
        sender.counts["frames"] += 1
        sender.answer(0)
    sender.answer(arguments.linger)
    bye = struct.pack(">BB8sB", 0, BYE, sender.stream_id, 0)
    sender.socket.sendto(bye, sender.where)
    print(json.dumps({"stream_id": sender.stream_id.hex(), **sender.counts}))


if __name__ == "__main__":
    main()
