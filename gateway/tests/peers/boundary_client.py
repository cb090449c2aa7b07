"""An old client that searches for the boundary --!> and knows nothing of lengths.

boundary_client.py PORT PATH FRAMES prints the size of each picture. Standard library only.
"""
import socket
import sys


def size_of(jpeg):
    """Width and height, from the frame header (T.81 B.2.2)."""
    at = 2
    while at < len(jpeg):
        if jpeg[at] != 0xFF:
            raise ValueError(f"no marker at {at}")
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xC2:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + length
    raise ValueError("no frame header")


def parts(connection):
    """What lies between two boundaries, header lines and all."""
    buffer = b""
    while True:
        before, found, after = buffer.partition(b"--!>")
        if found:
            yield before
            buffer = after
            continue
        received = connection.recv(65536)
        if not received:
            return
        buffer += received


def main():
    port, path, frames = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        found = parts(connection)
        head = next(found)
        assert head.startswith(b"HTTP/1.0 200"), head
        assert b'content-type: multipart/x-mixed-replace;boundary="!>"' in head.lower(), head
        for _ in range(frames):
            part = next(found)
            header, _, body = part.partition(b"\r\n\r\n")
            assert header.startswith(b"\r\nContent-Type: image/jpeg\r\n"), header
            jpeg = body[: -len(b"\r\n")]
            assert body.endswith(b"\r\n") and jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9", (body[:4], body[-4:])
            assert f"Content-Length: {len(jpeg)}\r\n".encode() in header + b"\r\n", header
            assert b"\r\nX-Timestamp: " in header, header
            print("%dx%d" % size_of(jpeg))


main()
