"""The page docs/benchmarks.md, its plots, and the table in the README."""

import os
import re

import goals
import plots
import tables

INTRODUCTION = """\
# Benchmarks

Written by `script/bench`, which anyone can run; `script/bench --help` tells how. Ours beside the bare floor (the same
bytes with no protocol, from one process to another), a Python peer of this family, GStreamer and FFmpeg.

{machine}

Frames are JPEGs of 1080p at quality 50, {frame_len:,} bytes, the same for everybody; {rounds}. Within a round
the competitors take turns. Cells are the median of the rounds, with the least and the greatest in brackets.
"""

METHOD = """\
## How it is measured

* **CPU** is user and system time of sender and receiver together, µs a frame: the sender's for each frame sent, the
  receiver's for each that came whole. The floor, the library and the Python peer count themselves by getrusage(2)
  from the fifth frame to the last. GStreamer counts itself from the moment when its pipeline is ready; reading the JPEG
  files is in it, and at 30 fps one call into Python a frame, by which latency is told. For the programs and FFmpeg the
  time of all their threads is read from /proc (schedstat) at two moments of a steady stream and divided by the
  frames due between them. No start-up is in any of it. On this kernel the work of the network stack is charged
  to the process in whose time it is done; on loopback most of it is the sender's, over veth some of it may be nobody's.
* **Beside the floor**: much of what the programs and the library cost besides copying is that a thread which wakes up after 3 ms
  finds its instructions and tables gone from its caches. That gets no less where a processor copies faster, so the ratio to the
  floor differs from one processor to another.
* **Memory**: floor and library send from, and receive into, the middle of a page, as the programs do: the kernel's copy is
  several times slower on some processors where bytes go to a few bytes further in a page than they come from
  (`media/src/memory.rs`), and that would be the greatest part of every figure.
* **Full speed** is without a pace, but with credit: through a pipe beside the network the receiver lets the sender have {window}
  frames on their way, so that nothing is lost. The pipe is in the figures, a read and a write for half as many frames. Programs that
  cannot be slowed down so have no figure here.
* **Highest rate**: less than 1 frame in 1,000 lost, sender and receiver asking for the same receive buffer ({buffer}). First
  without a pace; if that loses, by bisection over paced rates to within 4 %. The programs take at most 1,000 fps and are not
  in it; FFmpeg does not say when it is late.
* **Latency**: from the sender's having the JPEG to the receiver's having it whole, by one clock for both; the programs tell
  it themselves, from capture. GStreamer's frames carry no number, so its latency is told only where no frame is lost.
  FFmpeg has no clock that could be read at both ends: its cells are empty.
* **Raw to decoded**: from the raw 1080p picture through encoding, network and decoding to BGR in memory, at 30 fps. The Python
  peer encodes and decodes with OpenCV, from BGR.
* **Passed through**: from a pipe, the floor's sender reads each picture, whose length it knows, into the same few places in memory. The
  programs keep what they sent in the last second, to send it again to who has lost it, so that every picture comes into memory that the
  processor has not seen for a second. A floor that has so many pictures in memory, and does no more with them, shows what that takes.
* **TCP**: one connection, pictures already in memory, no frame left out; from the first frame received
  to the last. The Python peers are those of `tests/peers`, with numpy for pickles; each receiver unpickles every picture.
* **Motion JPEG**: the same stamped JPEG at 30, 15 and 1 frames a second to 1, 50 and 500 viewers, which are tasks of one process on
  the same cores. ustreamer has a camera made of a library (LD_PRELOAD), the gateway reads standard input. Memory is the growth
  of the resident set; what the kernel holds for sockets is not in it.
* **veth**: a pair of interfaces of MTU 1500 between two network namespaces, offloads as the kernel sets them. The Python peer
  sends its 64-KB datagrams there too, in IP fragments.
"""

README_BEGIN, README_END = "<!-- script/bench writes from here -->", "<!-- to here -->"


def page(results, setting, rounds, frame_len, machine):
    """The whole page; sections of which nothing was measured are left out."""
    several = f"medians of {rounds} rounds" if rounds > 1 else "one round, so no medians"
    parts = [
        INTRODUCTION.format(machine="\n".join(f"* {line}" for line in machine), frame_len=frame_len, rounds=several)
    ]
    sections = [
        (
            "paced",
            "loopback",
            "CPU on loopback",
            "µs a frame, sender and receiver together.",
            tables.cpu_on_loopback,
            "bench/cpu.svg",
        ),
        (
            "paced",
            "loopback",
            "Latency on loopback at 30 fps",
            "µs.",
            tables.latency_on_loopback,
            "bench/latency.svg",
        ),
        ("rate", None, "Highest lossless rate on loopback", "", tables.highest_rate, "bench/rate.svg"),
        ("decoded", None, "Raw picture to decoded picture at 1080p30", "µs.", tables.decoded, "bench/decoded.svg"),
        (
            "passed",
            None,
            "JPEG passed through",
            "The sender's CPU, µs a frame, 65 KB datagrams.",
            tables.passed_through,
            None,
        ),
        (
            "wires",
            None,
            "What each wire costs",
            "CPU of the programs on loopback, 300 fps, 1472-byte datagrams, nothing lost; µs a frame.",
            tables.wires,
            None,
        ),
        (
            "tcp",
            None,
            "TCP on loopback",
            "Frames a second, as fast as they go.",
            tables.over_tcp,
            None,
        ),
        (
            "web",
            None,
            "Motion JPEG to browsers",
            "The server's CPU for each delivered frame, and latency to a viewer's last byte, µs; memory for each viewer, KB (the aim: below 100).",
            tables.web,
            None,
        ),
        ("paced", "veth", "Over a link of MTU 1500", "µs; CPU a frame, and latency.", tables.on_link, None),
        ("group", None, "A group of twenty receivers on this machine, one minute", "µs a frame.", tables.group, None),
    ]
    for measurement, place, title, unit, write, plot in sections:
        if results.keys(measurement, place):
            image = f"\n![{title}]({plot})\n" if plot else ""
            parts.append(f"## {title}\n\n{unit}\n{image}\n{write(results)}\n".replace("\n\n\n", "\n\n"))
    if any(ratio for _, ratio in goals.judged(results)):
        parts.append(f"## Goals\n\nMedians of the ratios of each round.\n\n{tables.goals(results)}\n")
    if results.skipped:
        parts.append("## Not measured\n\n" + "".join(f"* {what}: {why}.\n" for what, why in results.skipped))
    if results.failures:
        parts.append(
            "## Failed\n\n"
            + "".join(
                f"* {key.competitor}, {key.measurement}: `{error.splitlines()[0]}`\n"
                for key, error in results.failures
            )
        )
    parts.append(METHOD.format(window=setting.window, buffer=f"{setting.receive_buffer:,} bytes"))
    return "\n".join(parts)


def write(docs, text, results):
    """Writes the page and its plots."""
    os.makedirs(os.path.join(docs, "bench"), exist_ok=True)
    for name, svg in plots.all_plots(results):
        with open(os.path.join(docs, "bench", name), "w") as file:
            file.write(svg)
    with open(os.path.join(docs, "benchmarks.md"), "w") as file:
        file.write(text)


def write_readme(path, results):
    """Puts the summary between the two marks of the README."""
    with open(path) as file:
        text = file.read()
    marked = re.compile(re.escape(README_BEGIN) + ".*?" + re.escape(README_END), re.DOTALL)
    new = f"{README_BEGIN}\n\n{tables.summary(results)}\n\n{README_END}"
    if marked.search(text):
        with open(path, "w") as file:
            file.write(marked.sub(lambda _: new, text))
