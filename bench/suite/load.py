"""What is asked of a competitor, and what came of it."""

from dataclasses import dataclass, field

CLASSIC, MTU = 65473, 1472
SIZES = {CLASSIC: "65 KB", MTU: "1472 B"}


@dataclass(frozen=True)
class Load:
    """Frames to send. `fps` of 0 is as fast as it goes; with `credit` the receiver then slows the sender down."""

    fps: float
    frames: int
    size: int = CLASSIC
    credit: bool = False


@dataclass
class Outcome:
    """What one run came to. CPU times are µs a frame, of the whole process; None is not told."""

    sent: int
    delivered: int
    fps: float
    sender_cpu: float | None = None
    receiver_cpu: float | None = None
    latency: dict | None = None
    extra: dict = field(default_factory=dict)

    @property
    def cpu(self):
        """Both sides: the sender for each frame sent, the receiver for each that came whole."""
        if self.sender_cpu is None or self.receiver_cpu is None:
            return None
        return self.sender_cpu + self.receiver_cpu

    @property
    def loss(self):
        return 1 - min(self.delivered, self.sent) / self.sent if self.sent else 1.0


class Failed(Exception):
    """A program under measurement ended with an error, or not at all."""
