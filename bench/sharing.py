#!/usr/bin/env python3
"""Many gateways share the viewers of one stream through Redis: what each costs, and how late pictures are.

bench/sharing.py --binaries target/release [--gateways N …] [--viewers N …] [--seconds N]

One gateway publishes JPEGs of the test card (1280x720, 30 a second) to a Redis server that is started for this. Each of N others
subscribes and has so many viewers of motion JPEG, who read and do no more. Prints, as a table for docs/scaling.md, the CPU time
of each program, and pictures and delay of the viewers, from capture until the kernel has them. All runs on this machine. With
several numbers each is measured with each, ten seconds.
"""

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(*command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(port):
    end = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nothing listens at {port}")
            time.sleep(0.05)


def cpu(process):
    """CPU time so far, in seconds: user and system (proc(5))."""
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def state(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=20) as answer:
        return json.load(answer)


def viewers(ports, count):
    """A process that reads all streams and throws them away."""
    if os.fork():
        return
    selector = selectors.DefaultSelector()
    for port in ports:
        for _ in range(count):
            viewer = socket.create_connection(("127.0.0.1", port))
            viewer.sendall(b"GET /video/ HTTP/1.1\r\nHost: x\r\n\r\n")
            viewer.setblocking(False)
            selector.register(viewer, selectors.EVENT_READ)
    buffer = bytearray(1 << 18)
    while True:
        for key, _ in selector.select(1):
            if key.fileobj.recv_into(buffer) == 0:
                os._exit(0)


HEADINGS = ["gateways", "viewers of each", "pictures/s", "delay p50", "p95", "CPU that publishes", "CPU of Redis",
            "CPU of each gateway", "its memory"]  # fmt: skip


def measure(arguments, gateways, count):
    gateway = f"{arguments.binaries}/gateway"
    redis_port, origin_port = free_port(), free_port()
    redis = start("redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    programs = [redis]
    try:
        wait_for(redis_port)
        origin = start(gateway, "-uri", "test", "-p", str(origin_port), "-r", "-rhs", "127.0.0.1", "-rp", str(redis_port),
                       "-rk", "cam", "--redis-format", arguments.format)  # fmt: skip
        programs.append(origin)
        ports = [free_port() for _ in range(gateways)]
        others = [start(gateway, "-uri", f"redis://127.0.0.1:{redis_port}", "-irc", "cam", "-p", str(port)) for port in ports]
        programs.extend(others)
        for port in [origin_port, *ports]:
            wait_for(port)
        viewers(ports, count)
        time.sleep(3)
        before, begin = [cpu(program) for program in programs], time.monotonic()
        frames = [state(port)["viewers"]["frames"] for port in ports]
        delays = []
        while time.monotonic() < begin + arguments.seconds:
            time.sleep(0.5)
            for port in ports:
                delays.extend(viewer["delay_ms"] for viewer in state(port)["viewing"] if viewer["delay_ms"] is not None)
        passed = time.monotonic() - begin
        used = [(cpu(program) - was) / passed * 100 for program, was in zip(programs, before)]
        fps = [
            (state(port)["viewers"]["frames"] - was) / passed / max(1, count) for port, was in zip(ports, frames)
        ]
        delays.sort()
        print(f"| {gateways} | {count} | {sum(fps) / max(1, len(fps)):.1f} "
              f"| {delays[len(delays) // 2] if delays else 0:.1f} ms | {delays[len(delays) * 95 // 100] if delays else 0:.1f} ms "
              f"| {used[1]:.0f} % | {used[0]:.0f} % | {sum(used[2:]) / max(1, len(used) - 2):.0f} % "
              f"| {max((memory(other) for other in others), default=0):.0f} MB |", flush=True)  # fmt: skip
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", default="target/release")
    parser.add_argument("--gateways", type=int, nargs="+", default=[2], metavar="N")
    parser.add_argument("--viewers", type=int, nargs="+", default=[50], metavar="N", help="of each gateway")
    parser.add_argument("--seconds", type=float, default=10, metavar="N")
    parser.add_argument("--format", default="jpeg", choices=["jpeg", "raw"])
    arguments = parser.parse_args()
    print(f"| {' | '.join(HEADINGS)} |\n|{' ---: |' * len(HEADINGS)}", flush=True)
    for gateways in arguments.gateways:
        for count in arguments.viewers:
            measure(arguments, gateways, count)


main()
