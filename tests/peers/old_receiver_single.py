#!/usr/bin/env python3
"""The variant of the old receiver that takes each datagram for a whole frame (docs/wire.md section 1 with a count of 1).

It drops the count unread and decodes the rest, so it shows only frames that fit one datagram. What would not decode is
counted here, where the original would stop with an error.
"""

import sys

from old_receiver import collect, listen, options


def frames(sock):
    while True:
        yield sock.recv(65536)[1:]


if __name__ == "__main__":
    arguments = options(__doc__)
    sys.exit(collect(frames(listen(arguments.bind, arguments.rcvbuf, arguments.timeout)), arguments))
