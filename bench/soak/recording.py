"""What is in a recording, however its program ended."""

import json
import os
import subprocess

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Bytes of a block's header before its frame, at most: identity, length, track, time, flags.
HEADER = 32


def frames(path):
    """How many frames ffprobe finds in a recording, and how many of them are no whole JPEG."""
    words = ["ffprobe", "-v", "error", "-show_entries", "packet=pos,size", "-of", "json", path]
    listed = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    packets = json.loads(listed.stdout or "{}").get("packets", [])
    broken = 0
    with open(path, "rb") as file:
        for packet in packets:
            file.seek(int(packet["pos"]))
            block = file.read(int(packet["size"]) + HEADER)
            begin = block.find(SOI)
            jpeg = block[begin : begin + int(packet["size"])]
            broken += begin < 0 or jpeg[-2:] != EOI
    return len(packets), broken


def complaints(path, least):
    """What is wrong with a recording that must have so many frames at least."""
    if not os.path.exists(path):
        return [f"there is no recording, and {least} frames were to be in it"] if least > 0 else []
    found, broken = frames(path)
    wrong = []
    if broken:
        wrong.append(f"{broken} of {found} frames of a recording are not whole")
    if found < least:
        wrong.append(f"a recording has {found} frames that can be read; {least} or more were to be in it")
    return wrong


def damaged_snapshots(folder, keep=0):
    """How many snapshots there were, and how many are not whole; all but the newest `keep` are removed."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".jpg"))
    seen = names[: len(names) - keep] if keep else names
    damaged = 0
    for name in seen:
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            jpeg = file.read()
        damaged += not (jpeg.startswith(SOI) and jpeg.endswith(EOI))
        os.remove(path)
    return len(seen), damaged
