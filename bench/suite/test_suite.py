"""The suite's own arithmetic, without measuring anything: python3 -m unittest discover bench/suite"""

import os
import tempfile
import types
import unittest
import xml.dom.minidom

import plots
import report
import tables
from goals import judged
from load import CLASSIC, MTU, Outcome
from measurements.highest import HighestRate
from results import NO_DATAGRAMS, Key, Results, cpu

QUICK = types.SimpleNamespace(quick=False, burst_seconds=0.1, receive_buffer=1, window=16)


def outcome(cpu_us=10.0, fps=300.0, latency=100.0):
    return Outcome(1000, 1000, fps, cpu_us / 2, cpu_us / 2, {"p50": latency, "p99": latency, "max": latency})


def paced(name, size=CLASSIC, rate="300"):
    return Key("paced", "loopback", name, size, rate)


class Ratios(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self):
        results = Results()
        # A machine that becomes three times slower: each round's ratio is 1.1 all the same.
        for number, slowness in enumerate((1, 2, 3)):
            results.add(paced("library"), number, outcome(11 * slowness))
            results.add(paced("bare floor"), number, outcome(10 * slowness))
        results.add(paced("library"), 3, outcome(1000))  # a round that the floor has not
        ratio = results.ratio(paced("library"), paced("bare floor"), cpu)
        self.assertEqual(ratio.rounds, 3)
        for value in (ratio.median, ratio.least, ratio.most):
            self.assertAlmostEqual(value, 1.1)

    def test_a_goal_is_judged_by_the_median(self):
        results = Results()
        for number, ours in enumerate((11, 11.9, 20)):
            results.add(paced("library"), number, outcome(ours))
            results.add(paced("bare floor"), number, outcome(10))
        met = [goal.met(ratio) for goal, ratio in judged(results) if ratio]
        self.assertEqual(met, [True])

    def test_cpu_is_untold_unless_both_sides_tell(self):
        self.assertIsNone(Outcome(1, 1, 30, sender_cpu=5.0).cpu)
        self.assertEqual(outcome(7).cpu, 7)


class OverTcp(unittest.TestCase):
    def test_each_framing_has_a_goal_of_its_own(self):
        results = Results()
        for framing, ours in (("upstream", 130), ("pickle", 140)):
            results.add(Key("tcp", "loopback", "ours to ours", NO_DATAGRAMS, framing), 1, outcome(fps=ours))
            results.add(Key("tcp", "loopback", "Python to Python", NO_DATAGRAMS, framing), 1, outcome(fps=100))
        met = [(ratio.median, goal.met(ratio)) for goal, ratio in judged(results) if ratio]
        self.assertEqual(met, [(1.3, True), (1.4, False)])

    def test_a_framing_that_was_not_measured_is_left_empty(self):
        results = Results()
        results.add(Key("tcp", "loopback", "ours to ours", NO_DATAGRAMS, "upstream"), 1, outcome(fps=5000))
        self.assertIn("| ours to ours | 5,000 | – |", tables.over_tcp(results))
        self.assertIn("## TCP on loopback", report.page(results, QUICK, 1, 165_000, ["today"]))


class Limited:
    """A competitor that loses frames above a rate, and sends no faster than another."""

    first_guess_fps = 8000

    def __init__(self, lossless, sends):
        self.lossless, self.sends, self.runs = lossless, sends, 0

    def run(self, _place, load):
        self.runs += 1
        fps = min(load.fps or self.sends, self.sends)
        return Outcome(load.frames, load.frames if fps <= self.lossless else load.frames // 2, fps)


class Highest(unittest.TestCase):
    def search(self, competitor):
        measurement = HighestRate(QUICK, Results())
        return measurement.search(Key("rate", "loopback", "any", MTU, "highest"), competitor, None)

    def test_the_limit_is_found_from_far_away(self):
        for lossless in (600, 3000, 15000):
            found = self.search(Limited(lossless, sends=100_000)).fps
            self.assertTrue(lossless / 1.05 <= found <= lossless, f"{found} for {lossless}")

    def test_who_loses_nothing_without_a_pace_is_as_fast_as_that(self):
        competitor = Limited(lossless=9000, sends=7000)
        self.assertEqual(self.search(competitor).fps, 7000)
        self.assertEqual(competitor.runs, 1)

    def test_who_always_loses_has_no_rate(self):
        self.assertIsNone(self.search(Limited(lossless=0, sends=7000)))


class Written(unittest.TestCase):
    def setUp(self):
        self.results = Results()
        for number, latency in enumerate((100, 300, 200)):
            self.results.add(paced("library", rate="30"), number, outcome(latency=latency))
            self.results.add(paced("library & <co>"), number, outcome(1234.5))

    def test_the_page_has_what_was_measured_and_nothing_else(self):
        self.results.skip("GStreamer", "it is not installed")
        page = report.page(self.results, QUICK, 3, 165_000, ["today"])
        self.assertIn("**200** (100–300)", page)
        self.assertIn("* GStreamer: it is not installed.", page)
        self.assertNotIn("## Over a link", page)
        self.assertNotIn("## Goals", page)

    def test_plots_are_well_formed(self):
        names = []
        for name, svg in plots.all_plots(self.results):
            names.append(name)
            xml.dom.minidom.parseString(svg)
            self.assertIn("prefers-color-scheme: dark", svg)
        self.assertEqual(names, ["cpu.svg", "latency.svg"])

    def test_the_readme_is_changed_between_its_marks_only(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "README.md")
            with open(path, "w") as file:
                file.write(f"before\n{report.README_BEGIN}\nold\n{report.README_END}\nafter\n")
            report.write_readme(path, self.results)
            with open(path) as file:
                text = file.read()
        self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn(tables.summary(self.results), text)


if __name__ == "__main__":
    unittest.main()
