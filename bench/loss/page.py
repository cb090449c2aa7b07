"""The page docs/loss.md, and its curves."""

import os

from case import BURST, Case, all_cases
from charts import charts
from contenders import ALL
from judge import PLAIN_CPU_LIMIT, verdicts
from tables import NOTHING, table

INTRODUCTION = """\
# Over links that lose packets

Written by `script/loss`, which anyone with root on a Linux machine can run; `script/loss --help` tells how. Ours beside a
Python peer of this family, GStreamer's RTP/JPEG alone and with parity, and RTP over SRT.

{machine}

1080p at 30 frames a second, JPEGs of {frame_len:,} bytes on average, the same for everybody; a link of MTU 1500 that loses
packets at random in both directions. Every frame that a receiver handed on was held byte for byte against what was sent.
"""

METHOD = f"""\
## How it is measured

* **The link**: a host in a network namespace of its own for the sender and for each receiver, on a switch. Between the switch
  and each receiver the program `impair` (`bench/src/bin/impair.rs`) carries every packet at layer 2 and loses and delays
  some, by a seed, in each direction by itself. Loss is independent from packet to packet, or, where bursts are said, by the
  model of Gilbert and Elliott with bad times of {BURST} packets on average. Half of the round trip is spent in each direction. Offloads
  are off, so that packets are lost one by one; that nothing else was lost, and that each was seen by itself, is checked by
  the counters of both ends after each run. In a group each receiver's link is bad by itself.
* **Whole**: the share of frames that came byte for byte, of those sent from 5 s after the first to the end; in a group at the
  receiver that got fewest. *Wrong* are frames that were handed on and were none of those sent, came twice, or came
  after a later one, over the whole stream.
  RTP/JPEG carries no headers (RFC 2435), so GStreamer's are compared in what is entropy-coded.
* **Delay**: from the sender's being given the JPEG to its having been read from the receiver, whole, by one clock. *Added* is what
  the percentile is above that of the same programs over the same link without loss; the last column has that one. In a
  group it is that of the receiver that waited longest.
* **Overhead**: datagrams of parity and repeats over those of data, over the whole stream. Ours are told apart by nft by their
  first bytes, where they enter the switch, and repeats are those that the sender counts; of the others, it is what is sent
  beyond the packets of a stream without repair.
* The Python peer is `tests/peers/old_receiver.py`, with a receive buffer of 4 MiB. Its 64-KB datagrams go in IP fragments, and
  one of which a fragment is lost takes up the kernel's memory for these for half a minute: soon there is none left for others
  (net.ipv4.ipfrag_high_thresh, 4 MiB as the kernel sets it), and more is lost than the link loses.
* GStreamer's parity is rtpulpfecenc at 20 %, with a jitter buffer of 60 ms; SRT's latency is its default of 120 ms.
"""


def percent(value):
    if value is None:
        return NOTHING
    # What is not all must not be rounded to all.
    if 99.95 <= value < 100:
        return f"{min(value, 99.99):.2f} %"
    return f"{value:.3g} %" if value < 99.5 else f"{value:.1f} %"


def ms(value):
    return NOTHING if value is None else f"{value:.1f}" if abs(value) < 99.5 else f"{value:.0f}"


def what(case):
    """A case in words."""
    loss = f"{case.loss:g} % loss" if case.loss else "no loss"
    burst = f" in bursts of {case.burst}" if case.burst else ""
    trip = f", round trip {case.rtt} ms" if case.rtt else ""
    return f"{ALL[case.contender].name}: {loss}{burst}{trip}"


def row(store, case):
    outcome, clean = store.get(case), store.get(case.clean)
    base = clean and clean.delay(50)
    return [
        what(case),
        percent(outcome.whole),
        outcome.faults,
        ms(store.added(case, 50)),
        ms(store.added(case, 99)),
        percent(store.overhead(case)),
        f"{ms(base)} / {ms(clean.delay(99))}" if base is not None else NOTHING,
    ]


def measured(store):
    """All cases that were, in order."""
    rows = [row(store, case) for case in all_cases() if store.get(case)]
    head = ["", "whole", "wrong", "delay added, ms: p50", "p99", "overhead", "delay without loss, p50 / p99"]
    return table(head, rows)


def goals(store):
    rows = []
    for case in all_cases():
        judged = verdicts(store, case)
        if judged:
            limits = {verdict.what: verdict for verdict in judged}
            cells = [what(case), store.get(case).counted]
            for name, write in (("whole", percent), ("p50", ms), ("p99", ms), ("overhead", percent)):
                cells.append(cell(limits.get(name), write))
            rows.append([*cells, "met" if all(verdict.met for verdict in judged) else "**not met**"])
    rows += cpu(store)
    return table(["", "frames", "whole", "added, ms: p50", "p99", "overhead", ""], rows)


def cell(verdict, write):
    if verdict is None:
        return NOTHING
    sign = "≥" if verdict.at_least else "≤"
    text = f"{write(verdict.figure)} ({sign} {verdict.limit:g})"
    return text if verdict.met else f"**{text}**"


def cpu(store):
    """What repair costs where nothing is lost, as a row."""
    ours, plain = store.get(Case("ours")), store.get(Case("plain"))
    if not ours or not plain:
        return []
    ratio = ours.cpu_us / plain.cpu_us
    text = f"CPU a frame without loss, to that with --wire plain: {ratio:.2f} (≤ {PLAIN_CPU_LIMIT:g})"
    return [[text, ours.counted, *[NOTHING] * 4, "met" if ratio <= PLAIN_CPU_LIMIT else "**not met**"]]


def text(store, frame_len, machine):
    dates = sorted({outcome.date for outcome in store.outcomes.values()})
    machine = [*machine, f"measured {dates[0]} to {dates[-1]}" if len(dates) > 1 else f"measured {dates[0]}"]
    parts = [INTRODUCTION.format(machine="\n".join(f"* {line}" for line in machine), frame_len=frame_len)]
    images = "".join(f"![]({os.path.join('loss', name)})\n\n" for name, _ in charts(store))
    parts += [f"## Curves\n\n{images}".rstrip() + "\n"] if images else []
    if any(verdicts(store, case) for case in all_cases()):
        parts.append(f"## Goals\n\nIn brackets what was aimed at.\n\n{goals(store)}\n")
    parts.append(f"## All that was measured\n\n{measured(store)}\n")
    if store.skipped:
        listed = "".join(f"* {ALL[key].name}: {why}.\n" for key, why in store.skipped.items())
        parts.append(f"## Not measured\n\n{listed}")
    if store.failures:
        listed = "".join(f"* {name}: `{error.splitlines()[0]}`\n" for name, error in store.failures.items())
        parts.append(f"## Failed\n\n{listed}")
    parts.append(METHOD)
    return "\n".join(parts)


def write(docs, page, store):
    """Writes the page and its curves."""
    folder = os.path.join(docs, "loss")
    os.makedirs(folder, exist_ok=True)
    for name, svg in charts(store):
        with open(os.path.join(folder, name), "w") as file:
            file.write(svg)
    with open(os.path.join(docs, "loss.md"), "w") as file:
        file.write(page)
