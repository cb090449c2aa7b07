#!/usr/bin/env python3
"""A sender of tagged frames written from docs/wire.md sections 1 and 2 alone, which can also do what no sender should.

Frames are named by their place in the sending order, from 0; datagrams by their count, n to 1. Prints one JSON object
at the end, in which "intact" lists the frames that went out whole and right: of a tagged stream a receiver delivers
those and no others.
"""

import argparse
import json
import os
import random
import sys
import time

import frame_tag
from old_sender import at_rate, common_options, datagrams, read_jpegs, repeated, sending_to


def flipped(frame, bit):
    """The frame with one bit turned, somewhere behind the tag and before EOI."""
    first = (2 + frame_tag.LAYOUT.size) * 8
    at = first + bit % ((len(frame) - 2) * 8 - first)
    return frame[: at // 8] + bytes([frame[at // 8] ^ 0x80 >> at % 8]) + frame[at // 8 + 1 :]


# What can be wrong with a tag: the arguments of frame_tag.build that say so, from the JPEG.
WRONG_FIELDS = {
    "version": lambda jpeg: {"version": 2},
    "length": lambda jpeg: {"frame_length": len(jpeg) + 1},
    "crc": lambda jpeg: {"crc": 0},
    "segment-length": lambda jpeg: {"segment_length": 41},
}


def whole_numbers(text):
    return {int(item) for item in text.split(",") if item}


def pairs(second):
    """Reads "3:2,5:*": frames, and for each what follows its colon."""

    def parse(text):
        found = {}
        for item in text.split(","):
            frame, _, value = item.partition(":")
            found.setdefault(int(frame), set()).add(second(value))
        return found

    return parse


def count_or_all(text):
    return "*" if text == "*" else int(text)


def corruption(text):
    if text not in ("flip", *WRONG_FIELDS):
        raise argparse.ArgumentTypeError(f"{text!r} is none of flip, {', '.join(WRONG_FIELDS)}")
    return text


def options():
    parser = common_options(__doc__)
    parser.add_argument("--stream-id", type=bytes.fromhex, default=os.urandom(
        8), metavar="HEX",
        help="16 hex digits; default: random",
    )
    parser.add_argument(
        "--first-number", type=int, default=0, metavar="N",
        help="frame number of the first frame; default 0",
    )
    parser.add_argument("--flags", type=int, default=0, metavar="BYTE", help="default 0")
    parser.add_argument("--untagged", action="store_true", help="put no tag in")
    parser.add_argument("--corrupt", type=pairs(
        corruption), default={}, metavar="FRAME:WHAT,…",
        help="WHAT is flip (a bit of the JPEG), version, length, crc or segment-length (a field of the tag)",
    )
    parser.add_argument("--lose", type=pairs(
        count_or_all), default={}, metavar="FRAME:COUNT,…",
        help="do not send this datagram; COUNT * is the whole frame",
    )
    parser.add_argument("--double", type=pairs(
        count_or_all), default={}, metavar="FRAME:COUNT,…",
        help="send this datagram twice",
    )
    parser.add_argument("--shuffle", type=whole_numbers, default=set(
        ), metavar="FRAME,…",
        help="send the frame's datagrams in another order",
    )
    parser.add_argument("--splice", type=whole_numbers, default=set(
        ), metavar="FRAME,…",
        help="lose this frame's tail and the next one's head, so that the counts look right",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which bits and which orders; default 1")
    arguments = parser.parse_args()
    if len(arguments.stream_id) != 8:
        parser.error("--stream-id takes 16 hex digits")
    return arguments


class Sending:
    """Makes the datagrams of one frame after another, and remembers which frames are right."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.random = random.Random(arguments.seed)

    def frame(self, place, jpeg):
        """The datagrams to send, and whether they make up the frame."""
        arguments = self.arguments
        wrong = arguments.corrupt.get(place, set())
        frame = jpeg if arguments.untagged else frame_tag.insert(jpeg, self.tag(place, jpeg, wrong))
        if "flip" in wrong:
            frame = flipped(frame, self.random.randrange(1 << 30))
        pieces = list(datagrams(frame, arguments.payload))
        kept = [piece for piece in pieces if self.is_sent(place, piece[0], len(pieces))]
        intact = not wrong and len(kept) == len(pieces)
        double = arguments.double.get(place, set())
        kept = [piece for piece in kept for _ in range(1 + bool({"*", piece[0]} & double))]
        if place in arguments.shuffle:
            self.random.shuffle(kept)
        return kept, intact

    def tag(self, place, jpeg, wrong):
        number = (self.arguments.first_number + place) % 2**32
        fields = {name: value for what in wrong - {"flip"} for name, value in WRONG_FIELDS[what](jpeg).items()}
        captured = time.time_ns() // 1000
        return frame_tag.build(jpeg, self.arguments.stream_id, number, captured, self.arguments.flags, **fields)

    def is_sent(self, place, count, of):
        lost = self.arguments.lose.get(place, set())
        if "*" in lost or count in lost:
            return False
        # The frame before was spliced to this one: what is left of it ends where this one's rest begins.
        if place - 1 in self.arguments.splice and count > of // 2:
            return False
        return not (place in self.arguments.splice and count <= of // 2)


def check_splices(jpegs, arguments):
    """Two frames can be spliced only if both have the same number of datagrams, and at least two."""
    tag = 0 if arguments.untagged else frame_tag.LAYOUT.size
    for place in arguments.splice:
        first, second = (len(jpegs[at % len(jpegs)]) + tag for at in (place, place + 1))
        counts = [-(-size // arguments.payload) for size in (first, second)]
        if counts[0] != counts[1] or counts[0] < 2:
            sys.exit(f"cannot splice frame {place} to the next: they have {counts[0]} and {counts[1]} datagrams")


def main():
    arguments = options()
    jpegs = read_jpegs(arguments.source)
    check_splices(jpegs, arguments)
    send = sending_to(arguments.remote)
    sending = Sending(arguments)
    frames = sent = 0
    intact = []
    try:
        for place, jpeg in enumerate(at_rate(arguments.fps, repeated(jpegs, arguments.repeat))):
            pieces, is_intact = sending.frame(place, jpeg)
            for piece in pieces:
                send(piece)
            frames += 1
            sent += len(pieces)
            intact += [place] * is_intact
    except KeyboardInterrupt:
        pass
    print(json.dumps({"stream_id": arguments.stream_id.hex(), "frames": frames, "datagrams": sent, "intact": intact}))


if __name__ == "__main__":
    main()
