"""What was measured on, and when."""

import os
import platform
import re
import subprocess
import time


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def describe():
    """Lines of a list."""
    model = re.search(r"^model name\s*:\s*(.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    hypervisor = " (virtual machine)" if "hypervisor" in read("/proc/cpuinfo") else ""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout
    load = read("/proc/loadavg").split()
    return [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, version {commit.strip() or 'unknown'}",
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores{hypervisor}, "
        f"Linux {platform.release().split('-')[0]}",
        f"load before the run {load[0] if load else 'unknown'}; net.core.rmem_max {read('/proc/sys/net/core/rmem_max').strip()}",
    ]
