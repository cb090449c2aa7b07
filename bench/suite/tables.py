"""The results as Markdown."""

from goals import judged
from load import SIZES
from results import NO_DATAGRAMS, cpu, fps, latency, receiver_cpu, sender_cpu

NOTHING = "–"


def table(head, rows):
    aligned = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, aligned, *rows])


def number(value):
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_spread(spread):
    if spread is None:
        return NOTHING
    if spread.rounds == 1:
        return number(spread.median)
    return f"**{number(spread.median)}** ({number(spread.least)}–{number(spread.most)})"


def who(results, measurement, place=None):
    """Competitors with their datagram sizes, in the order in which they ran."""
    pairs = []
    for key in results.keys(measurement, place):
        if (key.competitor, key.size) not in pairs:
            pairs.append((key.competitor, key.size))
    return sorted(pairs, key=lambda pair: list(SIZES).index(pair[1]))


def find(results, measurement, place, competitor, size, rate):
    for key in results.keys(measurement, place):
        if (key.competitor, key.size, key.rate) == (competitor, size, rate):
            return key
    return None


def cell(results, figure, *wanted):
    key = find(results, *wanted)
    return with_spread(key and results.spread(key, figure))


def latency_cells(results, *wanted):
    return [cell(results, latency(name), *wanted) for name in ("p50", "p99", "max")]


def loss(results, *wanted):
    key = find(results, *wanted)
    if key is None:
        return NOTHING
    rounds = results.outcomes[key].values()
    return f"{100 * (1 - sum(min(o.delivered, o.sent) for o in rounds) / sum(o.sent for o in rounds)):.2f} %"


def cpu_on_loopback(results):
    rows = [
        [
            name,
            SIZES[size],
            *(
                cell(results, cpu, *wanted, "loopback", name, size, rate)
                for wanted, rate in ((("paced",), "30"), (("paced",), "300"), (("full",), "full"))
            ),
        ]
        for name, size in who(results, "paced", "loopback") or who(results, "full")
    ]
    return table(["", "datagrams", "30 fps", "300 fps", "full speed"], rows)


def latency_on_loopback(results):
    rows = [
        [name, SIZES[size], *latency_cells(results, "paced", "loopback", name, size, "30")]
        for name, size in who(results, "paced", "loopback")
    ]
    return table(["", "datagrams", "p50", "p99", "max"], rows)


def highest_rate(results):
    rows = [
        [name, SIZES[size], cell(results, fps, "rate", "loopback", name, size, "highest")]
        for name, size in who(results, "rate")
    ]
    return table(["", "datagrams", "frames a second"], rows)


def decoded(results):
    rows = [
        [name, *latency_cells(results, "decoded", "loopback", name, size, "30")]
        for name, size in who(results, "decoded")
    ]
    return table(["", "p50", "p99", "max"], rows)


def passed_through(results):
    sources = [
        ("bare floor", "paced", "bare floor"),
        ("folder of JPEGs", "paced", "programs"),
        ("bare floor, from a pipe", "passed", "bare floor, from a pipe"),
        ("the same, keeping a second", "passed", "bare floor, from a pipe, keeping a second"),
        ("MJPEG on standard input", "passed", "programs, MJPEG on standard input"),
        ("the same, plain wire", "passed", "programs, MJPEG on standard input, plain wire"),
    ]
    size = next(iter(SIZES))
    rows = [
        [label, cell(results, sender_cpu, measurement, "loopback", name, size, "300")]
        for label, measurement, name in sources
    ]
    return table(["sender with", "300 fps"], rows)


def wires(results):
    rows = [
        [name, *(cell(results, figure, "wires", "loopback", name, size, "300") for figure in (sender_cpu, receiver_cpu, cpu))]
        for name, size in who(results, "wires")
    ]
    return table(["wire", "sender", "receiver", "both"], rows)


def over_tcp(results):
    framings = ("upstream", "pickle")
    # In the order in which they ran; who was measured with one framing only has a row all the same.
    names = dict.fromkeys(key.competitor for key in results.keys("tcp"))
    rows = [
        [name, *(cell(results, fps, "tcp", "loopback", name, NO_DATAGRAMS, framing) for framing in framings)]
        for name in names
    ]
    return table(["sender to receiver", "upstream, JPEGs", "pickle, 1080p BGR"], rows)


def web(results):
    rows = []
    for key in results.keys("web"):
        wanted = ("web", "loopback", key.competitor, NO_DATAGRAMS, key.rate)
        memory = lambda outcome: outcome.extra["kb_per_viewer"]
        rows.append(
            [
                key.competitor,
                key.rate,
                cell(results, sender_cpu, *wanted),
                *latency_cells(results, *wanted),
                cell(results, memory, *wanted) if key.rate != "1" else NOTHING,
                loss(results, *wanted),
            ]
        )
    return table(["", "viewers", "CPU", "p50", "p99", "max", "KB a viewer", "not delivered"], rows)


def on_link(results):
    rows = [
        [
            name,
            SIZES[size],
            *(cell(results, cpu, "paced", "veth", name, size, rate) for rate in ("30", "300")),
            *latency_cells(results, "paced", "veth", name, size, "30"),
            loss(results, "paced", "veth", name, size, "300"),
        ]
        for name, size in who(results, "paced", "veth")
    ]
    return table(["", "datagrams", "CPU 30 fps", "CPU 300 fps", "p50 30 fps", "p99", "max", "lost at 300 fps"], rows)


def group(results):
    rows = []
    for key in results.keys("group"):
        for outcome in results.outcomes[key].values():
            lost = [outcome.sent - frames for frames in outcome.extra["delivered"]]
            rows.append(
                [
                    key.competitor,
                    number(outcome.sender_cpu),
                    number(outcome.receiver_cpu),
                    outcome.sent,
                    f"{min(lost)}–{max(lost)}",
                    f"{outcome.extra['datagrams'] / outcome.sent:.1f}",
                ]
            )
    return table(
        ["", "sender's CPU", "each receiver's CPU", "frames sent", "frames lost, by receiver", "datagrams a frame"],
        rows,
    )


def goals(results):
    rows = []
    for goal, ratio in judged(results):
        if ratio:
            limit = f"{'≥' if goal.at_least else '≤'} {goal.limit:.3g}"
            rows.append([goal.what, limit, with_spread(ratio), "yes" if goal.met(ratio) else "no"])
    return table(["", "goal", "measured", "met"], rows)


def summary(results):
    """What the README shows: one line a competitor."""
    rows = [
        [
            name,
            SIZES[size],
            cell(results, cpu, "paced", "loopback", name, size, "300"),
            cell(results, latency("p50"), "paced", "loopback", name, size, "30"),
            cell(results, latency("p99"), "paced", "loopback", name, size, "30"),
            cell(results, fps, "rate", "loopback", name, size, "highest"),
        ]
        for name, size in who(results, "paced", "loopback")
    ]
    medians = [[text.split("**")[1] if "**" in text else text for text in row] for row in rows]
    return table(
        ["", "datagrams", "CPU at 300 fps, µs a frame", "latency, µs: median", "p99", "highest lossless rate, fps"],
        medians,
    )
