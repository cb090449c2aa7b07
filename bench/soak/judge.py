"""Which promises were broken, by name; what came of it all, in tables."""

import run
from world import LOST

MIB = 1 << 20
# What a program may hold beyond what it held in its second minute: memory that malloc keeps in its arenas for other threads;
# of the gateway's threads those that wait for blocking work for ten seconds; connections that are about to be closed.
MEMORY_SHARE, MEMORY_MORE = 0.25, 16 * MIB
THREADS_MORE = {"gateway": 8}
HANDLES_MORE = {"gateway": 16, "redis": 8, "viewers": 8, "camera": 4}
# A long run's second minute; of a shorter one the second quarter.
MINUTE_S = 60.0
# What counts as the end.
LAST_S = 4.0


def span(soak):
    """From when until when programs held what they may hold at the end."""
    unit = min(MINUTE_S, soak.seconds / 4)
    return soak.begun + unit, soak.begun + 2 * unit


def held(actor, begin, end):
    """The most of each in this time, and None where nothing was sampled."""
    seen = [usage for usage in actor.usages if begin <= usage.at < end]
    if not seen:
        return None
    return tuple(max(getattr(usage, what) for usage in seen) for what in ("memory", "threads", "handles"))


def at_end(actor, ended):
    """The least of the last seconds: what comes and goes is not what grows."""
    seen = [usage for usage in actor.usages if usage.at >= ended - LAST_S]
    if not seen:
        return None
    return tuple(min(getattr(usage, what) for usage in seen) for what in ("memory", "threads", "handles"))


def growth(name, before, after):
    """Which of memory, threads and handles has grown too much."""
    limits = (
        before[0] + max(before[0] * MEMORY_SHARE, MEMORY_MORE),
        before[1] + THREADS_MORE.get(name, 0),
        before[2] + HANDLES_MORE.get(name, 0),
    )
    for what, was, now, limit in zip(("bytes of memory", "threads", "file handles"), before, after, limits):
        if now > limit:
            yield f"{name} holds {now} {what} at the end, {was} in its second minute"


def complaints(soak):
    """All that was promised and did not hold."""
    found = list(soak.complaints)
    for struck in soak.faults:
        found += run.complaints(struck, soak.back_s)
    for actor in soak.stage.actors.values():
        found += actor.complaints
        before, after = held(actor, *span(soak)), at_end(actor, soak.ended)
        if before and after and actor.name not in ("viewers", "camera"):
            found += growth(actor.name, before, after)
    found += soak.stage.complaints
    if soak.stage.damaged:
        found.append(f"{soak.stage.damaged} pictures that viewers got were not whole")
    return found


def table(head, rows):
    """In Markdown, the first column to the left, the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def frames(soak):
    """Frames sent, delivered, lost, and what was counted of the losses, for each who looks at the stream."""
    stage = soak.stage
    rows = []
    sent = stage.sent.count(soak.ended) - stage.sent.count(soak.begun)
    for name, eye in stage.eyes.items():
        if name == "camera":
            continue
        came = eye.count(soak.ended) - eye.count(soak.begun)
        dropped = {}
        for told in stage.actors[name].said if name in stage.actors and name != "redis" else []:
            counted = {**told.get("dropped", {}), "kernel": told.get("kernel_drops", 0)}
            for cause, count in counted.items():
                dropped[cause] = dropped.get(cause, 0) + count
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(dropped.items()) if count)
        rows.append([name, sent, came, max(0, sent - came), causes or "–"])
    return table(["who looks", "sent", "delivered", "lost", "dropped, by cause (datagrams and frames)"], rows)


def faults(soak):
    """For each kind, how dark it was, and how soon it was over; and frames that were lost by it, of all who look."""
    stage, rows = soak.stage, []
    kinds = {}
    for struck in soak.faults:
        kinds.setdefault(struck.kind, []).append(struck)
    lost_by_faults = 0
    for kind, all_struck in sorted(kinds.items()):
        dark = max(max(struck.dark.values()) for struck in all_struck)
        back = max(max(struck.back.values()) for struck in all_struck)
        lost = sum(lost_between(stage, struck.begin, struck.until) for struck in all_struck)
        lost_by_faults += lost
        rows.append([kind, len(all_struck), f"{dark:.1f}", f"{back:.1f}", lost])
    lost = lost_between(stage, soak.begun, soak.ended) - lost_by_faults
    rows.append([f"none but {LOST / 10:g} % loss", "–", "–", "–", max(0, lost)])
    head = ["fault", "times", "longest without a picture, s", "picture back after its cause, s", "frames lost, of all who look"]
    return table(head, rows)


def lost_between(stage, begin, end):
    """Frames of the stream that were sent then and not seen, of all together."""
    sent = stage.sent.count(end) - stage.sent.count(begin)
    eyes = [eye for name, eye in stage.eyes.items() if name != "camera"]
    return sum(max(0, sent - (eye.count(end) - eye.count(begin))) for eye in eyes)


def holdings(soak):
    rows = []
    for actor in soak.stage.actors.values():
        before, after = held(actor, *span(soak)), at_end(actor, soak.ended)
        if before and after:
            memory = [f"{value / MIB:.1f}" for value in (before[0], after[0])]
            rows.append([actor.name, actor.starts, *memory, before[1], after[1], before[2], after[2]])
    head = ["program", "starts", "MiB, 2nd minute", "at end", "threads, 2nd minute", "at end", "handles, 2nd minute", "at end"]
    return table(head, rows)


def text(soak, rates):
    stage = soak.stage
    parts = [f"{soak.ended - soak.begun:.0f} s, {len(soak.faults)} faults.", frames(soak), faults(soak), holdings(soak)]
    parts.append(
        f"{stage.recordings} recordings with {stage.recorded} frames and {stage.snapshots} snapshots were read back, whole."
        if not stage.complaints
        else f"{stage.recordings} recordings and {stage.snapshots} snapshots were read back: see below."
    )
    for kind, reached in sorted(rates.items()):
        parts.append(f"{kind}: {min(reached):,.0f} to {max(reached):,.0f} a second, to each that listens.")
    parts += [f"Left out: {why}." for why in soak.missing]
    return "\n\n".join(parts)
