#!/usr/bin/env python3
"""A receiver of sealed streams written from docs/wire.md alone: opens all that comes, puts frames together, acknowledges.

Says where it listens, then prints one JSON object at the end: what opened by type, what did not, and each frame's SHA-256.
"""

import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import time

import sealing
from frame_tag import crc32c

ACK_INTERVAL = 0.25


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bind", default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="end when nothing comes for so long")
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--cipher", choices=("aes", "chacha"), default="aes", help="what to seal with")
    parser.add_argument("--record", metavar="FILE", help="write every datagram received there, each after its length in 4 bytes")
    return parser.parse_args()


class Receiver:
    def __init__(self, arguments, sock):
        self.key = sealing.read_key(arguments.key_file)
        self.cipher = sealing.CHACHA if arguments.cipher == "chacha" else sealing.AES
        self.socket = sock
        self.receiver_id = os.urandom(8)
        self.number = 0
        self.acked = 0.0
        self.opened = {}
        self.ciphers = set()
        self.numbers = set()
        self.refused = self.replayed = self.answers = 0
        self.frames = {}
        self.whole = []
        self.sent = []

    def take(self, datagram, source):
        """False once the sender has said bye."""
        result = sealing.unseal(self.key, datagram)
        if result is None:
            self.refused += 1
            return True
        plain, number = result
        if number in self.numbers:
            self.replayed += 1
            return True
        self.numbers.add(number)
        self.ciphers.add(datagram[1] & 0x40)
        kind = plain[1]
        self.opened[kind] = self.opened.get(kind, 0) + 1
        if kind == sealing.DATA:
            self.data(plain)
        elif kind == sealing.TIME:
            receiver_id, echoed = plain[10:18], struct.unpack_from(">Q", plain, 18)[0]
            self.answers += receiver_id == self.receiver_id and echoed in self.sent
        elif kind == sealing.BYE:
            return False
        self.acknowledge(plain[2:10], source)
        return True

    def data(self, plain):
        number, countdown, k, _, length, _ = struct.unpack_from(">IHHHIQ", plain, 10)
        pieces = self.frames.setdefault(number, {})
        pieces[k - countdown] = plain[32:]
        if len(pieces) == k:
            coded = b"".join(pieces[at] for at in range(k))
            jpeg, crc = coded[:length], coded[length : length + 4]
            assert crc == struct.pack(">I", crc32c(jpeg)), f"frame {number} is damaged"
            self.whole.append(hashlib.sha256(jpeg).hexdigest())
            del self.frames[number]

    def acknowledge(self, stream_id, source):
        if time.monotonic() - self.acked < ACK_INTERVAL:
            return
        self.acked = time.monotonic()
        now = time.time_ns() // 1000
        self.sent.append(now)
        # Echoes nothing; reads the sequenced wire.
        fields = struct.pack(">QIQHIIIII", 0, 0, now, 1, len(self.whole), 0, 0, 0, 0)
        plain = bytes([0, sealing.ACK]) + stream_id + self.receiver_id + fields
        self.socket.sendto(sealing.seal(self.key, self.cipher, self.number, plain), source)
        self.number += 1


def main():
    arguments = options()
    host, _, port = arguments.bind.rpartition(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((host, int(port)))
    sock.settimeout(arguments.timeout)
    print("listening on {}:{}".format(*sock.getsockname()), file=sys.stderr, flush=True)
    receiver = Receiver(arguments, sock)
    record = open(arguments.record, "wb") if arguments.record else None
    try:
        while True:
            datagram, source = sock.recvfrom(65535)
            if record:
                record.write(struct.pack(">I", len(datagram)) + datagram)
            if not receiver.take(datagram, source):
                break
    except socket.timeout:
        pass
    if record:
        record.close()
    print(json.dumps({
        "opened": {format(kind, "#x"): count for kind, count in receiver.opened.items()},
        "ciphers": sorted({sealing.AES: "aes", sealing.CHACHA: "chacha"}[cipher] for cipher in receiver.ciphers),
        "refused": receiver.refused,
        "replayed": receiver.replayed,
        "answers": receiver.answers,
        "frames": receiver.whole,
    }))


if __name__ == "__main__":
    sys.exit(main())
