"""The clock of one program, as libfaketime lets it see it."""

import glob
import os

# Whatever the architecture is called; for programs with threads.
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
# How often a program looks whether its clock was set.
LOOK_S = 1
BACK_S = 3600


def faketime():
    """The library that does it, if it is there."""
    found = [path for pattern in LIBRARIES for path in glob.glob(pattern)]
    return found[0] if found else None


class Clock:
    def __init__(self, folder, name):
        self.path = os.path.join(folder, f"clock of {name}".replace(" ", "-"))
        self.set(0)

    def set(self, seconds):
        """By so many seconds off from what it is; 0 is right. Counts within a second."""
        # At once: a program that reads half a line takes another time.
        with open(self.path + ".new", "w") as file:
            file.write(f"{seconds:+d}\n")
        os.replace(self.path + ".new", self.path)

    def words(self):
        """What the command of the program begins with. Only the clock that can be set is touched."""
        settings = {
            "LD_PRELOAD": faketime(),
            "FAKETIME_TIMESTAMP_FILE": self.path,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "FAKETIME_CACHE_DURATION": LOOK_S,
        }
        return ["env", *(f"{name}={value}" for name, value in settings.items())]
