"""Somebody who looks: when pictures came, and when not."""

import bisect
import threading


class Eye:
    """Knows how many pictures had come by when, across all runs of the program that looks."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.times, self.totals = [], []
        # Pictures of the runs before this one.
        self.before = 0

    def saw(self, now, pictures):
        """So many pictures since this run began."""
        with self.lock:
            total = self.before + pictures
            if total > self.count():
                self.times.append(now)
                self.totals.append(total)

    def begins_again(self):
        """What looks is another run from here on, which counts from 0."""
        with self.lock:
            self.before = self.count()

    def count(self, at=None):
        """Pictures until then, or in all."""
        number = len(self.times) if at is None else bisect.bisect_right(self.times, at)
        return self.totals[number - 1] if number else 0

    def first_after(self, moment):
        """When it saw the first picture after that, or None."""
        with self.lock:
            at = bisect.bisect_right(self.times, moment)
            return self.times[at] if at < len(self.times) else None

    def longest_dark(self, begin, end):
        """Seconds without a picture, at most, between these moments; what was dark before counts, too."""
        with self.lock:
            first, last = bisect.bisect_right(self.times, begin), bisect.bisect_right(self.times, end)
            seen = [self.times[first - 1] if first else begin, *self.times[first:last], end]
        return max(after - before for before, after in zip(seen, seen[1:]))
