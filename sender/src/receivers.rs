//! What receivers say of themselves.

pub(crate) mod gone;

use std::fmt;
use std::net::SocketAddr;

use segment::handshake::Listener;
use serde::Serialize;

/// Receivers that a line of text names, at most: it is a line.
const MAX_NAMED: usize = 3;

/// A receiver of the stream: as its last acknowledgement tells, which is about a second old at most, or, over TCP, as
/// this side knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiverFigures {
    /// Where its acknowledgements, or its connection, come from.
    pub address: SocketAddr,
    /// Frames that it has delivered.
    pub frames_delivered: u32,
    /// Frames that it knows it has lost; over TCP, those that newer ones replaced because it was too slow.
    pub frames_lost: u32,
    /// Time on the way there and back, in ms; null until known.
    pub round_trip_ms: Option<f64>,
    /// Its clock less ours, in ms; null until known.
    pub clock_offset_ms: Option<f64>,
    /// How unevenly frames arrive there, in ms (RFC 3550 section 6.4.1); null over TCP.
    pub jitter_ms: Option<f64>,
    /// What it is sent: `plain`, `sequenced`, or `tcp`.
    pub wire: &'static str,
}

impl ReceiverFigures {
    pub(crate) fn of(listener: &Listener, wire: &'static str) -> Self {
        let clock = listener.clock();
        Self {
            address: listener.address,
            frames_delivered: listener.ack.frames_delivered,
            frames_lost: listener.ack.frames_lost,
            round_trip_ms: clock.map(|clock| milliseconds(clock.round_trip.as_micros() as f64)),
            clock_offset_ms: clock.map(|clock| milliseconds(clock.offset_us as f64)),
            jitter_ms: Some(milliseconds(f64::from(listener.ack.jitter))),
            wire,
        }
    }

    /// A receiver over TCP.
    pub(crate) fn of_stream(address: SocketAddr, frames_delivered: u32, frames_lost: u32) -> Self {
        Self {
            address,
            frames_delivered,
            frames_lost,
            round_trip_ms: None,
            clock_offset_ms: None,
            jitter_ms: None,
            wire: "tcp",
        }
    }
}

fn milliseconds(microseconds: f64) -> f64 {
    microseconds / 1000.0
}

/// Who has lost frames, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Losses(Vec<(SocketAddr, u32)>);

impl Losses {
    /// All that receivers have lost.
    pub(crate) fn of(receivers: &[ReceiverFigures]) -> Self {
        Self::since(receivers, &[])
    }

    /// What receivers have lost since they were `earlier`.
    pub(crate) fn since(receivers: &[ReceiverFigures], earlier: &[ReceiverFigures]) -> Self {
        let lost = |now: &ReceiverFigures| {
            let before = earlier.iter().find(|before| before.address == now.address);
            // Counts wrap. One that has fallen back has begun anew: the receiver was restarted, or had forgotten us.
            let lost = now.frames_lost.wrapping_sub(before.map_or(0, |before| before.frames_lost));
            if lost > u32::MAX / 2 { now.frames_lost } else { lost }
        };
        Self(receivers.iter().map(|now| (now.address, lost(now))).filter(|(_, lost)| *lost > 0).collect())
    }
}

impl fmt::Display for Losses {
    /// `  192.0.2.7:4000 lost 4 frames`, for the first few.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (address, lost) in self.0.iter().take(MAX_NAMED) {
            write!(f, "  {address} lost {lost} frame{}", if *lost == 1 { "" } else { "s" })?;
        }
        match self.0.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            others => write!(f, "  {others} others lost some"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A receiver at this port that has lost so many frames.
    pub(crate) fn receiver(port: u16, frames_lost: u32) -> ReceiverFigures {
        ReceiverFigures {
            address: ([192, 0, 2, 7], port).into(),
            frames_delivered: 30,
            frames_lost,
            round_trip_ms: None,
            clock_offset_ms: None,
            jitter_ms: Some(0.5),
            wire: "plain",
        }
    }

    #[test]
    fn the_json_has_the_keys_that_are_promised() {
        let expected = concat!(
            r#"{"address":"192.0.2.7:4000","frames_delivered":30,"frames_lost":2,"round_trip_ms":null,"#,
            r#""clock_offset_ms":null,"jitter_ms":0.5,"wire":"plain"}"#
        );
        assert_eq!(serde_json::to_string(&receiver(4000, 2)).unwrap(), expected);
    }

    #[test]
    fn losses_are_those_of_the_time_and_only_some_are_named() {
        let earlier = [receiver(1, 5), receiver(2, u32::MAX)];
        let now = [receiver(1, 5), receiver(2, 1), receiver(3, 1)];
        let losses = Losses::since(&now, &earlier);
        assert_eq!(losses.to_string(), "  192.0.2.7:2 lost 2 frames  192.0.2.7:3 lost 1 frame");
        let many: Vec<_> = (1..=5).map(|port| receiver(port, 1)).collect();
        assert!(Losses::of(&many).to_string().ends_with(":3 lost 1 frame  2 others lost some"));
        assert_eq!(Losses::of(&[receiver(1, 0)]).to_string(), "");
    }

    #[test]
    fn a_receiver_that_counts_anew_has_not_lost_four_thousand_million_frames() {
        assert_eq!(Losses::since(&[receiver(1, 0)], &[receiver(1, 5)]).to_string(), "");
        assert_eq!(Losses::since(&[receiver(1, 2)], &[receiver(1, 5)]).to_string(), "  192.0.2.7:1 lost 2 frames");
    }
}
