"""Bar charts as SVG, readable on a light and on a dark page."""

from html import escape

from load import SIZES
from results import cpu, fps, latency
from tables import find, number, who

WIDTH, LABELS, FIGURES = 800, 250, 110
BAR, GAP, TOP = 18, 10, 44
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.ours { fill: #1f6feb }
.other { fill: #8c959f }
.spread { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #6e7681 }
  .spread { stroke: #e6edf3 }
}"""
OURS = ("library", "programs")


def bars(title, rows):
    """A chart of (label, Spread) rows: a bar to the median, a line from the least to the greatest."""
    # The spread of one may go off the page rather than make all the others small.
    full = max(spread.median for _, spread in rows) * 1.1
    at = lambda value: LABELS + min(value / full, 1) * (WIDTH - LABELS - FIGURES)
    height = TOP + len(rows) * (BAR + GAP) + GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="24">{escape(title)}</text>',
    ]
    for index, (label, spread) in enumerate(rows):
        top = TOP + index * (BAR + GAP)
        middle = top + BAR / 2
        kind = "ours" if label.startswith(OURS) else "other"
        lines += [
            f'<text x="{LABELS - 8}" y="{top + 14}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{at(spread.median) - LABELS:.1f}" height="{BAR}" rx="2"/>',
            f'<line class="spread" x1="{at(spread.least):.1f}" x2="{at(spread.most):.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{WIDTH - 8}" y="{top + 14}" text-anchor="end">{number(spread.median)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def rows_of(results, figure, measurement, rate):
    for name, size in who(results, measurement, "loopback"):
        spread = (
            results.spread(find(results, measurement, "loopback", name, size, rate), figure)
            if find(results, measurement, "loopback", name, size, rate)
            else None
        )
        if spread:
            yield f"{name}, {SIZES[size]}", spread


def all_plots(results):
    """Name and text of each plot of which there is something to show."""
    plots = [
        ("cpu.svg", "CPU at 300 fps, µs a frame, sender and receiver", cpu, "paced", "300"),
        ("latency.svg", "Latency at 30 fps, µs, median", latency("p50"), "paced", "30"),
        ("rate.svg", "Highest lossless rate, frames a second", fps, "rate", "highest"),
        ("decoded.svg", "Raw picture to decoded picture at 1080p30, µs, median", latency("p50"), "decoded", "30"),
    ]
    for name, title, figure, measurement, rate in plots:
        rows = list(rows_of(results, figure, measurement, rate))
        if rows:
            yield name, bars(title, rows)
