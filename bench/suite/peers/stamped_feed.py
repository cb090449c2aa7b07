"""Motion JPEG on standard output: one JPEG at a steady rate, each with the time at which it was handed out.

stamped_feed.py JPEG FPS. The file has sixteen zeros in a comment, which the time replaces, in microseconds since 1970; the
same that v4l2_device.c does for ustreamer. Standard library only.
"""

import fcntl
import sys
import time


def main():
    with open(sys.argv[1], "rb") as file:
        jpeg = bytearray(file.read())
    at = jpeg.index(b"0" * 16)
    interval = 1 / float(sys.argv[2])
    out = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)
    try:
        # F_SETPIPE_SZ: a picture goes in at once, as a camera's buffer does.
        fcntl.fcntl(out.fileno(), 1031, 1 << 20)
    except OSError:
        pass
    due = time.monotonic()
    while True:
        due += interval
        time.sleep(max(0, due - time.monotonic()))
        jpeg[at : at + 16] = b"%016d" % (time.time_ns() // 1000)
        view = memoryview(jpeg)
        while view:
            view = view[out.write(view) :]


try:
    main()
except BrokenPipeError:
    pass
