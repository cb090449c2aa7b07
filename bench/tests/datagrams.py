#!/usr/bin/env python3
"""Sends numbered datagrams, receives them and tells what became of them; answers, and asks for answers."""

import json
import socket
import struct
import sys
import time

NUMBER = struct.Struct("!I")
LENGTH = 200
# Datagrams that leave together, and the pause after them.
BATCH, PAUSE_S = 20, 0.001
SO_RCVBUFFORCE = 33
# All have come when none came for so long.
SILENCE_S = 3
PATIENCE_S = 30


def datagram(number):
    return NUMBER.pack(number) * (LENGTH // NUMBER.size)


def listen(host, port, group):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    sock.bind((group or host, int(port)))
    if group:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(host))
    sock.settimeout(PATIENCE_S)
    print("listening", file=sys.stderr, flush=True)
    return sock


def send(host, port, count):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(int(count)):
        sock.sendto(datagram(number), (host, int(port)))
        if number % BATCH == BATCH - 1:
            time.sleep(PAUSE_S)


def most_frequent(numbers):
    return max(set(numbers), key=numbers.count)


def receive(host, port, group=None):
    sock = listen(host, port, group)
    numbers, flipped_bits, overtaken = [], {}, 0
    try:
        while True:
            got = sock.recv(65536)
            sock.settimeout(SILENCE_S)
            # One flipped bit leaves all repetitions of the number right but one.
            number = most_frequent([NUMBER.unpack_from(got, at)[0] for at in range(0, LENGTH, NUMBER.size)])
            wrong = sum((a ^ b).bit_count() for a, b in zip(got, datagram(number)))
            flipped_bits[wrong] = flipped_bits.get(wrong, 0) + 1
            overtaken += bool(numbers) and number < numbers[-1]
            numbers.append(number)
    except TimeoutError:
        pass
    print(
        json.dumps(
            {
                "came": len(numbers),
                "different": len(set(numbers)),
                "flipped_bits": flipped_bits,
                "overtaken": overtaken,
            }
        )
    )


def echo(host, port):
    sock = listen(host, port, None)
    while True:
        sock.sendto(*sock.recvfrom(65536))


def ask(host, port, count):
    """Prints the shortest round trip, in ms."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE_S)
    trips = []
    for number in range(int(count)):
        begin = time.monotonic()
        sock.sendto(datagram(number), (host, int(port)))
        sock.recv(65536)
        trips.append(time.monotonic() - begin)
    trips.sort()
    print(json.dumps({"least_ms": 1000 * trips[0], "median_ms": 1000 * trips[len(trips) // 2]}))


if __name__ == "__main__":
    {"send": send, "receive": receive, "echo": echo, "ask": ask}[sys.argv[1]](*sys.argv[2:])
