//! Cuts a stream of JPEGs, one after another, into its frames.
//!
//! The stream may come in pieces of any size. Frames are found by walking their markers, so the thumbnail inside a
//! frame's EXIF segment does not end it. Bytes between frames (padding, multipart headers, noise) are passed over.

use std::io::{self, Read};

use bytes::Bytes;

use crate::jpeg::markers::{SOI, offset_of_ff};
use crate::jpeg::{Progress, Walked};
use crate::memory::{MOST_BEFORE, Memory, beginning};

/// The largest frame that is collected, in bytes. A longer one is dropped.
///
/// 255 datagrams, the most that the plain wire can count down, hold 16.7 million bytes: nothing above could be sent.
/// At the same time it bounds what a stream that never ends its frame can make this hold.
pub const MAX_JPEG_BYTES: usize = 16 << 20;

/// A frame goes out in the memory that it was read into if that is at most so many times as large.
const MOST_MEMORY: usize = 3;

/// Cuts a byte stream into whole JPEGs. Push what has been read, then poll until there is none.
///
/// It holds at most [`MAX_JPEG_BYTES`] beyond what was pushed since the last poll that gave `None`.
///
/// ```
/// let mut splitter = media::mjpeg::Splitter::new();
/// splitter.push(b"--boundary\r\n\r\n");
/// assert!(splitter.poll_frame().is_none());
/// assert_eq!(splitter.skipped_bytes(), 14);
/// ```
#[derive(Debug)]
pub struct Splitter {
    /// Longer than what it holds, so that there is cleared memory to read into.
    buffer: Vec<u8>,
    /// Where in the buffer a frame is best put.
    base: usize,
    /// Where in the buffer the bytes begin that are still to be handled.
    start: usize,
    /// Where they end.
    end: usize,
    memory: Memory,
    /// How far the frame that begins at `start` has been walked, or `None` between frames.
    frame: Option<Progress>,
    max_jpeg_bytes: usize,
    skipped_bytes: u64,
    broken_frames: u64,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(MAX_JPEG_BYTES)
    }

    fn with_limit(max_jpeg_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            base: 0,
            start: 0,
            end: 0,
            memory: Memory::default(),
            frame: None,
            max_jpeg_bytes,
            skipped_bytes: 0,
            broken_frames: 0,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.room_for(bytes.len()).copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Reads once, at most `len` bytes, straight to where they are looked at. Gives how many came: 0 at the end.
    ///
    /// # Errors
    /// What reading gives.
    pub fn read_from(&mut self, stream: &mut dyn Read, len: usize) -> io::Result<usize> {
        // Rather less than asked for, into what room there is, than larger memory.
        let room = self.buffer.len() - self.base - (self.end - self.start);
        let len = if room >= len / 4 { len.min(room) } else { len };
        let read = stream.read(self.room_for(len))?;
        self.end += read;
        Ok(read)
    }

    fn room_for(&mut self, len: usize) -> &mut [u8] {
        // After a poll to the end this moves less than one frame, and only once for each time that frames were taken.
        if self.start > self.base {
            self.buffer.copy_within(self.start..self.end, self.base);
            self.end -= self.start - self.base;
            self.start = self.base;
        }
        let end = self.end + len;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.end..end]
    }

    /// The next whole frame, SOI to EOI, or `None` until more is pushed.
    pub fn poll_frame(&mut self) -> Option<Bytes> {
        loop {
            let bytes = &self.buffer[self.start..self.end];
            let Some(frame) = &mut self.frame else {
                if self.skip_to_frame() {
                    continue;
                }
                return None;
            };
            match frame.walk(bytes) {
                Walked::Whole { len } if len <= self.max_jpeg_bytes => {
                    self.frame = None;
                    return Some(self.take_frame(len));
                }
                Walked::Whole { len } | Walked::Broken { at: len } => self.drop_frame(len),
                Walked::More if bytes.len() > self.max_jpeg_bytes => self.drop_frame(bytes.len()),
                Walked::More => return None,
            }
        }
    }

    /// Takes the frame at the start out, which has `len` bytes.
    fn take_frame(&mut self, len: usize) -> Bytes {
        let (frame, rest) = (self.start..self.start + len, self.start + len..self.end);
        if self.buffer.len() > MOST_MEMORY * len || rest.len() > len {
            // A copy of its own: to share the buffer would keep all of it alive, which may hold many frames.
            let mut bytes = self.memory.take(len);
            let begin = beginning(&bytes);
            bytes[begin..begin + len].copy_from_slice(&self.buffer[frame]);
            self.start += len;
            return self.memory.lend(bytes, begin..begin + len);
        }
        let mut next = self.memory.take(self.buffer.len().saturating_sub(MOST_BEFORE));
        self.base = beginning(&next);
        next[self.base..self.base + rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
        (self.start, self.end) = (self.base, self.base + rest.len());
        self.memory.lend(std::mem::replace(&mut self.buffer, next), frame)
    }

    /// Bytes passed over between frames so far.
    #[must_use]
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// Frames dropped so far because they were broken, cut short, or larger than [`MAX_JPEG_BYTES`].
    #[must_use]
    pub fn broken_frames(&self) -> u64 {
        self.broken_frames
    }

    /// Whether the stream, if it ends here, ends in the middle of a frame.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        self.frame.is_some()
    }

    /// Goes on to the next FF D8; false if there is none yet.
    fn skip_to_frame(&mut self) -> bool {
        loop {
            let bytes = &self.buffer[self.start..self.end];
            let skipped = offset_of_ff(bytes).unwrap_or(bytes.len());
            let at_marker = &bytes[skipped..];
            let (skipped, found) = match at_marker {
                [0xFF, SOI, ..] => (skipped, Some(true)),
                [] | [0xFF] => (skipped, Some(false)),
                _ => (skipped + 1, None),
            };
            self.start += skipped;
            self.skipped_bytes += skipped as u64;
            if let Some(found) = found {
                self.frame = found.then(Progress::default);
                return found;
            }
        }
    }

    fn drop_frame(&mut self, len: usize) {
        self.start += len;
        self.frame = None;
        self.broken_frames += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A small frame whose EXIF segment holds a whole thumbnail, and whose scan has stuffing and a restart marker.
    fn frame(fill: u8, scan_len: usize) -> Vec<u8> {
        let thumbnail = [0xFF, 0xD8, 0xFF, 0xC0, 0, 2, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9];
        let mut frame = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 2 + thumbnail.len() as u8];
        frame.extend(thumbnail);
        frame.extend([0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
        frame.extend(std::iter::repeat_n(fill & 0x7F, scan_len));
        frame.extend([0xFF, 0x00, 0xFF, 0xD0, fill & 0x7F, 0xFF, 0xD9]);
        frame
    }

    fn split(splitter: &mut Splitter, stream: &[u8]) -> Vec<Bytes> {
        splitter.push(stream);
        std::iter::from_fn(|| splitter.poll_frame()).collect()
    }

    #[test]
    fn a_thumbnail_does_not_end_the_frame() {
        let frame = frame(1, 10);
        assert_eq!(split(&mut Splitter::new(), &frame), [frame]);
    }

    #[test]
    fn what_lies_between_frames_is_skipped_and_counted() {
        let frame = frame(1, 10);
        let stream = [b"\xFFnoise\xFF\xFF", &frame[..], b"\r\n--b\r\n", &frame].concat();
        let mut splitter = Splitter::new();
        assert_eq!(split(&mut splitter, &stream), [frame.clone(), frame]);
        assert_eq!((splitter.skipped_bytes(), splitter.broken_frames()), (15, 0));
        assert!(!splitter.is_inside_frame());
    }

    #[test]
    fn a_frame_that_was_cut_short_costs_only_itself() {
        let (first, second) = (frame(1, 50), frame(2, 50));
        let stream = [&first[..first.len() - 20], &second].concat();
        let mut splitter = Splitter::new();
        assert_eq!(split(&mut splitter, &stream), [second]);
        assert_eq!(splitter.broken_frames(), 1);
    }

    #[test]
    fn a_frame_that_was_cut_short_in_its_headers_costs_only_itself() {
        let (first, rest) = (frame(1, 50), [frame(2, 50), frame(3, 300)]);
        let headers = first.windows(2).rposition(|pair| pair == [0xFF, 0xC0]).unwrap();
        // From within the frame header to the end of the scan header.
        for cut in headers + 1..=headers + 23 {
            let stream = [&first[..cut], &rest.concat()].concat();
            let mut splitter = Splitter::new();
            assert_eq!(split(&mut splitter, &stream), rest, "cut at {}", cut - headers);
            assert_eq!(splitter.broken_frames(), 1);
        }
    }

    #[test]
    fn a_frame_without_a_picture_is_dropped() {
        let whole = frame(1, 5);
        let mut splitter = Splitter::new();
        assert_eq!(split(&mut splitter, &[&[0xFF, 0xD8, 0xFF, 0xD9], &whole[..]].concat()), [whole]);
        assert_eq!(splitter.broken_frames(), 1);
    }

    #[test]
    fn a_frame_that_never_ends_is_dropped_at_the_limit_and_the_next_is_found() {
        let mut splitter = Splitter::with_limit(1000);
        let endless = frame(3, 5000);
        for bytes in endless[..4000].chunks(64) {
            assert!(split(&mut splitter, bytes).is_empty());
            assert!(splitter.buffer.len() <= 1064);
        }
        assert!(splitter.broken_frames() > 0);
        let next = frame(4, 900);
        assert_eq!(split(&mut splitter, &next), [next]);
    }

    #[test]
    fn the_limit_does_not_depend_on_how_the_bytes_arrive() {
        let mut splitter = Splitter::with_limit(1000);
        assert!(split(&mut splitter, &frame(3, 5000)).is_empty());
        assert_eq!(splitter.broken_frames(), 1);
    }

    #[test]
    fn the_end_of_a_stream_inside_a_frame_can_be_told() {
        let mut splitter = Splitter::new();
        assert!(split(&mut splitter, &frame(1, 10)[..30]).is_empty());
        assert!(splitter.is_inside_frame());
    }

    #[derive(Debug, Clone)]
    enum Piece {
        Frame(u8, usize),
        Junk(Vec<u8>),
        Cut(u8, usize),
    }

    fn piece() -> impl Strategy<Value = Piece> {
        prop_oneof![
            (any::<u8>(), 0usize..300).prop_map(|(fill, len)| Piece::Frame(fill, len)),
            proptest::collection::vec(prop_oneof![Just(0xFFu8), Just(0xD8), any::<u8>()], 0..40).prop_map(Piece::Junk),
            (any::<u8>(), 1usize..60).prop_map(|(fill, keep)| Piece::Cut(fill, keep)),
        ]
    }

    fn stream(pieces: &[Piece]) -> Vec<u8> {
        pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Frame(fill, len) => frame(*fill, *len),
                Piece::Junk(bytes) => bytes.clone(),
                Piece::Cut(fill, keep) => frame(*fill, 30)[..*keep].to_vec(),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn any_slicing_gives_the_same_frames(
            pieces in proptest::collection::vec(piece(), 0..12),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
        ) {
            let stream = stream(&pieces);
            let mut whole = Splitter::new();
            let expected = split(&mut whole, &stream);

            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut sliced = Splitter::new();
            let frames: Vec<Bytes> =
                cuts.windows(2).flat_map(|cut| split(&mut sliced, &stream[cut[0]..cut[1]])).collect();

            prop_assert_eq!(frames, expected);
            prop_assert_eq!(sliced.skipped_bytes(), whole.skipped_bytes());
            prop_assert_eq!(sliced.broken_frames(), whole.broken_frames());
        }

        #[test]
        fn frames_with_harmless_bytes_between_them_all_come_out(
            frames in proptest::collection::vec((any::<u8>(), 0usize..300), 1..8),
            between in proptest::collection::vec(0u8..0xFF, 0..20),
        ) {
            let frames: Vec<Vec<u8>> = frames.into_iter().map(|(fill, len)| frame(fill, len)).collect();
            let stream: Vec<u8> = frames.iter().flat_map(|frame| [&between[..], frame].concat()).collect();
            prop_assert_eq!(split(&mut Splitter::new(), &stream), frames);
        }
    }
}
