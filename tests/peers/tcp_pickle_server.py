#!/usr/bin/env python3
"""A sender of the pickle framing over TCP (docs/wire.md): it listens, and sends pictures to whoever connects first.

A frame is its length as a little-endian u64, and the pickle of a numpy array of uint8, (height, width, 3), blue, green,
red. Closing the connection ends the stream. "left" tells that the receiver has gone before. Needs numpy.
"""

import json
import pickle
import struct
import sys

import numpy

from old_sender import repeated
from tcp_peer import accept, at_rate, server_options, status_of


def size(text):
    width, _, height = text.partition("x")
    return int(width), int(height)


def pictures(path, width, height, colors):
    content = numpy.fromfile(path, numpy.uint8)
    if len(content) == 0 or len(content) % (width * height * colors):
        sys.exit(f"{path} does not hold whole pictures of {width}x{height}")
    shape = (height, width, colors) if colors == 3 else (height, width)
    return list(content.reshape(-1, *shape))


# The same picture, in memory as arrays of numpy may be: rows first, columns first, colours first, a part of a larger one.
ORDERS = {
    "C": numpy.ascontiguousarray,
    "F": numpy.asfortranarray,
    "planes": lambda picture: numpy.moveaxis(numpy.ascontiguousarray(numpy.moveaxis(picture, -1, 0)), 0, -1),
    "slice": lambda picture: numpy.repeat(picture, 2, axis=1)[:, ::2],
}


def main():
    parser = server_options(__doc__, 9999)
    parser.add_argument("source", help="a file of raw pictures one after another (ffmpeg: -f rawvideo -pix_fmt bgr24)")
    parser.add_argument("--size", type=size, required=True, metavar="WxH", help="of the pictures")
    parser.add_argument("--gray", action="store_true", help="pictures of one byte a pixel: arrays (height, width)")
    parser.add_argument("--protocol", type=int, default=pickle.DEFAULT_PROTOCOL, choices=range(2, 6))
    parser.add_argument("--order", default="C", choices=ORDERS, help="how the arrays lie in memory")
    arguments = parser.parse_args()
    source = pictures(arguments.source, *arguments.size, 1 if arguments.gray else 3)
    in_order = [ORDERS[arguments.order](picture) for picture in source]
    frames = at_rate(arguments.fps, repeated(in_order, arguments.repeat), arguments.frames)
    said = {"frames": 0, "left": False, "numpy": numpy.__version__}

    def work():
        try:
            send()
        except (BrokenPipeError, ConnectionResetError):
            said["left"] = True

    def send():
        with accept(arguments.bind, arguments.timeout) as connection:
            for picture in frames:
                content = pickle.dumps(picture, arguments.protocol)
                connection.sendall(struct.pack("<Q", len(content)) + content)
                said["frames"] += 1

    status = status_of(work)
    print(json.dumps(said))
    return status


if __name__ == "__main__":
    sys.exit(main())
