"""A Python peer of this family, with the receiver of tests/peers."""

from contenders.base import Contender, end


class PythonPeer(Contender):
    key = "python"
    name = "Python peer, 64-KB datagrams"

    def send(self, addresses):
        return end("python_peer.py", "send", f"{addresses[0]}:{self.port}")

    def receive(self, address):
        return end("python_peer.py", "receive", f"{address}:{self.port}")
