"""What holds for a whole run: where the programs are, which pictures, how long."""

import os
import pathlib
import shutil
import subprocess

from load import Failed

# Asked for by everybody. Who may not go past net.core.rmem_max gets less, and the tables say so.
RECEIVE_BUFFER = 4 << 20
# What a frame takes up of it at most: 113 datagrams of 1,472 bytes, each charged with 2,304 bytes of memory. The kernel
# doubles the buffer for that (socket(7)).
FRAME_MEMORY, DOUBLED = 113 * 2304, 2
# Frames on their way at most where there is credit: more would make no difference.
MOST_CREDIT = 16


def granted(wanted):
    """What the kernel will grant of a receive buffer: root may go past the limit."""
    if os.geteuid() == 0:
        return wanted
    with open("/proc/sys/net/core/rmem_max") as file:
        return min(wanted, int(file.read()))


class Setting:
    def __init__(self, binaries, folder, quick):
        self.binaries = binaries
        self.quick = quick
        self.receive_buffer = RECEIVE_BUFFER
        self.window = max(1, min(MOST_CREDIT, DOUBLED * granted(RECEIVE_BUFFER) // FRAME_MEMORY))
        # Seconds that are measured in one run, by rate.
        self.seconds = {30: 1.2, 300: 0.8} if quick else {30: 3.0, 300: 1.5}
        # At full speed, and for one trial of the search for the highest rate.
        self.burst_seconds = 0.3 if quick else 0.5
        self.folder = folder
        self.pictures = {"raw": os.path.join(folder, "raw"), "jpg": os.path.join(folder, "jpg")}

    def binary(self, name):
        return os.path.join(self.binaries, name)

    program = binary

    def bgr_file(self):
        """All raw pictures, one after another, for those who read no folder."""
        return self.pictures["raw"] + ".bgr"

    def draw_pictures(self):
        raw, jpg = self.pictures["raw"], self.pictures["jpg"]
        drawn = subprocess.run([self.binary("pictures"), raw], stderr=subprocess.PIPE, text=True, check=False)
        if drawn.returncode:
            raise Failed(f"the pictures cannot be made: {drawn.stderr}")
        os.mkdir(jpg)
        for path in pathlib.Path(raw).glob("*.jpg"):
            path.rename(os.path.join(jpg, path.name))
        with open(self.bgr_file(), "wb") as joined:
            for path in sorted(pathlib.Path(raw).glob("*.bgr")):
                with open(path, "rb") as file:
                    shutil.copyfileobj(file, joined)
        sizes = [path.stat().st_size for path in pathlib.Path(jpg).iterdir()]
        return round(sum(sizes) / len(sizes))
