"""Programs under measurement: started, waited for, never left behind."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time

from load import Failed

# A program that has not ended by then hangs. The longest run of a benchmark is a minute.
DEADLINE_S = 150
# For a receiver to take the last frame before a signal ends it.
LAST_FRAME_S = 0.2


class Program:
    """One process. As a context manager it is killed at the end, whatever happened."""

    def __init__(self, words, stdin=subprocess.DEVNULL, deadline_s=DEADLINE_S):
        self.words = [str(word) for word in words]
        self.errors = tempfile.TemporaryFile(mode="w+", errors="replace")
        # Settings of the user's own would make it another measurement.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("SEGMENT_", "RUST_LOG"))
        }
        self.process = subprocess.Popen(
            self.words, stdin=stdin, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )
        self.watchdog = threading.Timer(deadline_s, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    @property
    def pid(self):
        return self.process.pid

    def failed(self, what):
        self.errors.seek(0)
        last = "".join(self.errors.readlines()[-8:]).strip()
        return Failed(f"{what}: {' '.join(self.words)}\n{last}")

    def ready(self):
        """Waits for the first line, a JSON object, by which a receiver says that it listens."""
        line = self.process.stdout.readline()
        if not line:
            raise self.failed("ended before it was ready")
        return json.loads(line)

    def listens_tcp(self, port):
        """Waits until the process listens at this TCP port."""
        self.listens(port, "tcp")

    def listens(self, port, protocol="udp"):
        """Waits until the process has a socket with this port, for programs that do not say so."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise self.failed(f"ended with status {self.process.returncode}")
            if has_port(self.pid, port, protocol):
                return
            time.sleep(0.01)
        raise self.failed("does not listen after 10 s")

    def end(self, with_signal=None, statuses=(0,)):
        """Waits for the end, if need be after a signal; gives what stood on standard output."""
        if with_signal and self.process.poll() is None:
            self.process.send_signal(with_signal)
        output, _ = self.process.communicate()
        if self.process.returncode not in statuses:
            raise self.failed(f"ended with status {self.process.returncode}")
        return output

    def end_with_json(self, with_signal=None):
        """As `end`; gives the last line, a JSON object."""
        lines = self.end(with_signal).strip().splitlines()
        if not lines:
            raise self.failed("ended without a word")
        return json.loads(lines[-1])

    def cpu_ns(self):
        """CPU time of all its threads so far, to the nanosecond (/proc/PID/task/TID/schedstat)."""
        total = 0
        tasks = f"/proc/{self.pid}/task"
        for task in os.listdir(tasks):
            try:
                with open(f"{tasks}/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
            except FileNotFoundError:
                pass  # a thread that has just ended
        return total


def has_port(pid, port, protocol):
    """Whether a socket in the network of this process has the port, which the kernel writes in hexadecimal."""
    wanted = f":{port:04X}"
    for table in (protocol, f"{protocol}6"):
        try:
            with open(f"/proc/{pid}/net/{table}") as file:
                if any(line.split()[1].endswith(wanted) for line in list(file)[1:]):
                    return True
        except (FileNotFoundError, ProcessLookupError):
            pass
    return False


def sampled(programs, seconds):
    """What each program costs while it runs on: CPU ns over about so many seconds, and how long it was exactly."""
    before = [program.cpu_ns() for program in programs]
    begin = time.monotonic()
    time.sleep(seconds)
    after = [program.cpu_ns() for program in programs]
    return [b - a for a, b in zip(before, after)], time.monotonic() - begin


TERMINATE, INTERRUPT = signal.SIGTERM, signal.SIGINT
