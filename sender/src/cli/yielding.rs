//! What gives way to the command line of what the environment says.

use terminal::arguments::{Variables, Yielding};

use super::Cli;
use crate::{Fec, Wire};

/// The variables that do so, as far as the parser knows what excludes what.
pub(super) const YIELDING: Yielding<'_> = Yielding {
    guards: &["key_file"],
    excluded: &["receivers", "ack_timeout", "on_ack_timeout", "announce_text", "no_handshake"],
    lone: &[
        (
            "multicast",
            &[
                "interface",
                "ttl",
                "no_loopback",
                "receivers",
                "ack_timeout",
                "on_ack_timeout",
                "no_handshake",
                "announce_text",
            ],
        ),
        ("tcp", &["tcp_framing"]),
    ],
    needy: &[("key_file", &["cipher"])],
};

/// The speed at which a recording is played where none is asked for.
const OWN_SPEED: f64 = 1.0;

/// How far a group reaches where it is not asked for: to the next router.
const OWN_TTL: u8 = 1;

impl Cli {
    /// The same where these options are the environment's: what excludes an option of the command line by its value gives
    /// way to it. What seals the stream never does.
    pub(super) fn heeding(mut self, variables: Variables) -> Self {
        let yields = |option, other| variables.yields(option, other);
        if self.sealing.key_file.key_file.is_some() {
            if self.wire == Wire::Plain && yields("wire", "key_file") {
                self.wire = Wire::default();
            }
            if yields("announce_text", "key_file") {
                self.multicast.announce_text = None;
            }
            let is_sent_elsewhere = !self.remotes.is_empty() || self.multicast.multicast.is_some();
            if is_sent_elsewhere && yields("tcp", "key_file") {
                self.tcp.tcp.clear();
            }
        }
        if self.wire == Wire::Plain && self.fec != Fec::Auto {
            if yields("wire", "fec") {
                self.wire = Wire::default();
            } else if yields("fec", "wire") {
                self.fec = Fec::default();
            }
        }
        if self.multicast.announce_text.is_some() {
            if self.wire == Wire::Sequenced && yields("wire", "announce_text") {
                self.wire = Wire::default();
            }
            if self.fec != Fec::Auto && yields("fec", "announce_text") {
                self.fec = Fec::default();
            }
            let is_excluded = self.wire == Wire::Sequenced && yields("announce_text", "wire")
                || self.fec != Fec::Auto && yields("announce_text", "fec");
            if is_excluded {
                self.multicast.announce_text = None;
            }
        }
        if self.multicast.ttl == 0 && self.multicast.no_loopback {
            if yields("ttl", "no_loopback") {
                self.multicast.ttl = OWN_TTL;
            } else if yields("no_loopback", "ttl") {
                self.multicast.no_loopback = false;
            }
        }
        if self.no_realtime && self.speed != OWN_SPEED {
            if yields("no_realtime", "speed") {
                self.no_realtime = false;
            } else if yields("speed", "no_realtime") {
                self.speed = OWN_SPEED;
            }
        }
        Self { variables, ..self }
    }

    /// The speed for a source that turns out to be no recording, where the one asked for gives way to the source.
    pub(crate) fn speed_without_recording(&self) -> Option<f64> {
        self.variables.yields("speed", "source").then_some(OWN_SPEED)
    }
}
