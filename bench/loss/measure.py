"""One run: a network with bad links, a sender and its receivers; what came of it."""

import contextlib
import time

import clip
from contenders.base import end
from load import Failed
from network import SEND, Network
from outcome import SETTLE_S, Outcome, reception
from process import TERMINATE, Program

FPS = 30
# For the last frames to come, repaired if need be.
REST_S = 1.0


def run(contender, case, frames, folder, binaries, seed):
    """Streams so many frames that count, after those that do not."""
    in_all = round(SETTLE_S * FPS) + 1 + frames
    pictures = ("--pictures", folder)
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(1 + contender.receivers, f"{binaries}/impair"))
        network.begin(case.link, seed)
        addresses = [network.address(host) for host in range(1, network.hosts)]
        receivers = []
        for host, address in enumerate(addresses, start=1):
            watch = end("watch.py", *pictures, *contender.watched, "--", *contender.receive(address))
            program = stack.enter_context(Program(network.at(host, watch)))
            program.listens(contender.port)
            receivers.append(program)
        pace = ("--fps", FPS, "--frames", in_all)
        feed = end("feed.py", *pictures, *pace, "--", *contender.send(addresses))
        sender = stack.enter_context(Program(network.at(SEND, feed)))
        sent = sender.end_with_json()
        time.sleep(REST_S)
        packets = network.sent()
        links = network.end()
        received = [program.end_with_json(TERMINATE) for program in receivers]
    receptions = [reception(sent, each, clip.PICTURES) for each in received]
    outcome = Outcome(
        in_all,
        packets,
        receptions,
        sent["said"] or {},
        1e6 * sent["cpu_s"] / in_all,
        links,
        time.strftime("%Y-%m-%d"),
    )
    datagrams = outcome.sender.get("datagrams")
    # nft saw what our sender says that it sent, datagram by datagram.
    if datagrams and packets["all_udp"] < datagrams:
        raise Failed(f"{datagrams} datagrams sent, {packets['packets']} seen")
    return outcome
