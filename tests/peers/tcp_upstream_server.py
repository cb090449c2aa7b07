#!/usr/bin/env python3
"""A sender of the upstream framing over TCP (docs/wire.md): it listens, and sends JPEGs to whoever connects first.

A frame is its length as a big-endian u64, and the JPEG. The next one is sent when the receiver has answered one byte 0.
Length 0 ends the stream. "left" tells that the receiver has gone before.
"""

import json
import struct
import sys

from old_sender import read_jpegs, repeated
from tcp_peer import ConnectionCut, accept, at_rate, receive, server_options, status_of


def main():
    parser = server_options(__doc__, 54321)
    parser.add_argument("source", help="a folder of .jpg files, or a file of JPEGs one after another (MJPEG)")
    arguments = parser.parse_args()
    jpegs = repeated(read_jpegs(arguments.source), arguments.repeat)
    said = {"frames": 0, "answers": 0, "left": False}

    def work():
        try:
            send()
        except (BrokenPipeError, ConnectionResetError):
            said["left"] = True

    def send():
        with accept(arguments.bind, arguments.timeout) as connection:
            for jpeg in at_rate(arguments.fps, jpegs, arguments.frames):
                # In one call: after a short one of its own, the last part of the JPEG would wait for an acknowledgement.
                connection.sendall(struct.pack(">Q", len(jpeg)) + jpeg)
                said["frames"] += 1
                answer = receive(connection, 1)
                if answer is None:
                    said["left"] = True
                    return
                if answer != b"\0":
                    raise ConnectionCut(f"the answer is {answer[0]}, not 0")
                said["answers"] += 1
            connection.sendall(struct.pack(">Q", 0))

    status = status_of(work)
    print(json.dumps(said))
    return status


if __name__ == "__main__":
    sys.exit(main())
