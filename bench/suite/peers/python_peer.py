#!/usr/bin/env python3
"""A peer as this family has them: JPEGs in pieces of 64 KB behind a countdown byte, in a few lines of Python."""

import socket
import struct
import time

from common import STAMP, STAMP_AT, Arrivals, arguments, files, listen, send_all


def send(options):
    jpegs = [bytearray(jpeg) for jpeg in files(options.pictures, "jpg")]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    payload = options.datagram_size - 1

    def send_frame(number):
        frame = jpegs[number % len(jpegs)]
        STAMP.pack_into(frame, STAMP_AT, number, time.time_ns())
        return send_jpeg(sock, frame, payload, options.remote)

    send_all(options, send_frame, lambda end: sock.sendto(end, options.remote))


def send_jpeg(sock, frame, payload, remote):
    total = count = -(-len(frame) // payload)
    start = 0
    while count:
        sock.sendto(struct.pack("B", count) + frame[start : start + payload], remote)
        start += payload
        count -= 1
    return total


def frames(sock):
    """Joins what comes until the count is 1, and checks nothing; ends when the sender says that this was all."""
    frame = b""
    while True:
        datagram, _ = sock.recvfrom(65536)
        count = datagram[0]
        if count == 0:
            return
        frame += datagram[1:]
        if count == 1:
            yield frame
            frame = b""


def receive(options):
    sock = listen(options)
    arrivals = Arrivals(options)
    for frame in frames(sock):
        arrivals.arrived(*STAMP.unpack_from(frame, STAMP_AT))
    arrivals.print()


if __name__ == "__main__":
    given = arguments(__doc__)
    send(given) if given.end == "send" else receive(given)
