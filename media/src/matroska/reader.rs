//! Reading a recording, frame by frame.

mod ebml;
mod error;
mod head;
mod id;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use self::ebml::{Header, Input};
pub use self::error::ReadError;
use self::error::Stop;
use self::head::{Info, Track};
use super::MAX_FRAME_BYTES;

/// The most bytes that the list of tracks, or what is said of the whole, may have. A few hundred are usual.
const MAX_HEAD_BYTES: u64 = 1 << 20;

/// Bytes read from a file at once; larger frames are read past this buffer.
const READ_BYTES: usize = 64 << 10;

/// Reads the JPEGs of a recording, one after another, as [`Writer`](super::Writer) wrote them: also one that was cut
/// off anywhere, or that is still being written, up to its last whole frame.
///
/// Of other Matroska files it reads the first video track, if that is V_MJPEG. It goes through the file once, from
/// front to back, and holds one frame of at most [`MAX_FRAME_BYTES`] at a time, whatever the file claims; longer ones are
/// left out.
///
/// It looks at elements in the order in which they come, whatever they are in: a cluster ends where another begins, not
/// where it says. So a size that was not filled in, or wrong, costs nothing.
#[derive(Debug)]
pub struct Reader<R: Read = BufReader<File>> {
    input: Input<R>,
    info: Info,
    track: Track,
    /// Where the file says that the segment ends.
    segment_end: Option<u64>,
    /// Where the element begins that is being read.
    element: u64,
    /// Tick from which the blocks of the cluster count.
    cluster: Option<u64>,
    left_out: u64,
    has_ended: bool,
    cut_short: bool,
}

/// A frame out of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFrame {
    /// The bytes that were recorded. That they are a JPEG is not looked at.
    pub jpeg: Bytes,
    /// When it was captured, from the beginning of the recording; as exact as the file says, which is a
    /// [tick](super::TICK_NS) in recordings of ours. Other programs may put frames in an order other than this.
    pub at: Duration,
}

impl Reader<BufReader<File>> {
    /// Opens the recording of this name.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ReadError::Read`] also where there is no such file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Read { offset: 0, source })?;
        Self::new(BufReader::with_capacity(READ_BYTES, file))
    }
}

impl<R: Read> Reader<R> {
    /// Reads up to the first cluster.
    ///
    /// # Errors
    /// [`ReadError`], where this is not Matroska, or has no V_MJPEG, or what is said of it is damaged.
    pub fn new(stream: R) -> Result<Self, ReadError> {
        let mut input = Input::at(0, stream);
        match Head::read(&mut input) {
            Ok(Head { info, track, segment_end }) => Ok(Self {
                element: input.offset(),
                input,
                info,
                track,
                segment_end,
                cluster: None,
                left_out: 0,
                has_ended: false,
                cut_short: false,
            }),
            Err(Stop::End | Stop::Zeros) => Err(ReadError::EndsEarly { offset: input.offset() }),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Width and height in pixels, as the file says; frames may have others.
    #[must_use]
    pub fn size(&self) -> Option<(u32, u32)> {
        self.track.size
    }

    /// When the first frame was captured, as the file says.
    #[must_use]
    pub fn began(&self) -> Option<SystemTime> {
        self.info.began
    }

    /// Whether it was found to end sooner than it was to: in the middle of an element, with zeros, or before the length that it
    /// says it has. It can only be known at the end, and not always: a recording that ended, unfinished, after a whole
    /// frame shows nothing of that.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// Frames until now that were longer than [`MAX_FRAME_BYTES`], and so left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The next frame; `None` at the end, and ever after.
    ///
    /// # Errors
    /// [`ReadError`], where the file cannot be read any further; after it there is `None`.
    pub fn next_frame(&mut self) -> Result<Option<RecordedFrame>, ReadError> {
        while !self.has_ended {
            match self.element() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(Stop::End) => {
                    self.has_ended = true;
                    let end = self.input.offset();
                    self.cut_short = end != self.element || self.segment_end.is_some_and(|whole| end < whole);
                }
                // The system had made the file longer, and not yet filled it, when the power failed.
                Err(Stop::Zeros) => {
                    self.has_ended = true;
                    self.cut_short = true;
                }
                Err(Stop::Error(error)) => {
                    self.has_ended = true;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Reads an element, or goes into it; gives the frame, if it was one.
    fn element(&mut self) -> Result<Option<RecordedFrame>, Stop> {
        self.element = self.input.offset();
        if self.segment_end.is_some_and(|end| self.element >= end) {
            return Err(Stop::End);
        }
        let header = self.input.header()?;
        match header.id {
            id::CLUSTER => self.cluster = None,
            id::TIMESTAMP => self.cluster = Some(self.input.unsigned(&header)?),
            id::BLOCK_GROUP => {}
            id::SIMPLE_BLOCK | id::BLOCK => return self.block(&header),
            // Another file, appended to this one: its times are others.
            id::EBML | id::SEGMENT => {
                self.element = self.input.offset();
                return Err(Stop::End);
            }
            _ => self.input.skip(header.len()?)?,
        }
        Ok(None)
    }

    /// A block (RFC 9559, section 10.1): the number of its track, its distance from its cluster in ticks, flags, and
    /// what it is about.
    fn block(&mut self, header: &Header) -> Result<Option<RecordedFrame>, Stop> {
        let damaged = |what| ReadError::Damaged { offset: header.start, what };
        let len = header.len()?;
        let body = self.input.offset();
        let track = self.input.variable()?;
        let [high, low, flags] = self.input.array()?;
        let Some(len) = len.checked_sub(self.input.offset() - body) else {
            return Err(damaged("a block is shorter than its own head").into());
        };
        if track != self.track.number {
            self.input.skip(len)?;
            return Ok(None);
        }
        if let Some(kind) = lacing(flags) {
            return Err(ReadError::Lacing { offset: header.start, kind }.into());
        }
        if len > MAX_FRAME_BYTES as u64 {
            self.input.skip(len)?;
            self.left_out += 1;
            return Ok(None);
        }
        let Some(cluster) = self.cluster else { return Err(damaged("a block comes before its cluster's time").into()) };
        let tick = cluster.checked_add_signed(i16::from_be_bytes([high, low]).into());
        let nanoseconds = tick.and_then(|tick| tick.checked_mul(self.info.tick_ns));
        let Some(nanoseconds) = nanoseconds else { return Err(damaged("a block has an impossible time").into()) };
        let jpeg = Bytes::from(self.input.bytes(len)?);
        Ok(Some(RecordedFrame { jpeg, at: Duration::from_nanos(nanoseconds) }))
    }
}

/// What stands before the first cluster.
struct Head {
    info: Info,
    track: Track,
    segment_end: Option<u64>,
}

impl Head {
    /// Reads up to the header of the first cluster.
    fn read<R: Read>(input: &mut Input<R>) -> Result<Self, Stop> {
        match input.header() {
            Ok(header) if header.id == id::EBML => input.skip(header.len()?)?,
            Ok(_) | Err(Stop::Zeros | Stop::Error(ReadError::Damaged { .. })) => {
                return Err(ReadError::NotMatroska.into());
            }
            Err(stop) => return Err(stop),
        }
        let segment = loop {
            let header = input.header()?;
            if header.id == id::SEGMENT {
                break header;
            }
            input.skip(header.len()?)?;
        };
        let segment_end = segment.size.map(|size| input.offset().saturating_add(size));
        let (mut info, mut track) = (Info::default(), None);
        loop {
            let header = input.header()?;
            match header.id {
                id::INFO => {
                    let (at, body) =
                        (input.offset(), input.body(&header, "what is said of the whole", MAX_HEAD_BYTES)?);
                    info = Info::read(&body, at)?;
                }
                id::TRACKS => {
                    let (at, body) = (input.offset(), input.body(&header, "the list of tracks", MAX_HEAD_BYTES)?);
                    track = Some(Track::read(&body, at)?);
                }
                id::CLUSTER => {
                    let track = track.ok_or(ReadError::NoVideo)?;
                    return Ok(Self { info, track, segment_end });
                }
                _ => input.skip(header.len()?)?,
            }
        }
    }
}

/// The kind of lacing that the flags of a block say it has.
fn lacing(flags: u8) -> Option<&'static str> {
    match flags >> 1 & 0b11 {
        0b00 => None,
        0b01 => Some("Xiph"),
        0b10 => Some("fixed-size"),
        _ => Some("EBML"),
    }
}

#[cfg(test)]
mod tests;
