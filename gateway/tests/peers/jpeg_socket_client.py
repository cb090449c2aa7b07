"""A WebSocket client (RFC 6455) that takes each binary message for a JPEG.

jpeg_socket_client.py PORT PATH FRAMES prints the length of each picture, and closes the connection as one should. Standard
library only.
"""
import base64
import hashlib
import os
import socket
import sys

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def exactly(stream, length):
    read = stream.read(length)
    assert len(read) == length, "it ended"
    return read


def message(stream):
    """The opcode and the payload of the next message, which our gateway never cuts into fragments."""
    first, second = exactly(stream, 2)
    assert first & 0x80 and not second & 0x80, "a server sends whole messages, and does not mask them"
    length = second
    if length == 126:
        length = int.from_bytes(exactly(stream, 2), "big")
    elif length == 127:
        length = int.from_bytes(exactly(stream, 8), "big")
    return first & 0x0F, exactly(stream, length)


def main():
    port, path, frames = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        with connection.makefile("rb") as stream:
            head = iter(stream.readline, b"\r\n")
            status = next(head)
            assert b" 101 " in status, status
            headers = dict(line.decode().lower().split(": ", 1) for line in head)
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode().lower()
            assert headers["sec-websocket-accept"].strip() == accept, headers
            while frames:
                opcode, jpeg = message(stream)
                assert opcode == 2 and jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9", (opcode, jpeg[:8])
                print(len(jpeg))
                frames -= 1
            # Close, with status 1000 and a mask that changes nothing. Pictures may be on their way.
            connection.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
            while (answer := message(stream))[0] != 8:
                pass
            assert answer[1] == b"\x03\xe8", answer


main()
