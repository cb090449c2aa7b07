//! What a recording says of itself before its first frame.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ebml::{for_each, unsigned};
use super::error::ReadError;
use super::id;

/// What a tick is where the file does not say, in nanoseconds (RFC 9559, section 5.1.2.9).
const DEFAULT_TICK_NS: u64 = 1_000_000;

/// From 1970 to 2001, in which Matroska's dates begin (RFC 8794, section 7.6).
const EPOCH: Duration = Duration::from_secs(978_307_200);

/// What a codec is called takes no more bytes than this in a message.
const LONGEST_NAME: usize = 40;

/// How time is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Info {
    pub(super) tick_ns: u64,
    pub(super) began: Option<SystemTime>,
}

impl Default for Info {
    fn default() -> Self {
        Self { tick_ns: DEFAULT_TICK_NS, began: None }
    }
}

impl Info {
    /// Out of the body of the element Info, which begins at `offset`.
    pub(super) fn read(body: &[u8], offset: u64) -> Result<Self, ReadError> {
        let mut info = Self::default();
        for_each(body, offset, |id, body, offset| {
            match id {
                id::TIMESTAMP_SCALE => info.tick_ns = number(body, offset)?,
                id::DATE_UTC => info.began = date(number(body, offset)?.cast_signed()),
                _ => {}
            }
            Ok(())
        })?;
        match info.tick_ns {
            0 => Err(ReadError::Damaged { offset, what: "its ticks last no time" }),
            _ => Ok(info),
        }
    }
}

/// The track that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) number: u64,
    /// Width and height in pixels.
    pub(super) size: Option<(u32, u32)>,
}

/// One entry of the list of tracks.
#[derive(Debug, Default)]
struct Entry {
    number: u64,
    kind: u64,
    codec: Vec<u8>,
    encoded: bool,
    width: Option<u32>,
    height: Option<u32>,
}

impl Track {
    /// The first video track out of the body of the element Tracks, which begins at `offset`.
    pub(super) fn read(body: &[u8], offset: u64) -> Result<Self, ReadError> {
        const VIDEO: u64 = 1;
        let mut video = None;
        for_each(body, offset, |id, body, offset| {
            if id == id::TRACK_ENTRY && video.is_none() {
                video = Some(Entry::read(body, offset)?).filter(|entry| entry.kind == VIDEO);
            }
            Ok(())
        })?;
        match video {
            None => Err(ReadError::NoVideo),
            Some(Entry { codec, .. }) if codec != b"V_MJPEG" => {
                let name = codec.get(..LONGEST_NAME).unwrap_or(&codec);
                Err(ReadError::NotMotionJpeg { codec: name.escape_ascii().to_string() })
            }
            Some(Entry { encoded: true, .. }) => Err(ReadError::Encoded),
            Some(Entry { number, width, height, .. }) => Ok(Self { number, size: width.zip(height) }),
        }
    }
}

impl Entry {
    fn read(body: &[u8], offset: u64) -> Result<Self, ReadError> {
        let mut entry = Self::default();
        for_each(body, offset, |id, body, offset| {
            match id {
                id::TRACK_NUMBER => entry.number = number(body, offset)?,
                id::TRACK_TYPE => entry.kind = number(body, offset)?,
                // Strings may be filled up with zeros.
                id::CODEC_ID => entry.codec = body.iter().copied().take_while(|&byte| byte != 0).collect(),
                id::CONTENT_ENCODINGS => entry.encoded = true,
                id::VIDEO => entry.read_video(body, offset)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(entry)
    }

    fn read_video(&mut self, body: &[u8], offset: u64) -> Result<(), ReadError> {
        for_each(body, offset, |id, body, offset| {
            let pixels = || Ok(u32::try_from(number(body, offset)?).ok().filter(|&pixels| pixels > 0));
            match id {
                id::PIXEL_WIDTH => self.width = pixels()?,
                id::PIXEL_HEIGHT => self.height = pixels()?,
                _ => {}
            }
            Ok(())
        })
    }
}

fn number(body: &[u8], offset: u64) -> Result<u64, ReadError> {
    if body.len() > 8 {
        return Err(ReadError::Damaged { offset, what: "a number has more than 8 bytes" });
    }
    Ok(unsigned(body))
}

/// A date in nanoseconds from the beginning of 2001.
fn date(since: i64) -> Option<SystemTime> {
    let epoch = UNIX_EPOCH + EPOCH;
    let distance = Duration::from_nanos(since.unsigned_abs());
    if since < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
}
