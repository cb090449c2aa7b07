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
}

impl Record {
    /// Begins a recording.
    ///
    /// # Errors
    /// [`RecordError`] where the file exists and is not to be overwritten, or cannot be opened.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, RecordError> {
        Ok(Self { writer: Writer::create(path, overwrite)?, path: path.to_owned() })
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
            Err(error @ RecordError::NotJpeg { .. }) => {
                tracing::warn!("{error}");
                Ok(())
            }
            result => Ok(result?),
        }
    }

    fn finish(self: Box<Self>) -> Result<String, SinkError> {
        let recorded = self.writer.finish()?;
        if recorded.frames == 0 {
            return Ok(format!("no frame came, so nothing was recorded to {}", self.path.display()));
        }
        let (duration, bytes) = (TimeSpan(recorded.duration), ByteCount(recorded.bytes));
        let index = if recorded.indexed { "" } else { ", without an index, as the disk is full" };
        Ok(format!("{} frames, {duration}, {bytes} in {}{index}", recorded.frames, self.path.display()))
    }
}
