#!/usr/bin/env python3
"""Makes the pickles beside it, as the numpy that is installed writes them: make.py PREFIX

Run once for each numpy: with Python 2.7 and numpy 1.16 (PREFIX python2), and with Python 3 and numpy 1.17 (numpy117),
1.26 (numpy1) and 2.4 (numpy2). The pictures are those of tests/pickles.rs.
"""

import os
import pickle
import pickletools
import sys

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))


def picture(*shape):
    """A byte for each place, every one of them used if there are enough places."""
    places = numpy.arange(numpy.prod(shape)).reshape(shape)
    return (places * 37 % 256).astype(numpy.uint8)


def pictures():
    color = picture(4, 5, 3)
    yield "c", color
    yield "fortran", numpy.asfortranarray(color)
    yield "gray", picture(4, 5)
    # Part of a larger picture: numpy writes the pixels that are seen.
    yield "cut", numpy.pad(color, ((1, 2), (3, 4), (0, 0)), "constant")[1:5, 3:8]
    # Planes put together without copying: numpy 2 names the order of axes.
    yield "planes", numpy.ascontiguousarray(color.transpose(2, 0, 1)).transpose(1, 2, 0)
    # Each side and the whole take more than one byte to say.
    yield "wide", picture(1, 300)


def write(name, content):
    with open(os.path.join(HERE, name + ".pkl"), "wb") as file:
        file.write(content)


def main(prefix):
    color = picture(4, 5, 3)
    is_old = tuple(map(int, numpy.__version__.split(".")[:2])) < (1, 18)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        for name, pixels in pictures():
            if not is_old or name in ("c", "fortran", "wide"):
                write("%s-protocol%d-%s" % (prefix, protocol, name), pickle.dumps(pixels, protocol))
    if is_old:
        return
    write(prefix + "-dumps", color.dumps())
    write(prefix + "-without_memo", pickletools.optimize(pickle.dumps(color, 4)))
    color.flags.writeable = False
    write(prefix + "-read_only", pickle.dumps(color, pickle.HIGHEST_PROTOCOL))
    # Of more than 64 KiB, pixels stand between frames of the pickle.
    pickle._Framer._FRAME_SIZE_TARGET = 50
    for protocol in range(4, pickle.HIGHEST_PROTOCOL + 1):
        write("%s-protocol%d-frames" % (prefix, protocol), pickle._dumps(picture(4, 5, 3), protocol))


if __name__ == "__main__":
    main(sys.argv[1])
