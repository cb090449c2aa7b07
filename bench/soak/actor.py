"""A program that is watched while it runs, killed, and started again."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

from process import Program

# None of these ends by itself: this only keeps one from outliving a soak that was killed.
LONGEST_S = 24 * 3600
# How long a program that was asked to end may take.
END_S = 5


@dataclass(frozen=True)
class Usage:
    at: float
    memory: int
    threads: int
    handles: int


def usage(pid):
    """What a process holds now, or None if it is gone: bytes, threads, file handles."""
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        handles = len(os.listdir(f"/proc/{pid}/fd"))
        memory = 1024 * int(fields["VmRSS"].split()[0])
        return Usage(time.monotonic(), memory, int(fields["Threads"]), handles)
    except (OSError, KeyError):
        return None


class Actor:
    """`command` gives the words to start it with, each time; `heard` is told every JSON object that it prints."""

    def __init__(self, name, command, heard=None, statuses=(0,)):
        self.name, self.command, self.heard, self.statuses = name, command, heard, statuses
        self.program = self.reader = None
        self.usages = []
        # What it printed last in each run, and faults that nobody caused.
        self.said, self.complaints = [], []
        self.starts = 0

    def start(self):
        self.starts += 1
        self.said.append({})
        if self.program:
            self.program.__exit__()
        self.program = Program(self.command(), deadline_s=LONGEST_S)
        self.reader = threading.Thread(target=self.read, args=(self.program, len(self.said) - 1), daemon=True)
        self.reader.start()

    def read(self, program, run):
        try:
            for line in program.process.stdout:
                now = time.monotonic()
                try:
                    told = json.loads(line)
                except ValueError:
                    # A line that a kill has cut.
                    continue
                self.said[run] = told
                if self.heard and run == len(self.said) - 1:
                    self.heard(now, told)
        except ValueError:
            pass  # closed meanwhile

    @property
    def pid(self):
        return self.program.pid

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.program.process.kill()
        self.program.process.wait()
        self.reader.join(END_S)

    def end(self, statuses=None):
        """As its user ends it; complains if it does not do so in time, with a status that was to be expected."""
        process = self.program.process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.complaints.append(f"{self.name} did not end within {END_S} s")
            self.kill()
            return
        self.reader.join(END_S)
        if process.returncode not in (statuses or self.statuses):
            self.complaints.append(str(self.program.failed(f"{self.name} ended with status {process.returncode}")))

    def look_after(self):
        """Samples what it holds; starts it again, with a complaint, if it has died by itself."""
        status = self.program.process.poll()
        if status is not None:
            self.complaints.append(str(self.program.failed(f"{self.name} died by itself, with status {status}")))
            self.start()
        now = usage(self.pid)
        if now:
            self.usages.append(now)

    def close(self):
        if self.program:
            self.program.__exit__()

    def last_words(self):
        self.program.errors.seek(0)
        return self.program.errors.read()
