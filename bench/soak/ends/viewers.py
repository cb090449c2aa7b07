"""Those who look at a gateway, each as a patient page does: what has brought nothing for a second is asked for again.

viewers.py HOST REDIS_HOST prints, twenty times a second, how many pictures each has seen since the start, and once a second
what the gateway says of itself (/state), JSON objects. Standard library only.
"""

import base64
import http.client
import json
import os
import socket
import sys
import threading
import time

# Silence after which a connection is not trusted any more, and how long connecting may take.
SILENCE_S, CONNECT_S = 1.0, 0.5
PAUSE_S = 0.1
EVERY_S = 0.05
REDIS_PORT, CHANNEL = 6379, "soak"
# The longest line that any of them may say.
LONGEST_LINE = 1 << 16


class Viewer:
    def __init__(self, name, host, port, look):
        self.name, self.address, self.look = name, (host, port), look
        self.pictures = self.damaged = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                with socket.create_connection(self.address, timeout=CONNECT_S) as connection:
                    connection.settimeout(SILENCE_S)
                    with connection.makefile("rb", buffering=1 << 18) as stream:
                        for picture in self.look(connection, stream):
                            self.pictures += 1
                            self.damaged += not picture
            except (OSError, EOFError, ValueError):
                pass
            time.sleep(PAUSE_S)


def line(stream):
    read = stream.readline(LONGEST_LINE)
    if not read.endswith(b"\n"):
        raise EOFError
    return read.strip()


def exactly(stream, length):
    read = stream.read(length)
    if len(read) != length:
        raise EOFError
    return read


def is_whole(jpeg):
    return jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9"


def headers(stream):
    """Up to the empty line, by name."""
    found = {}
    while head := line(stream):
        name, _, value = head.partition(b":")
        found[name.lower()] = value.strip()
    return found


def motion_jpeg(path):
    def look(connection, stream):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: soak\r\n\r\n".encode())
        if b" 200 " not in line(stream) + b" ":
            return
        headers(stream)
        while True:
            if not line(stream).startswith(b"--"):
                continue
            yield is_whole(exactly(stream, int(headers(stream)[b"content-length"])))

    return look


def websocket(path):
    def look(connection, stream):
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: soak\r\n{upgrade}\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        if b" 101 " not in line(stream):
            return
        headers(stream)
        while True:
            opcode, length = exactly(stream, 2)
            if length >= 126:
                length = int.from_bytes(exactly(stream, 2 if length == 126 else 8), "big")
            message = exactly(stream, length)
            if opcode & 0x0F == 8:
                return
            if opcode & 0x0F == 2:
                yield is_whole(message)

    return look


def redis(connection, stream):
    """What is published (RESP2)."""
    connection.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%s\r\n" % (len(CHANNEL), CHANNEL.encode()))
    while True:
        if not line(stream).startswith(b"*"):
            raise ValueError
        words = []
        for _ in range(3):
            kind = line(stream)
            words.append(exactly(stream, int(kind[1:]) + 2) if kind.startswith(b"$") else kind)
        if words[0].startswith(b"message"):
            yield words[2].startswith(b"{") and words[2].endswith(b"}\r\n")


def state(host):
    connection = http.client.HTTPConnection(host, 8000, timeout=SILENCE_S)
    try:
        connection.request("GET", "/state")
        return json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ask(host):
    while True:
        told = state(host)
        if told:
            print(json.dumps({"state": told}), flush=True)
        time.sleep(1)


def main():
    host, redis_host = sys.argv[1:]
    viewers = [
        Viewer("mjpeg 1", host, 8000, motion_jpeg("/video/cam")),
        Viewer("mjpeg 2", host, 8000, motion_jpeg("/video/cam")),
        Viewer("websocket", host, 8000, websocket("/jpeg/cam")),
        Viewer("camera", host, 8001, motion_jpeg("/video/camera")),
        Viewer("redis", redis_host, REDIS_PORT, redis),
    ]
    threading.Thread(target=ask, args=(host,), daemon=True).start()
    while True:
        time.sleep(EVERY_S)
        pictures = {viewer.name: viewer.pictures for viewer in viewers}
        print(json.dumps({"pictures": pictures, "damaged": sum(v.damaged for v in viewers)}), flush=True)


main()
