"""FFmpeg RTP/JPEG (RFC 2435). It has no clock that both ends could be read by: no latency is told."""

import os
import re
import shutil
import tempfile
import time

from competitors.sampled import Sampled, steady_costs
from load import MTU, Outcome
from process import INTERRUPT, LAST_FRAME_S, Program

PACKET = 1400
SDP = "v=0\no=- 0 0 IN IP4 {address}\ns=bench\nc=IN IP4 {address}\nt=0 0\nm=video {port} RTP/AVP 26\n"
# FFmpeg's own status after SIGINT.
INTERRUPTED = 255


class FFmpeg(Sampled):
    name = "FFmpeg RTP/JPEG"
    sizes = (MTU,)
    size_on_link = None

    def missing(self):
        return None if shutil.which("ffmpeg") else "FFmpeg is not installed"

    def run(self, place, load):
        port = place.port()
        pattern = os.path.join(self.setting.pictures["jpg"], "%d.jpg")
        frames = self.frames_in_all(load)
        quiet = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
        with tempfile.NamedTemporaryFile("w", suffix=".sdp") as sdp:
            sdp.write(SDP.format(address=place.address, port=port))
            sdp.flush()
            # Frames are handed on as they come: no reordering, no analysis of more than the first.
            listen = [
                *quiet,
                "-protocol_whitelist",
                "file,udp,rtp",
                "-buffer_size",
                self.setting.receive_buffer,
                "-reorder_queue_size",
                0,
                "-max_delay",
                0,
                "-analyzeduration",
                0,
                "-probesize",
                32,
                "-i",
                sdp.name,
                "-c",
                "copy",
                "-progress",
                "pipe:1",
                "-f",
                "null",
                "-",
            ]
            send = [
                *quiet,
                "-re",
                "-f",
                "image2",
                "-loop",
                1,
                "-framerate",
                f"{load.fps:g}",
                "-i",
                pattern,
                "-c",
                "copy",
                "-frames:v",
                frames,
                "-f",
                "rtp",
                f"rtp://{place.address}:{port}?pkt_size={PACKET}",
            ]
            with Program(place.at_receiver(listen)) as receiver:
                receiver.listens(port)
                with Program(place.at_sender(send)) as sender:
                    costs = steady_costs(sender, receiver, load)
                    sender.end()
                time.sleep(LAST_FRAME_S)
                output = receiver.end(INTERRUPT, statuses=(0, INTERRUPTED))
        counts = re.findall(r"^frame=\s*(\d+)", output, re.MULTILINE)
        return Outcome(frames, min(frames, int(counts[-1])) if counts else 0, load.fps, *costs)
