//! What is said of receivers that come and go.

use std::time::Instant;

use segment::handshake::Event;

use crate::crowd::Crowd;

/// Says each coming and going once.
#[derive(Debug)]
pub(crate) struct Notices {
    /// Receivers that are waited for, while they are.
    wanted: Option<usize>,
    /// How many of them have acknowledged, as said last.
    acknowledged: usize,
    /// Whether receivers are asked for acknowledgements for as long as the stream lasts.
    tagged: bool,
    crowd: Crowd,
}

impl Notices {
    pub(crate) fn new(wanted: Option<usize>, tagged: bool) -> Self {
        Self { wanted, acknowledged: 0, tagged, crowd: Crowd::default() }
    }

    /// The stream has begun: receivers are not waited for any more.
    pub(crate) fn begin(&mut self) {
        self.wanted = None;
    }

    /// Says what has happened; `acknowledged` is how many of those waited for have acknowledged.
    pub(crate) fn say(&mut self, now: Instant, event: Event, acknowledged: usize) {
        let Some(what) = self.line(event, acknowledged) else { return };
        if self.crowd.admit(now) {
            tracing::info!("{what}");
        } else {
            tracing::debug!("{what}");
        }
    }

    fn line(&mut self, event: Event, acknowledged: usize) -> Option<String> {
        let what = match event {
            Event::Joined(address) => format!("receiver {address} has joined"),
            Event::Left(address) => format!("receiver {address} has left"),
            // Without tags nothing tells receivers to go on acknowledging: their silence says nothing.
            Event::Lost(_) if !self.tagged => return None,
            Event::Lost(address) => format!("receiver {address} has not been heard for 5 s"),
            Event::Begun | Event::TimedOut => return None,
        };
        match self.wanted {
            Some(wanted) if acknowledged != self.acknowledged => {
                self.acknowledged = acknowledged;
                Some(format!("{what}: {acknowledged} of {wanted}"))
            }
            _ => Some(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn receiver() -> SocketAddr {
        ([192, 0, 2, 7], 4000).into()
    }

    #[test]
    fn while_receivers_are_waited_for_they_are_counted() {
        let mut notices = Notices::new(Some(3), true);
        let mut line = |event, acknowledged| notices.line(event, acknowledged).unwrap();
        assert_eq!(line(Event::Joined(receiver()), 1), "receiver 192.0.2.7:4000 has joined: 1 of 3");
        // Who has heard no announce.
        assert_eq!(line(Event::Joined(receiver()), 1), "receiver 192.0.2.7:4000 has joined");
        assert_eq!(line(Event::Lost(receiver()), 0), "receiver 192.0.2.7:4000 has not been heard for 5 s: 0 of 3");
        notices.begin();
        assert_eq!(notices.line(Event::Left(receiver()), 2).unwrap(), "receiver 192.0.2.7:4000 has left");
    }

    #[test]
    fn without_tags_silence_says_nothing() {
        assert_eq!(Notices::new(None, false).line(Event::Lost(receiver()), 0), None);
    }
}
