"""Curves over the loss of the link, as SVG, readable on a light and on a dark page."""

from html import escape

WIDTH, HEIGHT = 800, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 230, 50, 50
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.curve { fill: none; stroke-width: 2 }
.ours { stroke-width: 3.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .grid { stroke: #30363d }
}"""
# Told apart on both kinds of page, and by people who see few colours.
COLOURS = ("#1f6feb", "#8c959f", "#d29922", "#db6d28", "#a371f7", "#2da44e", "#bf4b8a")
LINE, MARK = 18, 4


def ticks(most):
    """Round numbers from zero to the first one at or beyond `most`, at most six."""
    step = 10.0**-3
    while True:
        for factor in (1, 2, 5):
            if most <= 5 * factor * step:
                count = max(1, -(-most // (factor * step)))
                return [index * factor * step for index in range(int(count) + 1)]
        step *= 10


def chart(title, unit, at, curves, most=None):
    """A chart of curves (label, values), one value for each of the places `at`, None where there is none; the first
    curve is ours, and `most` the top of the scale, if it is known."""
    marks = ticks(most or max([0.01, *(value for _, values in curves for value in values if value is not None)]))
    x = lambda index: LEFT + index * (WIDTH - LEFT - RIGHT) / max(1, len(at) - 1)
    y = lambda value: HEIGHT - BOTTOM - min(value / marks[-1], 1) * (HEIGHT - TOP - BOTTOM)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="24">{escape(title)}</text>',
    ]
    for mark in marks:
        lines += [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>',
            f'<text x="{LEFT - 8}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark:g}</text>',
        ]
    lines += [
        f'<text x="{x(index):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{escape(place)}</text>'
        for index, place in enumerate(at)
    ]
    lines.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">{escape(unit)}</text>')
    # Ours is drawn last, over the others.
    for index, (label, values) in reversed(list(enumerate(curves))):
        lines += curve(
            index, label, [(x(place), y(value)) for place, value in enumerate(values) if value is not None]
        )
    return "\n".join([*lines, "</svg>", ""])


def curve(index, label, points):
    colour = COLOURS[index % len(COLOURS)]
    kind = "curve ours" if index == 0 else "curve"
    top = TOP + index * LINE + 4
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline class="{kind}" stroke="{colour}" points="{path}"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{MARK}" fill="{colour}"/>' for x, y in points),
        f'<rect x="{WIDTH - RIGHT + 16}" y="{top - 10}" width="12" height="12" rx="2" fill="{colour}"/>',
        f'<text x="{WIDTH - RIGHT + 34}" y="{top}">{escape(label)}</text>',
    ]
