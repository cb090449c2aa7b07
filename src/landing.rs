//! Datagrams received straight into the frame that they are of.
//!
//! A datagram that goes on with the frame under way lands with its payload right where that belongs, and is not copied
//! again. That it will be this one is a guess, as nobody knows before what comes next; whatever else comes is set aside
//! and goes the way of [`Reassembler::push`]. The same for what is opened first, if it is opened into there.

use crate::Reassembler;
use crate::room::{LANDING_LEN, Room};
use crate::source::{Outside, Source};
use crate::wire::control::ESCAPE;
use crate::wire::plain::{self, Datagram};
use crate::wire::sequenced;
use std::mem;
use std::net::SocketAddr;
use std::time::Instant;

/// Where the next datagrams land.
#[derive(Debug, Default)]
pub(crate) struct Landing {
    place: Place,
    /// Whose datagrams came last.
    last: Option<SocketAddr>,
    aside: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Nobody was told where.
    #[default]
    Nowhere,
    /// In memory of its own.
    Aside,
    /// In the room of this source, where they cover the end of the frame under way.
    Room(SocketAddr),
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy)]
enum Head {
    Plain(u8),
    Sequenced(sequenced::Header),
}

impl Head {
    /// That of a segment; `None` where it is none that can be read.
    fn parse(datagram: &[u8]) -> Option<Self> {
        match datagram {
            [ESCAPE, _, ..] => sequenced::Header::parse(datagram).map(|(header, _)| Self::Sequenced(header)).ok(),
            _ => Datagram::parse(datagram).map(|datagram| Self::Plain(datagram.count())).ok(),
        }
    }
}

/// Datagrams that have landed: one, or several of one length but for the last, joined by the kernel (UDP_GRO in
/// udp(7)).
#[derive(Debug, Clone, Copy)]
pub struct Landed {
    /// Who sent them.
    pub source: SocketAddr,
    /// Bytes in all.
    pub len: usize,
    /// Bytes of each but the last.
    pub datagram_len: usize,
}

impl Reassembler {
    /// Memory into which the next datagrams are best received: 65,535 bytes, in which anything may stand. What lands is
    /// to be said by [`push_landed`](Self::push_landed) before anything else is asked of the reassembler: otherwise it
    /// is gone.
    pub fn landing(&mut self) -> &mut [u8] {
        self.take_landing_back();
        let expected = self.shown.or(self.landing.last);
        let expected = self.sources.iter_mut().find(|source| Some(source.address) == expected);
        if let Some(source) = expected
            && let address = source.address
            && let Some(room) = source.landing_room()
        {
            self.landing.place = Place::Room(address);
            return room.landing();
        }
        self.landing.place = Place::Aside;
        self.landing.aside.resize(LANDING_LEN, 0);
        &mut self.landing.aside
    }

    /// Takes what was received into [`landing`](Self::landing) at `now`, as [`push`](Self::push) would take each
    /// datagram. `is_segment` is shown each one first, and says whether it is to be taken; others are not even counted.
    pub fn push_landed(&mut self, now: Instant, landed: Landed, mut is_segment: impl FnMut(&[u8]) -> bool) {
        let now = self.advance(now);
        let mut aside = mem::take(&mut self.landing.aside);
        let (len, datagram_len) = (landed.len.min(LANDING_LEN), landed.datagram_len.max(1));
        let mut rest = match mem::take(&mut self.landing.place) {
            Place::Nowhere => return,
            Place::Aside => Rest { len, is_asked: false },
            Place::Room(address) => {
                let Some(at) = self.sources.iter().position(|source| source.address == address) else { return };
                aside.resize(LANDING_LEN, 0);
                let landed = Landed { len, datagram_len, ..landed };
                self.adopt(now, at, landed, &mut aside, &mut is_segment)
            }
        };
        self.landing.last = Some(landed.source);
        let mut left = aside.get(..rest.len).unwrap_or_default();
        let is_empty = len == 0;
        while !left.is_empty() || is_empty {
            let (datagram, others) = left.split_at(datagram_len.min(left.len()));
            left = others;
            if mem::take(&mut rest.is_asked) || is_segment(datagram) {
                // An error is counted, and that is all.
                if let Err(error) = self.push(now, landed.source, datagram) {
                    tracing::debug!(source = %landed.source, %error, "dropped a datagram");
                }
            }
            if is_empty {
                break;
            }
        }
        self.landing.aside = aside;
    }

    /// Takes what has landed in the room of the source number `at`, as far as it is what was expected there, and sets
    /// the rest aside.
    fn adopt(
        &mut self,
        now: Instant,
        at: usize,
        landed: Landed,
        aside: &mut [u8],
        is_segment: &mut impl FnMut(&[u8]) -> bool,
    ) -> Rest {
        let Some(source) = self.sources.get_mut(at) else { return Rest::default() };
        let len_at = |done: usize| landed.datagram_len.min(landed.len - done);
        let (mut done, mut is_asked) = (0, false);
        // The first header covers the end of the frame: what has it is looked at before that is put back.
        let mut look = |source: &mut Source, done: usize| {
            let datagram = source.landed_room().map(|room| room.landed(done, len_at(done))).unwrap_or_default();
            (Head::parse(datagram), is_segment(datagram))
        };
        let is_expected = source.address == landed.source && landed.len > 0;
        let mut next = if is_expected { Some(look(source, 0)) } else { None };
        let header = source.landed_room().map(Room::uncover).unwrap_or_default();
        while let Some((head, is_wanted)) = next {
            let len = len_at(done);
            if is_wanted {
                let outside = Outside {
                    latency: self.latency,
                    restorer: &mut self.restorer,
                    asking: self.asking.as_mut(),
                    frames: &mut self.frames,
                };
                let is_adopted = head.is_some_and(|head| match head {
                    Head::Plain(count) => source.adopt(now, count, done + plain::HEADER_LEN, len - plain::HEADER_LEN),
                    Head::Sequenced(header) => {
                        let (at, len) = (done + sequenced::HEADER_LEN, len - sequenced::HEADER_LEN);
                        source.adopt_sequenced(now, outside, &header, at, len)
                    }
                });
                if !is_adopted {
                    is_asked = true;
                    break;
                }
                source.stats.datagrams += 1;
                source.stats.bytes += len as u64;
            }
            done += len;
            next = if done < landed.len && !source.is_whole() { Some(look(source, done)) } else { None };
        }
        let left = source.landed_room().map(|room| room.landed(done, landed.len - done)).unwrap_or_default();
        let rest = Rest { len: left.len(), is_asked };
        aside[..rest.len].copy_from_slice(left);
        if done == 0 {
            let header = &header[..header.len().min(rest.len)];
            aside[..header.len()].copy_from_slice(header);
        }
        let outside = Outside {
            latency: self.latency,
            restorer: &mut self.restorer,
            asking: self.asking.as_mut(),
            frames: &mut self.frames,
        };
        source.finish(now, outside);
        self.keep_within_bounds(now, at);
        rest
    }

    /// Nothing has landed, or nobody will say: the end of the frame is put back.
    pub(crate) fn take_landing_back(&mut self) {
        let Place::Room(address) = mem::take(&mut self.landing.place) else { return };
        if let Some(source) = self.sources.iter_mut().find(|source| source.address == address)
            && let Some(room) = source.landed_room()
        {
            room.uncover();
        }
    }
}

/// What is left of what has landed, now aside.
#[derive(Debug, Default)]
struct Rest {
    len: usize,
    /// Whether the first of it has been found to be a segment.
    is_asked: bool,
}
