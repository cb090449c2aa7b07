"""The TCP peers against each other, over loopback: python3 -m unittest discover -s tests/peers"""

import hashlib
import json
import os
import random
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from test_peers import Listener, PeersTest  # noqa: E402


def python_with_numpy():
    """Debian's numpy is found by Debian's Python, which need not be the first one in PATH."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode == 0:
            return python
    return None


PYTHON = python_with_numpy()


def digests(contents):
    return [hashlib.sha256(content).hexdigest() for content in contents]


def receive(program, *arguments, python=sys.executable):
    """The status of a client, and what it says."""
    command = [python, "-B", os.path.join(HERE, program), *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)
    return ended.returncode, json.loads(ended.stdout)


class Upstream(PeersTest):
    def test_every_frame_arrives_in_order_and_then_the_end(self):
        for frames in (300, 5):
            with self.subTest(frames=frames):
                server = Listener("tcp_upstream_server.py", self.source, "--fps", "0", "--repeat", str(frames // 5))
                client = ("--remote", server.remote, "--digest", "--out", self.out)
                status, said = receive("tcp_upstream_client.py", *client)
                self.assertEqual((status, said["frames"], said["ended"]), (0, frames, True))
                self.assertEqual(said["sha256"], digests(self.jpegs * (frames // 5)))
                self.assertEqual(server.finish(), (0, [{"frames": frames, "answers": frames, "left": False}]))
        self.assertEqual(self.received()[:5], self.jpegs)

    def test_who_leaves_is_noticed(self):
        server = Listener("tcp_upstream_server.py", self.source, "--fps", "0")
        status, said = receive("tcp_upstream_client.py", "--remote", server.remote, "--frames", "2")
        self.assertEqual((status, said["frames"], said["ended"]), (0, 2, False))
        self.assertEqual(server.finish(), (0, [{"frames": 3, "answers": 2, "left": True}]))

    def test_nobody_there_is_status_3(self):
        self.assertEqual(Listener("tcp_upstream_server.py", self.source, "--timeout", "0.1").finish()[0], 3)
        status, _ = receive("tcp_upstream_client.py", "--remote", "127.0.0.1:1", "--timeout", "0.1")
        self.assertEqual(status, 3)


@unittest.skipUnless(PYTHON or os.environ.get("CI") == "true", "there is no numpy: apt-get install python3-numpy")
class Pickle(PeersTest):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(PYTHON, "there is no numpy: apt-get install python3-numpy")
        self.pictures = [random.Random(seed).randbytes(64 * 48 * 3) for seed in range(30)]
        self.raw = os.path.join(self.folder, "pictures.bgr")
        with open(self.raw, "wb") as file:
            file.write(b"".join(self.pictures))

    def stream(self, *how):
        server = Listener("tcp_pickle_server.py", self.raw, "--fps", "0", *how, python=PYTHON)
        status, said = receive("tcp_pickle_client.py", "--remote", server.remote, "--digest", python=PYTHON)
        self.assertEqual(status, 0)
        self.assertEqual(server.finish()[0], 0)
        return said

    def test_every_picture_arrives_in_order(self):
        said = self.stream("--size", "64x48", "--repeat", "10")
        self.assertEqual((said["frames"], said["shape"]), (300, [48, 64, 3]))
        self.assertEqual(said["sha256"], digests(self.pictures * 10))

    def test_neither_protocol_nor_order_in_memory_changes_the_picture(self):
        for protocol in "2345":
            for order in ("C", "F", "planes", "slice"):
                with self.subTest(protocol=protocol, order=order):
                    said = self.stream("--size", "64x48", "--frames", "3", "--protocol", protocol, "--order", order)
                    self.assertEqual(said["sha256"], digests(self.pictures[:3]))

    def test_gray_pictures_have_two_sides(self):
        said = self.stream("--size", "192x48", "--gray", "--frames", "3")
        self.assertEqual((said["shape"], said["sha256"]), ([48, 192], digests(self.pictures[:3])))


if __name__ == "__main__":
    unittest.main()
