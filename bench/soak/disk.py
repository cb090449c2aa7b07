"""A small disk in memory that can be full."""

import os
import subprocess

# Filled only as far as there are recordings; when half of it is taken, a new recording is begun.
SIZE = 2 << 30


class Disk:
    def __init__(self, folder):
        self.folder = folder
        self.is_mounted = False

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={SIZE}", "soak", self.folder)
        self.is_mounted = True
        return self

    def __exit__(self, *_):
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=False)

    def used(self):
        disk = os.statvfs(self.folder)
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize

    def fill(self):
        """Takes away what is left of it, rather than filling it."""
        # Whoever writes meanwhile may have taken a page more than the new size.
        for room in (0, 1 << 20, 4 << 20):
            try:
                mount("-o", f"remount,size={self.used() + room}", self.folder)
                return
            except subprocess.CalledProcessError as error:
                refusal = error
        raise refusal

    def empty(self):
        mount("-o", f"remount,size={SIZE}", self.folder)


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True, stderr=subprocess.PIPE, text=True)
