#!/usr/bin/env python3
"""A receiver of the pickle framing over TCP (docs/wire.md): it connects, and gives what comes to Python's own unpickler.

A frame is its length as a little-endian u64, and the pickle of a numpy array of uint8, (height, width, 3), blue, green,
red. Warnings are errors: what is sent must load silently. Needs numpy.
"""

import pickle
import struct
import sys
import warnings

import numpy

from tcp_peer import ConnectionCut, Report, client_options, connect, receive, status_of


def main():
    arguments = client_options(__doc__, 9999).parse_args()
    report = Report(arguments, "bgr")
    report.more |= {"shape": None, "numpy": numpy.__version__}
    warnings.simplefilter("error")

    def work():
        with connect(arguments.remote, arguments.timeout) as connection:
            while True:
                header = receive(connection, 8)
                if header is None:
                    return
                (size,) = struct.unpack("<Q", header)
                content = receive(connection, size)
                if content is None:
                    raise ConnectionCut(f"closed before a frame of {size} bytes")
                picture = pickle.loads(content)
                if not isinstance(picture, numpy.ndarray) or picture.dtype != numpy.uint8 or picture.ndim not in (2, 3):
                    raise ConnectionCut(f"not a picture: {type(picture)}")
                report.more["shape"] = picture.shape
                if not report.take(numpy.ascontiguousarray(picture).data.cast("B")):
                    return

    status = status_of(work)
    report.print()
    return status


if __name__ == "__main__":
    sys.exit(main())
