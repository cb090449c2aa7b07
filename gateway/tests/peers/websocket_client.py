"""A WebSocket client that writes each binary message to a file. Standard library only, from RFC 6455.

websocket_client.py PORT PATH SECONDS FILE [--stall-until FILE]

Checks that each message is whole packets of a transport stream, and that the first one can be begun with. Prints a line at
the first message, and the number of messages and bytes at the end. With --stall-until it reads
nothing after the first message until there is that file, through a small window.
"""
import argparse
import base64
import hashlib
import os
import socket
import sys
import time

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PACKET = 188
PAT, PMT, VIDEO = 0x0000, 0x1000, 0x0100


def connect(port, path, window):
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    connection.sendall(head.encode())
    stream = connection.makefile("rb")
    answer = []
    while (line := stream.readline().strip()) != b"":
        answer.append(line.lower())
    if not answer or b" 101 " not in answer[0]:
        sys.exit(f"{answer}: {stream.read().decode()}")
    accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).lower()
    assert b"sec-websocket-accept: " + accept in answer, answer
    assert not any(line.startswith(b"sec-websocket-protocol") for line in answer), answer
    return connection, stream


def messages(connection, stream):
    """The binary messages, until the other side closes."""
    while True:
        head = stream.read(2)
        if len(head) < 2:
            return
        final, opcode, masked, length = head[0] & 0x80, head[0] & 0x0F, head[1] & 0x80, head[1] & 0x7F
        assert final and not masked, head
        if length >= 126:
            length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
        body = stream.read(length)
        if opcode == 8:
            return
        if opcode == 9:
            mask = os.urandom(4)
            connection.sendall(bytes([0x8A, 0x80 | length]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))
        if opcode == 2:
            yield body


def pid(packet):
    return (packet[1] & 0x1F) << 8 | packet[2]


def check(message, first):
    assert len(message) % PACKET == 0, len(message)
    packets = [message[at : at + PACKET] for at in range(0, len(message), PACKET)]
    assert all(packet[0] == 0x47 for packet in packets)
    if first:
        assert [pid(packet) for packet in packets[:3]] == [PAT, PMT, VIDEO], [pid(packet) for packet in packets[:3]]
        assert packets[2][3] & 0x20 and packets[2][5] & 0x40, "it cannot be begun with"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("seconds", type=float)
    parser.add_argument("file")
    parser.add_argument("--stall-until")
    arguments = parser.parse_args()
    connection, stream = connect(arguments.port, arguments.path, 4096 if arguments.stall_until else 0)
    count = total = 0
    end = None
    with connection, stream, open(arguments.file, "wb") as file:
        for message in messages(connection, stream):
            check(message, count == 0)
            count += 1
            total += len(message)
            file.write(message)
            file.flush()
            if count == 1:
                print("first message", flush=True)
                while arguments.stall_until and not os.path.exists(arguments.stall_until):
                    time.sleep(0.05)
                end = time.monotonic() + arguments.seconds
            if time.monotonic() > end:
                break
    print(f"{count} messages, {total} bytes")


main()
