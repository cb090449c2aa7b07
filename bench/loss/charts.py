"""Which curves the page shows."""

from dataclasses import dataclass

import curves
from case import LOSSES, ROUND_TRIPS_MS, Case
from contenders import ALL

COMPARED = ("ours", "python", "gstreamer", "gstreamer-ulpfec", "srt")
# What hands on less, in percent of frames, has no delay worth a point.
LEAST_WHOLE = 1


@dataclass(frozen=True)
class Chart:
    file: str
    title: str
    unit: str
    # The figure of a case, or None.
    figure: object
    # Label and cases, one for each of LOSSES.
    lines: list
    # The top of the scale, if it is known.
    most: float | None = None


def all_charts(store):
    compared = [(ALL[key].name, [Case(key, loss) for loss in LOSSES]) for key in COMPARED]
    trips = [(f"round trip {rtt} ms", [Case("ours", loss, rtt) for loss in LOSSES]) for rtt in ROUND_TRIPS_MS]
    lost, at_once = "packets lost, at random", "packets lost, at random; round trip below 1 ms"

    def whole(case):
        return store.get(case).whole

    def delay(case):
        return store.get(case).delay(50) if whole(case) >= LEAST_WHOLE else None

    yield Chart("whole.svg", "Frames that come whole, percent", at_once, whole, compared, 100)
    yield Chart("delay.svg", "Delay of frames that come whole, ms, median", at_once, delay, compared)
    for percent in (50, 99):
        added = lambda case, percent=percent: store.added(case, percent)
        yield Chart(f"p{percent}.svg", f"Ours: delay added, ms, percentile {percent}", lost, added, trips)
    yield Chart("overhead.svg", "Ours: datagrams for repair, percent of those for data", lost, store.overhead, trips)


def charts(store):
    """Name and text of each chart of which there is something to show."""
    places = [f"{loss:g} %" for loss in LOSSES]
    for chart in all_charts(store):
        figures = [
            (label, [chart.figure(case) if store.get(case) else None for case in cases])
            for label, cases in chart.lines
        ]
        # What was quicker than without loss was so by chance.
        drawn = [
            (label, [None if value is None else max(0, value) for value in values])
            for label, values in figures
            if any(value is not None for value in values)
        ]
        if drawn:
            yield chart.file, curves.chart(chart.title, chart.unit, places, drawn, chart.most)
