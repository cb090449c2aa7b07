"""Programs that do not say what a frame costs them: their CPU time is read from outside while they stream.

What they cost between two moments of a steady stream, divided by the frames that are due between them: no start, no
end, no first frame.
"""

from competitors.base import Competitor
from process import sampled

# Time for both programs to be past their first second, whose frames the sender keeps: until then it takes fresh memory for
# each, as it does never again.
SETTLE_S = 1.5
# So much longer than the sample the stream lasts.
REST_S = 0.3


def steady_costs(sender, receiver, load):
    """µs a frame of sender and receiver, over a stream that runs at its rate."""
    _, settled = sampled([], SETTLE_S)
    (sending, receiving), seconds = sampled([sender, receiver], load.frames / load.fps)
    frames = load.fps * seconds
    return sending / frames / 1000, receiving / frames / 1000


class Sampled(Competitor):
    def frames_in_all(self, load):
        """Frames to stream so that the sample lies inside; starting up, before the first frame, only ends it later."""
        return load.frames + round(load.fps * (SETTLE_S + REST_S))
