//! Every frame into a Matroska file, as received.

use super::{Sink, SinkError};
use crate::Frame;
use media::matroska::{RecordError, Writer};
use std::path::{Path, PathBuf};
use terminal::units::{ByteCount, TimeSpan};

/// Records to one file: readable up to the last frame at any moment, seekable once finished.
#[derive(Debug)]
pub struct Record {
    writer: Writer,
    path: PathBuf,
    /// Frames that are no pictures.
    refused: u64,
}

impl Record {
    /// Begins a recording.
    ///
    /// # Errors
    /// [`RecordError`] where the file exists and is not to be overwritten, or cannot be opened.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, RecordError> {
        Ok(Self { writer: Writer::create(path, overwrite)?, path: path.to_owned(), refused: 0 })
    }
}

impl Sink for Record {
    fn name(&self) -> &'static str {
        "recording"
    }

    fn accept(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let captured = frame.captured_at.unwrap_or(frame.arrived_at);
        match self.writer.append_live(&frame.jpeg()?, captured) {
            // Whole frames that are no pictures cannot be recorded; those that come after can.
            Err(RecordError::NotJpeg { path, source }) => {
                self.refused += 1;
                let path = path.display();
                match self.refused {
                    1 => tracing::warn!("a frame is not recorded to {path}: {source}"),
                    // All may be so.
                    refused if refused.is_power_of_two() => {
                        tracing::warn!("{refused} frames so far are not recorded to {path}; the last: {source}");
                    }
                    _ => {}
                }
                Ok(())
            }
            result => Ok(result?),
        }
    }

    fn finish(self: Box<Self>) -> Result<String, SinkError> {
        let recorded = self.writer.finish()?;
        if recorded.frames == 0 {
            let path = self.path.display();
            return Ok(match self.refused {
                0 => format!("no frame came, so nothing was recorded to {path}"),
                1 => format!("1 frame came that is no picture; none was recorded to {path}"),
                refused => format!("{refused} frames came that are no pictures; none was recorded to {path}"),
            });
        }
        let without = match self.refused {
            0 => String::new(),
            1 => ", without 1 that is no picture".to_owned(),
            refused => format!(", without {refused} that are no pictures"),
        };
        let (duration, bytes) = (TimeSpan(recorded.duration), ByteCount(recorded.bytes));
        let index = if recorded.indexed { "" } else { ", without an index, as the disk is full" };
        Ok(format!("{} frames, {duration}, {bytes} in {}{index}{without}", recorded.frames, self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::codec::Encoder;
    use media::{Image, PixelFormat};

    fn frame(jpeg: impl Into<bytes::Bytes>) -> Frame {
        crate::frame::tests::frame(1, jpeg)
    }

    /// What comes of a recording of these frames, and whether there is a file then.
    fn outcome(frames: &[Frame]) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mkv");
        let mut record = Box::new(Record::create(&path, false).unwrap());
        frames.iter().for_each(|frame| record.accept(frame).unwrap());
        let outcome = record.finish().unwrap().replace(&path.display().to_string(), "a.mkv");
        (outcome, path.exists())
    }

    #[test]
    fn frames_that_are_no_pictures_are_told_from_none() {
        assert_eq!(outcome(&[]), ("no frame came, so nothing was recorded to a.mkv".to_owned(), false));
        let junk = vec![frame(&b"\xFF\xD8junk\xFF\xD9"[..]); 3];
        let expected = "3 frames came that are no pictures; none was recorded to a.mkv";
        assert_eq!(outcome(&junk), (expected.to_owned(), false));
        let expected = "1 frame came that is no picture; none was recorded to a.mkv";
        assert_eq!(outcome(&junk[..1]), (expected.to_owned(), false));
    }

    #[test]
    fn frames_that_are_no_pictures_are_left_out_and_counted() {
        let gray = Image::new(16, 16, PixelFormat::Gray, vec![128; 256]).unwrap();
        let picture = frame(Encoder::new().unwrap().encode(&gray, 90).unwrap());
        let junk = frame(&b"junk"[..]);
        let (said, is_there) = outcome(&[junk.clone(), picture.clone(), junk, picture]);
        assert!(said.starts_with("2 frames, ") && is_there, "{said}");
        assert!(said.ends_with(" in a.mkv, without 2 that are no pictures"), "{said}");
    }
}
