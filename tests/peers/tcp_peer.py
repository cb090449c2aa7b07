"""What the TCP peers have in common: connections, reading exactly so much, options, the report. No program of its own."""

import argparse
import hashlib
import json
import os
import socket
import sys
import time

from old_sender import address


class ConnectionCut(Exception):
    """The other side closed the connection where more was to come."""


def listen(bind):
    family, kind, _, _, where = socket.getaddrinfo(*bind, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(where)
    sock.listen()
    host, port = sock.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    print(f"listening on {host}:{port}", file=sys.stderr, flush=True)
    return sock


def accept(bind, timeout):
    """The first connection that is made."""
    with listen(bind) as sock:
        sock.settimeout(timeout)
        connection, _ = sock.accept()
    connection.settimeout(timeout)
    return connection


def connect(remote, timeout):
    """Tries until somebody listens."""
    give_up = time.monotonic() + timeout
    while True:
        try:
            return socket.create_connection(remote, timeout)
        except ConnectionRefusedError:
            if time.monotonic() > give_up:
                raise TimeoutError from None
            time.sleep(0.05)


def receive(connection, size):
    """Exactly so many bytes, or none at all if the connection was closed before the first."""
    content = bytearray(size)
    rest = memoryview(content)
    while rest:
        count = connection.recv_into(rest)
        if count == 0:
            if len(rest) == size:
                return None
            raise ConnectionCut(f"closed after {size - len(rest)} of {size} bytes")
        rest = rest[count:]
    return content


def server_options(description, port):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--bind", type=address, default=("127.0.0.1", port), metavar="HOST:PORT",
        help=f"default 127.0.0.1:{port}; port 0 takes a free one and says which",
    )
    parser.add_argument("--fps", type=float, default=30, metavar="F", help="default 30; 0: as fast as it goes")
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N",
        help="send all of it so often; 0: for ever; default 1",
    )
    parser.add_argument("--frames", type=int, default=0, metavar="N", help="end after so many")
    add_timeout(parser)
    return parser


def client_options(description, port):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--remote", type=address, default=("127.0.0.1", port), metavar="HOST:PORT",
        help=f"default 127.0.0.1:{port}; tries until somebody listens there",
    )
    parser.add_argument("--frames", type=int, default=0, metavar="N", help="leave after so many; default: never")
    parser.add_argument("--out", metavar="DIR", help="write each frame there, numbered from 000001")
    parser.add_argument("--digest", action="store_true", help='list the SHA-256 of each frame, as "sha256"')
    parser.add_argument(
        "--delay", type=float, default=0, metavar="SECONDS",
        help="wait so long after each frame",
    )
    add_timeout(parser)
    return parser


def add_timeout(parser):
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="SECONDS",
        help="end with status 3 when the other side is silent for so long; default 10",
    )


def at_rate(fps, frames, limit):
    """Each frame when its time has come, measured from the first one; so many at most."""
    begin = time.monotonic()
    for number, frame in enumerate(frames):
        if limit and number == limit:
            return
        if fps:
            time.sleep(max(0, begin + number / fps - time.monotonic()))
        yield frame


class Report:
    """Counts and keeps frames, as the options say."""

    def __init__(self, arguments, ending):
        self.arguments = arguments
        self.ending = ending
        self.frames = self.bytes = 0
        self.digests = []
        self.begin = self.end = 0
        self.more = {}
        if arguments.out:
            os.makedirs(arguments.out, exist_ok=True)

    def take(self, content):
        """Whether more frames are wanted."""
        self.end = time.monotonic()
        self.begin = self.begin or self.end
        self.frames += 1
        self.bytes += len(content)
        if self.arguments.digest:
            self.digests.append(hashlib.sha256(content).hexdigest())
        if self.arguments.out:
            with open(os.path.join(self.arguments.out, f"{self.frames:06}.{self.ending}"), "wb") as file:
                file.write(content)
        time.sleep(self.arguments.delay)
        return self.frames != self.arguments.frames

    def print(self):
        """Seconds are those from the first frame to the last."""
        said = {"frames": self.frames, "bytes": self.bytes, "seconds": round(self.end - self.begin, 6)}
        said |= {"sha256": self.digests} if self.arguments.digest else {}
        print(json.dumps(said | self.more))


def status_of(work):
    """Does it, and says how it went as an exit status."""
    try:
        work()
    except TimeoutError:
        return 3
    except (ConnectionError, ConnectionCut) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0
