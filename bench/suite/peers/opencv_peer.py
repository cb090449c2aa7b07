#!/usr/bin/env python3
"""The peer of this family from raw picture to decoded picture, with OpenCV, as it is usually written."""

import socket
import time

import cv2
import numpy

from common import STAMP, Arrivals, arguments, files, listen, send_all
from python_peer import frames, send_jpeg

WIDTH, HEIGHT, QUALITY = 1920, 1080, 50


def send(options):
    shape = (HEIGHT, WIDTH, 3)
    pictures = [numpy.frombuffer(raw, numpy.uint8).reshape(shape) for raw in files(options.pictures, "bgr")]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send_frame(number):
        begin = time.time_ns()
        _, encoded = cv2.imencode(".jpg", pictures[number % len(pictures)], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        # The stamp stands behind the end of the JPEG, where decoders do not look.
        frame = encoded.tobytes() + STAMP.pack(number, begin)
        return send_jpeg(sock, frame, options.datagram_size - 1, options.remote)

    send_all(options, send_frame, lambda end: sock.sendto(end, options.remote))


def receive(options):
    sock = listen(options)
    arrivals = Arrivals(options)
    for frame in frames(sock):
        picture = cv2.imdecode(numpy.frombuffer(frame, numpy.uint8), cv2.IMREAD_COLOR)
        if picture is None or picture.shape != (HEIGHT, WIDTH, 3):
            raise SystemExit("a frame that does not decode")
        arrivals.arrived(*STAMP.unpack(frame[-STAMP.size :]))
    arrivals.print()


if __name__ == "__main__":
    given = arguments(__doc__)
    send(given) if given.end == "send" else receive(given)
