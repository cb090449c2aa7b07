#!/usr/bin/env python3
"""A sender of a sealed stream written from docs/wire.md alone, which can also do what no sender should.

Frames go out on the sequenced wire without parity, one after another at a rate, each until it was sent so often. Acks that
open are answered with a time reply. Prints one JSON object at the end.
"""

import argparse
import json
import os
import select
import socket
import struct
import sys
import time

import sealing
from frame_tag import crc32c

PAYLOAD = 1000


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--remote", required=True, metavar="HOST:PORT")
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--source", required=True, metavar="DIR", help="a folder of JPEGs")
    parser.add_argument("--cipher", choices=("aes", "chacha"), default="aes")
    parser.add_argument("--fps", type=float, default=50.0)
    parser.add_argument("--duration", type=float, default=3.0, metavar="SECONDS")
    parser.add_argument("--clock-offset", type=int, default=0, metavar="SECONDS", help="how far its clock is off")
    parser.add_argument("--announce", action="store_true", help="announce the stream at first")
    parser.add_argument("--mute", action="store_true", help="answer no ack")
    parser.add_argument("--record", metavar="FILE", help="write every datagram sent there, each after its length in 4 bytes")
    parser.add_argument("--replay", metavar="FILE", help="send what is recorded there, and nothing else")
    parser.add_argument("--twice", action="store_true", help="send every datagram twice")
    parser.add_argument("--flip", action="store_true", help="send every datagram with a flipped bit before it is sent right")
    parser.add_argument("--unsealed", action="store_true", help="send every datagram of frames unsealed before it is sent right")
    return parser.parse_args()


class Sender:
    def __init__(self, arguments):
        self.arguments = arguments
        self.key = sealing.read_key(arguments.key_file)
        self.cipher = sealing.CHACHA if arguments.cipher == "chacha" else sealing.AES
        self.stream_id = os.urandom(8)
        self.number = 0
        self.acks = self.datagrams = 0
        host, _, port = arguments.remote.rpartition(":")
        self.remote = (host, int(port))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.record = open(arguments.record, "wb") if arguments.record else None

    def clock(self):
        return time.time_ns() // 1000 + self.arguments.clock_offset * 1_000_000

    def send(self, plain, to=None):
        sealed = sealing.seal(self.key, self.cipher, self.number, plain)
        self.number += 1
        to = to or self.remote
        if self.arguments.unsealed and plain[1] == sealing.DATA:
            self.socket.sendto(plain, to)
        if self.arguments.flip:
            at = self.number % len(sealed)
            at = at if at >= 10 else 10 + at
            self.socket.sendto(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], to)
        for _ in range(1 + self.arguments.twice):
            self.socket.sendto(sealed, to)
            self.datagrams += 1
        if self.record:
            self.record.write(struct.pack(">I", len(sealed)) + sealed)

    def announce(self):
        fields = struct.pack(">BQHHIB", 3, self.clock(), 64, 48, 5000, 4) + b"peer"
        self.send(bytes([0, sealing.ANNOUNCE]) + self.stream_id + fields)

    def frame(self, number, jpeg):
        coded = jpeg + struct.pack(">I", crc32c(jpeg))
        pieces = [coded[at : at + PAYLOAD] for at in range(0, len(coded), PAYLOAD)]
        captured_at = self.clock()
        for index, piece in enumerate(pieces):
            fields = struct.pack(">IHHHIQ", number, len(pieces) - index, len(pieces), 0, len(jpeg), captured_at)
            self.send(bytes([0, sealing.DATA]) + self.stream_id + fields + piece)

    def answer(self, until):
        """Hears acks until it is time for the next frame."""
        while True:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            datagram, source = self.socket.recvfrom(65535)
            opened = sealing.unseal(self.key, datagram)
            if opened is None or opened[0][1] != sealing.ACK or opened[0][2:10] != self.stream_id:
                continue
            self.acks += 1
            receiver_id, _, _, sent_at = struct.unpack_from(">QQIQ", opened[0], 10)
            if not self.arguments.mute:
                reply = struct.pack(">QQIQ", receiver_id, sent_at, 0, self.clock())
                self.send(bytes([0, sealing.TIME]) + self.stream_id + reply, source)

    def run(self):
        arguments = self.arguments
        jpegs = []
        for name in sorted(os.listdir(arguments.source)):
            with open(os.path.join(arguments.source, name), "rb") as file:
                jpegs.append(file.read())
        if arguments.announce:
            self.announce()
        frames = 0
        start = time.monotonic()
        while time.monotonic() - start < arguments.duration:
            self.frame(frames, jpegs[frames % len(jpegs)])
            frames += 1
            self.answer(start + frames / arguments.fps)
        if self.record:
            self.record.close()
        return {"frames": frames, "datagrams": self.datagrams, "acks": self.acks, "stream_id": self.stream_id.hex()}

    def play(self):
        with open(self.arguments.replay, "rb") as file:
            while header := file.read(4):
                self.socket.sendto(file.read(struct.unpack(">I", header)[0]), self.remote)
                self.datagrams += 1
                time.sleep(0.003)
        return {"frames": 0, "datagrams": self.datagrams, "acks": 0}


def main():
    arguments = options()
    sender = Sender(arguments)
    print(json.dumps(sender.play() if arguments.replay else sender.run()))


if __name__ == "__main__":
    sys.exit(main())
