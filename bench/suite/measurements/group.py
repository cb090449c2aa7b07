"""One sender, a group of twenty receivers on this machine, for a minute."""

import contextlib
import time

from competitors.programs import last_line
from load import CLASSIC, Outcome
from measurements.base import Measurement
from place import Loopback
from process import LAST_FRAME_S, TERMINATE, Program, sampled
from results import Key

RECEIVERS, RATE, SECONDS = 20, 30, 60
# Never leaves this machine.
GROUP, INTERFACE = "239.255.77.1", "lo"
SETTLE_S = 2


class GroupOf20(Measurement):
    name = "group"
    in_each_round = False
    in_quick = False

    def cells(self):
        yield Key("group", "loopback", f"programs, {RECEIVERS} receivers", CLASSIC, str(RATE)), self.run

    def run(self):
        where = f"{GROUP}:{Loopback().port()}"
        listen = [
            self.setting.program("receiver"),
            "--multicast",
            where,
            "--interface",
            INTERFACE,
            "--display",
            "never",
            "--stats",
            "json",
            "--receive-buffer",
            self.setting.receive_buffer,
        ]
        send = [
            self.setting.program("sender"),
            "--source",
            self.setting.pictures["jpg"],
            "--loop",
            "--fps",
            RATE,
            "--multicast",
            where,
            "--interface",
            INTERFACE,
            "--receivers",
            RECEIVERS,
            "--stats",
            "json",
            "--frames",
            RATE * SECONDS,
        ]
        with contextlib.ExitStack() as stack:
            receivers = [stack.enter_context(Program(listen)) for _ in range(RECEIVERS)]
            sender = stack.enter_context(Program(send))
            sampled([], SETTLE_S)
            seconds = SECONDS / 2
            costs, took = sampled([sender, *receivers], seconds)
            sent = last_line(sender.end())
            time.sleep(LAST_FRAME_S)
            received = [last_line(each.end(TERMINATE)) for each in receivers]
        frames = RATE * took
        delivered = sorted(each["frames"] for each in received)
        return Outcome(
            sent["frames"],
            delivered[0],
            sent["fps"],
            costs[0] / frames / 1000,
            sum(costs[1:]) / frames / 1000 / RECEIVERS,
            extra={"delivered": delivered, "datagrams": sent["datagrams"], "send_errors": sent["send_errors"]},
        )
