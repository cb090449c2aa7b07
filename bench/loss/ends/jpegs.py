"""JPEGs in files and in pipes, as all ends here read and write them."""

import fcntl
import os
import pathlib
import struct

F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", 1031)
# Some frames, so that neither side waits for the other within one.
PIPE_BYTES = 1 << 20
EOI, SOS = b"\xff\xd9", b"\xff\xda"
LENGTH = struct.Struct("!I")


def load(folder):
    return [path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*.jpg"))]


def widen(fd):
    try:
        fcntl.fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # slower, and just as right


def pieces(fd):
    while piece := os.read(fd, PIPE_BYTES):
        yield piece


def by_end_of_image(fd):
    """JPEGs that stand one after another. A marker is no part of entropy-coded bytes (T.81 B.1.1.5)."""
    unread, looked_at = bytearray(), 0
    for piece in pieces(fd):
        unread += piece
        while (at := unread.find(EOI, looked_at)) >= 0:
            yield bytes(unread[: at + len(EOI)])
            del unread[: at + len(EOI)]
            looked_at = 0
        looked_at = max(0, len(unread) - 1)
    if unread:
        yield bytes(unread)


def by_length(fd):
    """Frames of any content, each behind its length."""
    unread = bytearray()
    for piece in pieces(fd):
        unread += piece
        while len(unread) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(unread)[0]
            if len(unread) < end:
                break
            yield bytes(unread[LENGTH.size : end])
            del unread[:end]
    if unread:
        yield bytes(unread)


def write_all(fd, *parts):
    view = memoryview(b"".join(parts))
    while view:
        view = view[os.write(fd, view) :]


def write_with_length(fd, frame):
    write_all(fd, LENGTH.pack(len(frame)), frame)


def scan(jpeg):
    """The entropy-coded bytes: all that RTP/JPEG carries (RFC 2435), whose receivers make up the headers."""
    at = jpeg.find(SOS)
    if at < 0 or len(jpeg) < at + 4:
        return jpeg
    begin = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    end = jpeg.rfind(EOI)
    return jpeg[begin : end if end >= begin else len(jpeg)]
