//! What came while the doctor listened.

use super::mtu::Pieces;
use segment::seal::{Direction, Key, OpenError, Opener};
use segment::wire::control::{Control, ESCAPE};
use segment::wire::plain::Datagram;
use segment::wire::sealed::{Cipher, Origin, Sealed};
use segment::wire::tag::SOI;
use segment::{Frame, Reassembler};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Sources that are told apart. Whoever can forge addresses must not make the list grow; arbitrary beyond that.
const MAX_SOURCES: usize = 16;

/// Text announcements of old senders have at most so many bytes.
const MAX_TEXT: usize = 256;

/// Counts what comes, by source.
#[derive(Debug, Default)]
pub(super) struct Tally {
    reassembler: Reassembler,
    sources: Vec<Source>,
    /// Opens what is sealed, where there is a key; and what opened last.
    opener: Option<Opener>,
    plain: Vec<u8>,
    /// Datagrams, of whatever kind.
    pub(super) datagrams: u64,
    /// Datagrams that begin a JPEG.
    pub(super) begun: u64,
    /// Datagrams of a kind that this version does not read.
    pub(super) unread: u64,
    /// Bytes of the largest frame.
    pub(super) largest: usize,
    /// Datagrams that the kernel dropped as its buffer was full.
    pub(super) kernel_drops: u32,
}

/// What came from one source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) address: SocketAddr,
    /// Bytes since the first whole frame.
    pub(super) bytes: u64,
    /// Whole frames, the first and the last of them.
    pub(super) frames: u64,
    pub(super) first: Option<Instant>,
    pub(super) last: Option<Instant>,
    /// Frames lost after the first whole one: what was under way when the listening began is no loss.
    pub(super) lost: u64,
    lost_before: u64,
    /// What it calls itself in its announces.
    pub(super) announced: Option<String>,
    /// Text announcements.
    pub(super) texts: u64,
    /// Datagrams of frames that take several.
    pub(super) pieces: Pieces,
    /// Datagrams that are sealed and stay so, for want of the key.
    pub(super) closed: u64,
    /// Datagrams that are not sealed, where there is a key.
    pub(super) clear: u64,
    /// What those were sealed with that opened.
    pub(super) opened: Option<Cipher>,
}

impl Source {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            bytes: 0,
            frames: 0,
            first: None,
            last: None,
            lost: 0,
            lost_before: 0,
            announced: None,
            texts: 0,
            pieces: Pieces::default(),
            closed: 0,
            clear: 0,
            opened: None,
        }
    }

    /// Frames a second, where there were enough to tell.
    pub(super) fn fps(&self) -> Option<f64> {
        let span = self.last?.saturating_duration_since(self.first?).as_secs_f64();
        (self.frames > 1 && span > 0.0).then(|| (self.frames - 1) as f64 / span)
    }

    /// From the first whole frame to the last.
    pub(super) fn span(&self) -> Option<Duration> {
        Some(self.last?.saturating_duration_since(self.first?))
    }
}

impl Tally {
    /// Nothing has come yet, of which only what is sealed with `key`, where there is one, is to be looked into.
    pub(super) fn new(key: Option<Key>) -> Self {
        Self { opener: key.map(|key| Opener::new(key, Direction::FromSenders)), ..Self::default() }
    }

    /// Takes a datagram that was received at `at`.
    pub(super) fn push(&mut self, at: Instant, address: SocketAddr, datagram: &[u8]) {
        self.datagrams += 1;
        let known = self.sources.iter().position(|source| source.address == address);
        if known.is_none() && self.sources.len() < MAX_SOURCES {
            self.sources.push(Source::new(address));
        }
        let source = known.unwrap_or(self.sources.len().saturating_sub(1));
        let Some(source) = self.sources.get_mut(source).filter(|source| source.address == address) else { return };
        let len = datagram.len() as u64;
        let datagram = match &mut self.opener {
            None if is_sealed(datagram) => return source.closed += 1,
            None => datagram,
            Some(opener) => match opener.open(datagram, &mut self.plain) {
                Ok(opened) => {
                    source.opened = Some(opened.cipher);
                    &self.plain[..]
                }
                Err(OpenError::DoesNotOpen) => return source.closed += 1,
                Err(OpenError::Unsealed) => return source.clear += 1,
                Err(OpenError::Unreadable(_)) => return self.unread += 1,
                // Links double some.
                Err(OpenError::Replayed) => return,
            },
        };
        if datagram.first() == Some(&ESCAPE)
            && let Ok(control) = Control::parse(datagram)
        {
            if let Control::Announce(announce) = control {
                source.announced = Some(announce.name);
            }
            return;
        }
        let is_text = datagram.len() <= MAX_TEXT && datagram.iter().all(|byte| (b' '..=b'~').contains(byte));
        if is_text && source.frames == 0 && !datagram.is_empty() {
            source.texts += 1;
            return;
        }
        source.bytes += len;
        source.pieces.count(datagram);
        match self.reassembler.push(at, address, datagram) {
            Ok(()) => {
                let begins = Datagram::parse(datagram).is_ok_and(|datagram| datagram.payload().starts_with(&SOI));
                self.begun += u64::from(begins);
            }
            Err(_) => self.unread += 1,
        }
        self.take_frames();
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.reassembler.handle_timeout(now);
        self.take_frames();
    }

    fn take_frames(&mut self) {
        while let Some(Frame { source: address, jpeg, completed, .. }) = self.reassembler.poll_frame() {
            let lost = self.reassembler.source_stats(address).map_or(0, |stats| stats.frames_lost);
            self.largest = self.largest.max(jpeg.len());
            let Some(source) = self.sources.iter_mut().find(|source| source.address == address) else { continue };
            if source.first.is_none() {
                source.first = Some(completed);
                source.lost_before = lost;
                source.bytes = 0;
            }
            source.frames += 1;
            source.last = Some(completed);
            source.lost = lost.saturating_sub(source.lost_before);
        }
    }

    /// Whether what has come is worth a judgement, once some more of it has come. What does not open may come from others
    /// than the one whose key it is.
    pub(super) fn is_telling(&self) -> bool {
        let is_closed = |source: &Source| self.opener.is_none() && source.closed > 0;
        self.sources.iter().any(|source| source.frames > 0 || source.announced.is_some() || is_closed(source))
    }

    /// Every source, whatever came from it.
    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Sources of whole frames.
    pub(super) fn streams(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.frames > 0)
    }
}

/// Whether a sender has sealed this datagram, as far as its clear bytes say.
fn is_sealed(datagram: &[u8]) -> bool {
    Sealed::parse(datagram).is_ok_and(|sealed| sealed.origin == Origin::Sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::seal::Sealer;
    use segment::wire::control::Announce;
    use segment::{Segmenter, WireFrame};

    fn source(port: u16) -> SocketAddr {
        ([192, 0, 2, 7], port).into()
    }

    fn datagrams(jpeg: &[u8]) -> Vec<Vec<u8>> {
        let frame = WireFrame::untagged(jpeg);
        Segmenter::new(6).unwrap().segment(&frame).unwrap().map(|segment| segment.to_vec()).collect()
    }

    #[test]
    fn frames_are_counted_from_the_first_whole_one_on() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        let frame = |n: u8| datagrams(&[0xFF, 0xD8, n, n, n, n, n, n, n, n, n, 0xFF, 0xD9]);
        // The end of a frame that was under way, then one each 100 ms, of which the third loses a datagram.
        tally.push(start, source(1), &frame(0)[2]);
        for number in 1..6 {
            for (at, datagram) in frame(number).iter().enumerate() {
                if (number, at) != (3, 1) {
                    tally.push(start + u32::from(number) * Duration::from_millis(100), source(1), datagram);
                }
            }
        }
        tally.handle_timeout(start + Duration::from_secs(1));
        let stream = tally.streams().next().unwrap();
        assert_eq!((stream.frames, stream.lost, tally.largest), (4, 1, 13));
        assert!((stream.fps().unwrap() - 7.5).abs() < 0.01, "{stream:?}");
        assert_eq!(stream.span(), Some(Duration::from_millis(400)));
    }

    #[test]
    fn announcements_are_no_frames() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        let announce = Announce {
            stream_id: 1,
            wants_ack: true,
            is_sequenced: false,
            sent_at: 2,
            width: 0,
            height: 0,
            centi_fps: 0,
            name: "robot".to_owned(),
        };
        tally.push(now, source(1), &Control::Announce(announce).to_vec());
        tally.push(now, source(2), b"very important data");
        assert_eq!(tally.sources()[0].announced.as_deref(), Some("robot"));
        assert_eq!((tally.sources()[1].texts, tally.datagrams, tally.streams().count()), (1, 2, 0));
    }

    #[test]
    fn what_is_sealed_is_looked_into_with_its_key_only() {
        let (key, other, now) = (Key::generate().unwrap(), Key::generate().unwrap(), Instant::now());
        let announce = Announce {
            stream_id: 7,
            wants_ack: true,
            is_sequenced: true,
            sent_at: 2,
            width: 0,
            height: 0,
            centi_fps: 0,
            name: "robot".to_owned(),
        };
        let plain = Control::Announce(announce).to_vec();
        let mut sealed = Vec::new();
        Sealer::new(&key, Cipher::ChaCha20Poly1305, 7).seal(&[&plain], &mut sealed).unwrap();
        for (given, name, counts) in
            [(Some(key), Some("robot"), (0, 1)), (Some(other), None, (1, 1)), (None, Some("robot"), (1, 0))]
        {
            let is_given = given.is_some();
            let mut tally = Tally::new(given);
            tally.push(now, source(1), &sealed);
            assert_eq!(tally.is_telling(), counts.0 == 0 || !is_given);
            tally.push(now, source(1), &plain);
            let source = &tally.sources()[0];
            assert_eq!((source.announced.as_deref(), (source.closed, source.clear)), (name, counts));
            assert_eq!(source.opened, (is_given && name.is_some()).then_some(Cipher::ChaCha20Poly1305));
            assert_eq!((tally.datagrams, tally.unread), (2, 0));
        }
    }

    #[test]
    fn forged_sources_are_bounded_and_still_counted() {
        let mut tally = Tally::default();
        for port in 1..1000 {
            tally.push(Instant::now(), source(port), &[1, 2, 3]);
        }
        assert_eq!((tally.sources().len(), tally.datagrams), (MAX_SOURCES, 999));
    }

    #[test]
    fn what_begins_a_picture_is_told_from_what_does_not() {
        let mut tally = Tally::default();
        for datagram in [&[0, 0x14, 0, 0][..], b"\x01abc", b"\x02\xFF\xD8\xFF", b"\x02\xFF\xD8\xFF", b"\x01\xFF\xD9"] {
            tally.push(Instant::now(), source(1), datagram);
        }
        assert_eq!((tally.datagrams, tally.unread, tally.begun), (5, 1, 2));
    }
}
