"""The peers against each other, over loopback: python3 -m unittest discover -s tests/peers

They are the measure that our own programs are held to, so they are measured first.
"""

import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import frame_tag  # noqa: E402
from old_sender import datagrams, read, split_mjpeg  # noqa: E402

THUMBNAIL = b"\xff\xd8\xff\xdb\x00\x04ab\xff\xd9"


def jpeg(seed, size):
    """So many bytes marked up as a JPEG: a header with a thumbnail in it, and a scan with every awkward byte."""
    header = b"\xff\xd8" + b"\xff\xe1" + (2 + len(THUMBNAIL)).to_bytes(2, "big") + THUMBNAIL + b"\xff\xda\x00\x03x"
    awkward = b"\xff\x00" + b"\xff\xd0" + b"\x00\xd9\xd8"
    noise = random.Random(seed).randbytes(size).replace(b"\xff", b"\xfe")
    return header + awkward + noise[: size - len(header) - len(awkward) - 2] + b"\xff\xd9"


class Listener:
    """A peer that listens: started, and listening by the time the constructor returns."""

    def __init__(self, program, *arguments, python=sys.executable):
        self.process = subprocess.Popen(
            [python, "-B", os.path.join(HERE, program), "--bind", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = self.process.stderr.readline()
        self.remote = re.fullmatch(r"listening on (\S+)\n", first).group(1)

    def finish(self):
        """The status, and the JSON objects that it printed."""
        out, err = self.process.communicate(timeout=60)
        assert not err, err
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]


def run(program, *arguments):
    command = [sys.executable, os.path.join(HERE, program), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class PeersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.source = os.path.join(self.folder, "source")
        self.out = os.path.join(self.folder, "out")
        os.mkdir(self.source)
        # The last one fits a datagram of the classic size exactly.
        self.jpegs = [jpeg(seed, size) for seed, size in enumerate((100_000, 70_000, 3_000, 90_000, 65_472))]
        for number, content in enumerate(self.jpegs):
            with open(os.path.join(self.source, f"{number}.jpg"), "wb") as file:
                file.write(content)

    def received(self):
        names = sorted(os.listdir(self.out))
        self.assertEqual(names, [f"{number:06}.jpg" for number in range(1, len(names) + 1)])
        return [read(os.path.join(self.out, name)) for name in names]

    def check(self, *how, frames=5, checker=()):
        """Has wire_check judge what tagged_sender sends: the status, the faults by frame, and what the sender says."""
        listener = Listener("wire_check.py", "--frames", str(frames), "--out", self.out, "--timeout", "2", *checker)
        sent = run("tagged_sender.py", self.source, "--remote", listener.remote, "--fps", 30, *how)
        status, verdicts = listener.finish()
        return status, {verdict["frame"] - 1: verdict["faults"] for verdict in verdicts[:-1]}, sent


class OldPeers(PeersTest):
    def test_old_receiver_gets_what_old_sender_sends(self):
        for payload in (65_472, 1_400):
            with self.subTest(payload=payload):
                # The first frame ends what the receiver skips.
                listener = Listener("old_receiver.py", "--frames", "9", "--out", self.out, "--rcvbuf", "4000000")
                how = ("--remote", listener.remote, "--fps", 30, "--repeat", 2, "--payload", payload)
                self.assertEqual(run("old_sender.py", self.source, *how)["frames"], 10)
                self.assertEqual(listener.finish(), (0, [{"frames": 9, "begin_and_end_as_jpeg": 9}]))
                self.assertEqual(self.received(), (self.jpegs * 2)[1:])

    def test_old_receiver_single_gets_the_frames_of_one_datagram(self):
        listener = Listener("old_receiver_single.py", "--frames", "8", "--out", self.out, "--rcvbuf", "4000000")
        sent = run("old_sender.py", self.source, "--remote", listener.remote, "--fps", 30)
        self.assertEqual(sent, {"frames": 5, "datagrams": 8})
        self.assertEqual(listener.finish(), (0, [{"frames": 8, "begin_and_end_as_jpeg": 2}]))
        received = self.received()
        self.assertIn(self.jpegs[2], received)
        self.assertIn(self.jpegs[4], received)

    def test_a_file_of_jpegs_is_taken_apart_where_they_end(self):
        self.assertEqual(list(split_mjpeg(b"\0\0" + b"".join(self.jpegs) + self.jpegs[0][:-1])), self.jpegs)

    def test_counts_fall_to_one_and_more_than_255_are_refused(self):
        pieces = list(datagrams(bytes(2550), 10))
        self.assertEqual([piece[0] for piece in pieces], list(range(255, 0, -1)))
        with self.assertRaises(struct.error):
            list(datagrams(bytes(2551), 10))

    def test_nobody_sends_is_status_3(self):
        for program in ("old_receiver.py", "old_receiver_single.py", "wire_check.py"):
            status, _ = Listener(program, "--timeout", "0.1").finish()
            self.assertEqual(status, 3, program)


class Tag(unittest.TestCase):
    def test_crc32c_of_the_published_examples(self):
        # RFC 3720 appendix B.4, and the check value of the catalogue of CRCs.
        for message, crc in (
            (b"123456789", 0xE3069283),
            (bytes(32), 0x8A9136AA),
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (b"", 0),
        ):
            self.assertEqual(frame_tag.crc32c(message), crc)

    def test_every_byte_stands_where_the_wire_format_says(self):
        tag = frame_tag.build(b"\xff\xd8\xff\xd9", bytes.fromhex("0102030405060708"), 0x0A0B0C0D, 0x1122334455667788, 1)
        self.assertEqual(
            tag[:38].hex(" ", -2),
            "ffe9 0028 5345 474d 454e 5400 0101 0102 0304 0506 0708 0a0b 0c0d 1122 3344 5566 7788 0000 0004",
        )
        self.assertEqual(int.from_bytes(tag[38:], "big"), frame_tag.crc32c(tag[4:38] + b"\xff\xd8\xff\xd9"))
        self.assertEqual(len(tag), 42)

    def test_a_jpeg_comes_back_without_its_tag(self):
        original = jpeg(1, 500)
        tagged = frame_tag.insert(original, frame_tag.build(original, bytes(8), 7, 8))
        tag, stripped, faults = frame_tag.split(tagged)
        self.assertEqual((tag["number"], tag["captured"], stripped, faults), (7, 8, original, []))
        self.assertEqual(frame_tag.split(original), (None, original, []))


class TaggedPeers(PeersTest):
    def test_a_right_stream_has_no_faults(self):
        for how in ((), ("--payload", "1400"), ("--first-number", str(2**32 - 2))):
            with self.subTest(how=how):
                status, faults, sent = self.check(*how)
                self.assertEqual((status, sent["intact"]), (0, [0, 1, 2, 3, 4]), faults)
                self.assertEqual(self.received(), self.jpegs)

    def test_each_fault_is_found_and_named(self):
        for how, frame, words in (
            (("--corrupt", "1:flip"), 1, "CRC-32C"),
            (("--corrupt", "1:version"), 1, "tag version 2"),
            (("--corrupt", "1:length"), 1, "frame length 70001"),
            (("--corrupt", "1:crc"), 1, "CRC-32C 00000000"),
            (("--corrupt", "1:segment-length"), 1, "segment length 41"),
            (("--lose", "1:2"), 1, "does not begin with SOI"),
            (("--lose", "0:1"), 0, "counts [2, 2, 1]"),
            (("--lose", "1:*"), 1, "frame number 2 after 0"),
            (("--double", "0:2"), 0, "counts [2, 2, 1]"),
            (("--shuffle", "0", "--payload", "1400"), 0, "counts"),
            (("--flags", "2"), 0, "flags 0x2"),
            (("--untagged",), 0, "no tag"),
        ):
            with self.subTest(how=how):
                status, faults, sent = self.check(*how, frames=4)
                self.assertEqual(status, 1)
                self.assertTrue(any(words in fault for fault in faults[frame]), faults)
                harmless = {"--double", "--shuffle", "--flags", "--untagged"}
                if how[0] not in harmless:
                    self.assertNotIn(frame, sent["intact"])

    def test_what_the_checker_is_told_to_expect_is_checked(self):
        for checker, words in (
            (("--untagged",), "a tag where none was asked for"),
            (("--feedback", "1"), "flag bit 0 is 0"),
            (("--datagram-size", "1472"), "not 1472"),
            (("--from-zero",), "the first frame has number 5"),
        ):
            with self.subTest(checker=checker):
                status, faults, _ = self.check("--first-number", "5", checker=checker)
                self.assertEqual(status, 1)
                self.assertTrue(any(words in fault for fault in faults[0]), faults)

    def test_a_splice_fools_the_counts_and_not_the_checksum(self):
        status, faults, sent = self.check("--splice", "0", frames=4)
        self.assertEqual((status, sent["intact"]), (1, [2, 3, 4]))
        self.assertTrue(any("CRC-32C" in fault for fault in faults[0]), faults)
        self.assertFalse(any("counts" in fault for fault in faults[0]), faults)

    def test_an_old_receiver_reads_a_tagged_stream(self):
        listener = Listener("old_receiver.py", "--frames", "4", "--out", self.out, "--rcvbuf", "4000000")
        run("tagged_sender.py", self.source, "--remote", listener.remote, "--fps", 30)
        self.assertEqual(listener.finish()[0], 0)
        self.assertEqual([frame_tag.split(frame)[1] for frame in self.received()], self.jpegs[1:])


if __name__ == "__main__":
    unittest.main()
