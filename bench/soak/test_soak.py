"""The soak's own arithmetic, without running anything: python3 -m unittest discover bench/soak"""

import os
import random
import socket
import subprocess
import sys
import tempfile
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "suite"), os.path.join(HERE, "..", "loss")]

import faults
import judge
import recording
import run
import squeeze
import under_flood
from actor import Actor, Usage
from eye import Eye


class Eyes(unittest.TestCase):
    def looking(self, *times):
        eye = Eye("one")
        for number, now in enumerate(times, start=1):
            eye.saw(now, number)
        return eye

    def test_the_longest_time_without_a_picture_includes_what_was_before_and_what_is_not_over(self):
        eye = self.looking(1.0, 1.1, 4.0, 4.1)
        self.assertAlmostEqual(eye.longest_dark(1.05, 4.1), 2.9)
        self.assertAlmostEqual(eye.longest_dark(2.0, 4.1), 2.9)
        self.assertAlmostEqual(eye.longest_dark(4.0, 9.0), 4.9)
        self.assertAlmostEqual(Eye("blind").longest_dark(1.0, 3.0), 2.0)

    def test_the_first_picture_after_a_moment(self):
        eye = self.looking(1.0, 2.0)
        self.assertEqual((eye.first_after(0.5), eye.first_after(1.0), eye.first_after(2.0)), (1.0, 2.0, None))

    def test_what_is_said_again_is_no_picture_and_another_run_counts_from_0(self):
        eye = self.looking(1.0, 2.0)
        eye.saw(3.0, 2)
        self.assertIsNone(eye.first_after(2.0))
        eye.begins_again()
        eye.saw(4.0, 1)
        self.assertEqual((eye.first_after(2.0), eye.count(), eye.count(1.5)), (4.0, 3, 1))


class Judging(unittest.TestCase):
    def struck(self, dark, back, may_be_dark=()):
        return run.Struck("link down", "link down: sender", 0.0, 2.0, 3.0, dark, back, frozenset(may_be_dark))

    def test_a_picture_that_is_back_late_is_named(self):
        found = list(run.complaints(self.struck({"a": 9.0}, {"a": 2.1}, ["a"])))
        self.assertEqual(len(found), 1)
        self.assertIn("a saw the next picture 2.1 s after", found[0])

    def test_only_those_on_whose_way_the_fault_lies_may_see_nothing(self):
        back = {"a": 0.1, "b": 0.1}
        self.assertEqual(list(run.complaints(self.struck({"a": 3.0, "b": 1.0}, back, ["a"]))), [])
        found = list(run.complaints(self.struck({"a": 3.0, "b": 3.0}, back, ["a"])))
        self.assertEqual(len(found), 1)
        self.assertIn("b saw no picture for 3.0 s", found[0])

    def test_what_grows_beyond_its_tolerance_is_named(self):
        before = (100 << 20, 5, 20)
        self.assertEqual(list(judge.growth("sender", before, (120 << 20, 5, 20))), [])
        found = list(judge.growth("sender", before, (130 << 20, 6, 21)))
        self.assertEqual(len(found), 3)
        self.assertTrue(all("sender holds" in line for line in found))
        self.assertEqual(list(judge.growth("gateway", before, (100 << 20, 12, 30))), [])

    def test_held_is_the_most_of_the_second_minute_and_the_end_is_the_least_of_the_last_seconds(self):
        actor = Actor("one", None)
        actor.usages = [Usage(float(at), 1000 + at, at % 3, 7) for at in range(300)]
        self.assertEqual(judge.held(actor, 60.0, 120.0), (1119, 2, 7))
        self.assertEqual(judge.at_end(actor, 299.0), (1295, 0, 7))
        self.assertIsNone(judge.held(actor, 400.0, 500.0))
        soak = types.SimpleNamespace(begun=10.0, seconds=120.0)
        self.assertEqual(judge.span(soak), (40.0, 70.0))

    def test_a_span_under_a_flood(self):
        before = {"frames": 100, "frames_lost": 2, "kernel_drops": 0, "latency_ms": None}
        delays = {"p50": 2.0, "p95": 3.0, "p99": 4.0, "max": 9.0}
        after = {"frames": 298, "frames_lost": 4, "kernel_drops": 7, "latency_ms": delays}
        span = under_flood.figures(before, after)
        self.assertEqual((span["frames"], span["lost"], span["kernel"], span["percent"], span["p99"]), (198, 2, 7, 1.0, 4.0))
        self.assertEqual(under_flood.figures(before, before)["percent"], 100.0)


class Chance(unittest.TestCase):
    def order(self, seed, count):
        stage = types.SimpleNamespace(clocks={"sender": None})
        found, missing = faults.kinds(stage, 1000)
        self.assertEqual(missing, [])
        turns = faults.in_turn(found, random.Random(seed))
        return [str(next(turns)) for _ in range(count)], len(found)

    def test_every_kind_comes_once_before_any_comes_again(self):
        order, kinds = self.order(1, 40)
        of_kind = [fault.split(":")[0] for fault in order]
        self.assertEqual(len(set(of_kind[:kinds])), kinds)
        self.assertEqual(set(of_kind[kinds : 2 * kinds]), set(of_kind[:kinds]))

    def test_the_same_seed_gives_the_same_faults(self):
        self.assertEqual(self.order(1, 40), self.order(1, 40))
        self.assertNotEqual(self.order(1, 40), self.order(2, 40))

    def test_without_libfaketime_that_is_said(self):
        _, missing = faults.kinds(types.SimpleNamespace(clocks={}), 1000)
        self.assertEqual(len(missing), 1)
        self.assertIn("libfaketime", missing[0])


class Outputs(unittest.TestCase):
    def test_snapshots_that_are_not_whole_are_counted_and_the_newest_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            for number, jpeg in enumerate([b"\xff\xd8.\xff\xd9", b"\xff\xd8.", b"\xff\xd8.\xff\xd9"]):
                with open(os.path.join(folder, f"{number:06}.jpg"), "wb") as file:
                    file.write(jpeg)
            self.assertEqual(recording.damaged_snapshots(folder, keep=1), (2, 1))
            self.assertEqual(os.listdir(folder), ["000002.jpg"])

    def test_a_recording_cut_off_has_its_whole_frames_and_one_damaged_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.mkv")
            video = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=30", "-frames:v", "40", "-c:v", "mjpeg", path]
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *video], check=True)
            self.assertEqual(recording.frames(path), (40, 0))
            with open(path, "rb") as file:
                whole = file.read()
            with open(path, "wb") as file:
                file.write(whole[: len(whole) // 2])
            found, _ = recording.frames(path)
            self.assertTrue(10 < found < 30, found)
            self.assertEqual(len(recording.complaints(path, 40)), 1)
            with open(path, "wb") as file:
                file.write(whole.replace(b"\xff\xd9", b"\xff\x00"))
            self.assertEqual(recording.frames(path), (40, 40))
            self.assertEqual(recording.complaints(os.path.join(folder, "none.mkv"), 0), [])
            self.assertEqual(len(recording.complaints(os.path.join(folder, "none.mkv"), 1)), 1)

    @unittest.skipUnless(os.geteuid() == 0, "receive buffers of other processes take root")
    def test_the_receive_buffer_of_another_process_is_squeezed_and_given_back(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
            listening.bind(("127.0.0.1", 0))
            port = listening.getsockname()[1]
            child = subprocess.Popen(
                ["sleep", "60"], pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            try:
                before = squeeze.squeeze(child.pid, port, 2304)
                self.assertLess(listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), 10_000)
                squeeze.squeeze(child.pid, port, before // 2)
                self.assertEqual(listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), before)
            finally:
                child.kill()
                child.wait()
