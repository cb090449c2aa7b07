//! A way that swallows long datagrams: of each frame only the short last one gets here.

use super::tally::Source;
use segment::wire::control::ESCAPE;
use segment::wire::plain::Datagram;
use segment::wire::sequenced::{Header, Kind};
use segment::wire::tag::{EOI, SOI};
use terminal::{Check, Verdict};

/// So many last datagrams without any other are no accident.
const TELLING: u64 = 5;

/// The usual MTU, and what IPv4 and IPv6 leave of it for a datagram.
const USUAL_MTU: usize = 1500;
const USUAL_LEN: [usize; 2] = [1472, 1452];

/// Datagrams of frames that take several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    /// The last of a frame, which is the only one that may be short, and the longest of these.
    last: u64,
    longest_last: usize,
    /// The others.
    full: u64,
}

impl Pieces {
    /// Counts a datagram of a stream.
    pub(super) fn count(&mut self, datagram: &[u8]) {
        match is_last(datagram) {
            Some(true) => {
                self.last += 1;
                self.longest_last = self.longest_last.max(datagram.len());
            }
            Some(false) => self.full += 1,
            None => {}
        }
    }

    /// Whether every one that has its full length was lost.
    fn are_all_short(&self) -> bool {
        self.full == 0 && self.last >= TELLING
    }
}

/// Whether a datagram is the last of a frame that takes several. `None` where it is of none such.
fn is_last(datagram: &[u8]) -> Option<bool> {
    if datagram.first() == Some(&ESCAPE) {
        let (header, _) = Header::parse(datagram).ok()?;
        return (header.k > 1).then_some(header.kind == Kind::Data && header.countdown == 1);
    }
    let datagram = Datagram::parse(datagram).ok()?;
    if datagram.count() > 1 {
        return Some(false);
    }
    let payload = datagram.payload();
    let len = payload.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (!payload.starts_with(&SOI) && payload.get(..len)?.ends_with(&EOI)).then_some(true)
}

/// What is wrong with the way from a source, where it swallows all that is long.
pub(super) fn judge(source: &Source) -> Option<Check> {
    let pieces = source.pieces.are_all_short().then_some(source.pieces)?;
    let usual = USUAL_LEN[usize::from(source.address.is_ipv6())];
    let finding = format!(
        "of the frames of {} only the short last datagrams get here ({}, the longest of {} bytes): longer ones vanish \
         on the way",
        source.address, pieces.last, pieces.longest_last
    );
    let check = Check::new(Verdict::Wrong, "MTU", finding)
        .advice(
            "Most likely the sender's interface has a larger MTU (jumbo frames) than this machine's or a switch between \
             them.",
        )
        .remedy("Let it send datagrams that pass everywhere:", Some(format!("sender --datagram-size {usual} …")))
        .remedy(
            "Or give its interface the MTU that the others have, on its machine:",
            Some(format!("sudo ip link set eth0 mtu {USUAL_MTU}")),
        );
    Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(datagrams: &[&[u8]]) -> Pieces {
        let mut pieces = Pieces::default();
        datagrams.iter().for_each(|datagram| pieces.count(datagram));
        pieces
    }

    #[test]
    fn the_last_of_several_is_told_from_the_others_and_from_what_is_none() {
        let last: &[&[u8]] = &[b"\x01abc\xFF\xD9", b"\x01abcd\xFF\xD9\0\0"];
        assert_eq!(pieces(last), Pieces { last: 2, longest_last: 9, full: 0 });
        // A whole frame, no JPEG, a control datagram.
        let none: &[&[u8]] = &[b"\x01\xFF\xD8abc\xFF\xD9", b"\x01 datagram", &[0, 0x13, 0, 0], b"\x01", b""];
        assert_eq!(pieces(none), Pieces::default());
        assert_eq!(pieces(&[b"\x02\xFF\xD8abc"]).full, 1);
    }

    #[test]
    fn the_sequenced_wire_says_which_is_the_last() {
        let sequenced = |kind, countdown, k| {
            let header = Header { kind, stream_id: 1, number: 0, countdown, k, m: 2, frame_len: 20, captured_at: 0 };
            [&header.emit()[..], &[7; 16]].concat()
        };
        let of = |kind, countdown, k| {
            // Of a single data segment the frame's length is what counts.
            let mut datagram = sequenced(kind, countdown, k);
            if kind == Kind::Data && countdown == 1 {
                let len = if k == 1 { 24 } else { 8 };
                datagram.truncate(segment::wire::sequenced::HEADER_LEN);
                datagram.extend(vec![7; len]);
            }
            assert!(Header::parse(&datagram).is_ok(), "{datagram:?}");
            is_last(&datagram)
        };
        assert_eq!(
            [of(Kind::Data, 2, 2), of(Kind::Data, 1, 2), of(Kind::Parity, 1, 2)],
            [Some(false), Some(true), Some(false)]
        );
        assert_eq!(of(Kind::Data, 1, 1), None);
    }

    #[test]
    fn any_long_one_that_comes_is_another_matter() {
        let last = b"\x01abc\xFF\xD9";
        assert!(pieces(&[&last[..]; 5]).are_all_short() && !pieces(&[&last[..]; 4]).are_all_short());
        let one = [&[&last[..]; 50][..], &[b"\x02abc"]].concat();
        assert!(!pieces(&one).are_all_short());
    }
}
