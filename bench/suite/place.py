"""Where the two ends run: on one machine's loopback, or in two network namespaces with a link between them."""

import os
import shutil
import socket
import subprocess


class Loopback:
    name = "loopback"
    address = "127.0.0.1"

    def at_sender(self, words):
        return list(words)

    at_receiver = at_sender

    def port(self, kind=socket.SOCK_DGRAM):
        """A port that is free now. Datagrams still under way to the one before do not reach it."""
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((self.address, 0))
            return probe.getsockname()[1]

    def tcp_port(self):
        return self.port(socket.SOCK_STREAM)

    def close(self):
        pass


class Veth:
    """A pair of interfaces of MTU 1500, each in a namespace of its own; offloads as the kernel sets them."""

    name = "veth"
    address = "10.99.0.2"

    def __init__(self):
        self.ends = [f"segbench{os.getpid()}{side}" for side in "ab"]
        self.next_port = 20000
        try:
            for end in self.ends:
                run(f"ip netns add {end}")
            a, b = self.ends
            run(f"ip -n {a} link add eth0 mtu 1500 type veth peer name eth0 mtu 1500 netns {b}")
            for number, end in enumerate(self.ends, start=1):
                run(f"ip -n {end} address add 10.99.0.{number}/24 dev eth0")
                run(f"ip -n {end} link set lo up")
                run(f"ip -n {end} link set eth0 up")
        except subprocess.CalledProcessError:
            self.close()
            raise

    @staticmethod
    def missing():
        """Why there cannot be one, if so."""
        if not shutil.which("ip"):
            return "the program ip (package iproute2) is not installed"
        return None if os.geteuid() == 0 else "network namespaces take root"

    def at_sender(self, words):
        return ["ip", "netns", "exec", self.ends[0], *words]

    def at_receiver(self, words):
        return ["ip", "netns", "exec", self.ends[1], *words]

    def port(self):
        self.next_port += 1
        return self.next_port

    def close(self):
        for end in self.ends:
            subprocess.run(["ip", "netns", "delete", end], stderr=subprocess.DEVNULL, check=False)


def run(line):
    subprocess.run(line.split(), check=True)
