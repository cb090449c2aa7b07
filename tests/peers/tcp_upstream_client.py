#!/usr/bin/env python3
"""A receiver of the upstream framing over TCP (docs/wire.md): it connects, and answers each frame with one byte 0.

A frame is its length as a big-endian u64, and a JPEG. Length 0 ends the stream, which "ended" tells.
"""

import struct
import sys

from tcp_peer import ConnectionCut, Report, client_options, connect, receive, status_of


def main():
    arguments = client_options(__doc__, 54321).parse_args()
    report = Report(arguments, "jpg")
    report.more["ended"] = False

    def work():
        with connect(arguments.remote, arguments.timeout) as connection:
            while True:
                header = receive(connection, 8)
                if header is None:
                    return
                (size,) = struct.unpack(">Q", header)
                if size == 0:
                    report.more["ended"] = True
                    return
                jpeg = receive(connection, size)
                if jpeg is None:
                    raise ConnectionCut(f"closed before a frame of {size} bytes")
                is_more_wanted = report.take(jpeg)
                connection.sendall(b"\0")
                if not is_more_wanted:
                    return

    status = status_of(work)
    report.print()
    return status


if __name__ == "__main__":
    sys.exit(main())
