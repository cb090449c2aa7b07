"""The laboratory's own arithmetic, without measuring anything: python3 -m unittest discover bench/loss"""

import io
import os
import pathlib
import sys
import tempfile
import unittest
import xml.dom.minidom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "suite"))
sys.path.append(os.path.join(HERE, "ends"))

import curves
import jpegs
import network
import outcome
import page
from case import Case, Goal, all_cases, goals
from contenders import ALL
from judge import verdicts
from load import Failed
from outcome import Outcome, Reception
from store import Store

PICTURES = 150


def made(delays=(10.0,) * 100, packets=1150, parity=0, repeats=0, damaged=0):
    """An outcome of ten frames of 115 datagrams in all."""
    counted = {"all_udp": packets, "plain": 0, "data": packets - parity, "parity": parity}
    reception = Reception(list(delays), damaged, 0, 0)
    return Outcome(10, counted, [reception], {"repeats": repeats}, date="2026-01-01")


class Frames(unittest.TestCase):
    def sent(self, frames=450):
        return {"times": [100 + number / 30 for number in range(frames)]}

    def received(self, numbers, delay=0.02, damaged=0):
        arrivals = [(100 + number / 30 + delay, number % PICTURES) for number in numbers]
        return {"arrivals": arrivals, "damaged": damaged, "said": None, "cpu_s": 0.45}

    def test_frames_count_from_five_seconds_on(self):
        came = outcome.reception(self.sent(), self.received(range(450)), PICTURES)
        self.assertEqual((len(came.delays), came.whole), (300, 100))
        self.assertAlmostEqual(came.percentile(99), 20)
        self.assertAlmostEqual(came.cpu_us, 1000)
        self.assertEqual((came.repeated, came.disordered, came.damaged), (0, 0, 0))

    def test_a_picture_that_comes_again_is_told_from_the_one_before(self):
        lost = {3, 200, 201, 202, 203, 300, 449}
        came = outcome.reception(self.sent(), self.received(n for n in range(450) if n not in lost), PICTURES)
        missing = {150 + index for index, delay in enumerate(came.delays) if delay is None}
        self.assertEqual(missing, lost - {3})
        self.assertEqual(came.whole, 98)

    def test_a_frame_may_be_late_by_more_than_the_next_ones_need(self):
        came = outcome.reception(self.sent(), self.received(range(450), delay=0.5), PICTURES)
        self.assertAlmostEqual(came.percentile(50), 500)

    def test_frames_twice_or_out_of_order_are_faults(self):
        numbers = list(range(200)) + [190] + [202, 201] + list(range(203, 450))
        came = outcome.reception(self.sent(), self.received(numbers, damaged=2), PICTURES)
        # Its time is that of frame 190, so it is taken for that one, twice.
        self.assertEqual((came.repeated, came.disordered, came.damaged), (1, 1, 2))
        whole = Outcome(450, {}, [came])
        self.assertEqual(whole.faults, 4)

    def test_what_comes_before_it_was_sent_is_a_fault(self):
        received = self.received([])
        received["arrivals"] = [(100.001, 5)]
        self.assertEqual(outcome.reception(self.sent(), received, PICTURES).repeated, 1)

    def test_percentiles_are_of_what_came(self):
        self.assertEqual(outcome.percentile(range(1, 101), 99), 99)
        self.assertEqual(outcome.percentile([5], 50), 5)
        self.assertIsNone(Reception([None, None], 0, 0, 0).percentile(50))

    def test_a_group_is_as_good_as_its_worst_receiver(self):
        group = Outcome(10, {}, [Reception([1.0, 2.0], 0, 0, 0), Reception([None, 9.0], 1, 0, 0)])
        self.assertEqual((group.whole, group.delay(50), group.faults), (50, 9.0, 1))


class Goals(unittest.TestCase):
    def judged(self, goal, clean, lossy, case=Case("ours", 1)):
        store = Store()
        case = Case(case.contender, case.loss, case.rtt, case.burst, goal)
        store.add(case.clean, clean)
        store.add(case, lossy)
        return {verdict.what: verdict for verdict in verdicts(store, case)}

    def test_delay_is_what_is_added_to_the_clean_link(self):
        judged = self.judged(Goal(100, 3, 10), made([10.0] * 100), made([12.0] * 98 + [25.0] * 2))
        self.assertAlmostEqual(judged["p50"].figure, 2)
        self.assertTrue(judged["p50"].met)
        self.assertAlmostEqual(judged["p99"].figure, 15)
        self.assertFalse(judged["p99"].met)

    def test_overhead_is_repair_over_data(self):
        judged = self.judged(Goal(100, overhead=4), made(), made(packets=1200, parity=30, repeats=20))
        self.assertAlmostEqual(judged["overhead"].figure, 100 * 50 / 1150)
        self.assertFalse(judged["overhead"].met)

    def test_a_damaged_frame_meets_no_goal(self):
        self.assertFalse(self.judged(Goal(0), made(), made(damaged=1))["faults"].met)

    def test_what_could_not_be_told_is_not_met(self):
        lossy = made([None] * 100)
        self.assertFalse(self.judged(Goal(0, p50=1e9), made(), lossy)["p50"].met)

    def test_overhead_of_others_is_what_goes_beyond_a_bare_stream(self):
        store = Store()
        store.add(Case("gstreamer"), made())
        store.add(Case("gstreamer-ulpfec", 1), made(packets=1380))
        self.assertAlmostEqual(store.overhead(Case("gstreamer-ulpfec", 1)), 20)

    def test_every_goal_is_of_a_case_that_is_measured_with_its_clean_link(self):
        names = {case.name for case in all_cases()}
        for case, _ in goals():
            self.assertIn(case.name, names)
        self.assertEqual(len(names), len(all_cases()))
        for case in all_cases():
            self.assertTrue({case.clean.name, case.bare.name} <= names, case)
        self.assertEqual(sum(case.goal is not None for case in all_cases()), len(list(goals())))


class Links(unittest.TestCase):
    def test_a_case_is_a_link(self):
        self.assertEqual(Case("ours", 0.1, 40).link, "delay=20,loss=0.1")
        self.assertEqual(Case("ours", 5, 0, 4).link, "loss=5,burst=4")
        self.assertEqual(Case("ours").link, "")

    def test_what_is_lost_by_accident_is_noticed(self):
        fine = {"missed": 0, "refused": 0, "overflowed": 0, "longest": 1514, "delivered": 100}
        network.check(1, {"forth": fine, "back": fine}, 100)
        for change in ({"missed": 1}, {"refused": 1}, {"overflowed": 1}, {"longest": 1515}):
            with self.assertRaises(Failed):
                network.check(1, {"forth": fine | change, "back": fine}, 100)
        with self.assertRaises(Failed):
            network.check(1, {"forth": fine, "back": fine}, 50)


class Pipes(unittest.TestCase):
    def through_a_pipe(self, write, read, pictures):
        out, into = os.pipe()
        jpegs.widen(into)
        try:
            write(into, pictures)
        finally:
            os.close(into)
        try:
            return list(read(out))
        finally:
            os.close(out)

    def test_jpegs_are_split_at_their_ends(self):
        pictures = [b"\xff\xd8" + bytes([number]) * number + b"\xff\xd9" for number in (1, 2, 200)]
        joined = lambda fd, all: jpegs.write_all(fd, *all)
        self.assertEqual(self.through_a_pipe(joined, jpegs.by_end_of_image, pictures), pictures)
        # What is cut short is a frame too, and no picture.
        self.assertEqual(self.through_a_pipe(joined, jpegs.by_end_of_image, [b"\xff\xd8cut"]), [b"\xff\xd8cut"])

    def test_lengths_keep_what_is_damaged_apart(self):
        frames = [b"", b"\xff\xd9\xff\xd9", b"x" * 70_000]
        each = lambda fd, all: [jpegs.write_with_length(fd, frame) for frame in all]
        self.assertEqual(self.through_a_pipe(each, jpegs.by_length, frames), frames)

    def test_the_scan_is_what_stands_behind_the_headers(self):
        jpeg = b"\xff\xd8\xff\xda\x00\x04ab" + b"coded" + b"\xff\xd9"
        self.assertEqual(jpegs.scan(jpeg), b"coded")
        self.assertEqual(jpegs.scan(b"damaged"), b"damaged")


class Written(unittest.TestCase):
    def store(self, path=None):
        store = Store(path)
        for loss in (0, 1, 5):
            store.add(Case("ours", loss), made([10.0 + loss] * 100))
            store.add(Case("srt", loss), made([130.0] * 100, packets=1150 + loss))
        store.add(Case("plain"), made())
        return store

    def test_outcomes_are_kept_between_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "outcomes.json")
            self.store(path)
            again = Store(path)
        self.assertEqual(again.get(Case("ours", 5)).delay(50), 15)
        self.assertEqual(set(again.outcomes), set(self.store().outcomes))

    def test_the_page_has_goals_curves_and_all_that_was_measured(self):
        store = self.store()
        store.skipped["gstreamer"] = "it is not installed"
        for measured in store.outcomes.values():
            measured.sender_cpu_us = 100.0
        text = page.text(store, 164_400, ["a machine"])
        self.assertIn("| ours: 1 % loss | 100 | 100.0 % (≥ 99.9) | 1.0 (≤ 3) | 1.0 (≤ 10) | 0 % (≤ 4) | met |", text)
        self.assertIn("| **5.0 (≤ 3)** |", text)
        self.assertIn("to that with --wire plain: 1.00", text)
        self.assertIn("* GStreamer RTP/JPEG: it is not installed.", text)
        self.assertIn("![](loss/whole.svg)", text)
        self.assertNotIn("## Failed", text)
        with tempfile.TemporaryDirectory() as docs:
            page.write(docs, text, store)
            written = sorted(path.name for path in (pathlib.Path(docs) / "loss").iterdir())
        self.assertEqual(written, ["delay.svg", "overhead.svg", "p50.svg", "p99.svg", "whole.svg"])

    def test_what_is_not_all_is_not_rounded_to_all(self):
        self.assertEqual(page.percent(100 * 2999 / 3000), "99.97 %")
        self.assertEqual(page.percent(99.999), "99.99 %")
        self.assertEqual(page.percent(100), "100.0 %")
        self.assertEqual(page.percent(99.9), "99.9 %")
        self.assertEqual(page.percent(0.8666), "0.867 %")

    def test_curves_are_well_formed_and_begin_at_zero(self):
        svg = curves.chart("a < b", "unit", ["1 %", "5 %"], [("ours & more", [1, None]), ("other", [0.5, 99.9])])
        xml.dom.minidom.parse(io.StringIO(svg))
        self.assertIn("prefers-color-scheme: dark", svg)
        self.assertIn('text-anchor="end">100</text>', svg)
        self.assertEqual(curves.ticks(100), [0, 20, 40, 60, 80, 100])
        self.assertEqual(curves.ticks(0.9), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0])

    def test_every_contender_has_two_command_lines(self):
        for key, contender in ALL.items():
            there = contender("/programs")
            self.assertEqual(there.key, key)
            addresses = [network.Network.address(host) for host in range(1, 1 + there.receivers)]
            send, receive = there.send(addresses), there.receive(addresses[0])
            self.assertTrue(all(isinstance(word, str) for word in send + receive))
            self.assertIn(there.without_repair or key, ALL)


if __name__ == "__main__":
    unittest.main()
