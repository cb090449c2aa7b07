//! The JPEGs, one after another, on standard output: what `ffplay -f mjpeg -` reads.

use super::{Sink, SinkError};
use crate::Frame;
use std::io::{self, Write};
use terminal::Patient;

/// Writes every frame to standard output, or to whatever stands in for it.
#[derive(Debug)]
pub struct Stdout<W = Patient<io::Stdout>> {
    output: W,
    written: u64,
}

impl Stdout {
    /// Writes to the program's own standard output.
    #[must_use]
    pub fn new() -> Self {
        Self::to(Patient::new(io::stdout()))
    }
}

impl Default for Stdout {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Write + Send> Stdout<W> {
    /// Writes to `output`.
    pub fn to(output: W) -> Self {
        Self { output, written: 0 }
    }
}

impl<W: Write + Send> Sink for Stdout<W> {
    fn name(&self) -> &'static str {
        "stdout"
    }

    fn accept(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let jpeg = frame.jpeg()?;
        self.output.write_all(&jpeg).and_then(|()| self.output.flush()).map_err(SinkError::Stdout)?;
        self.written += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, SinkError> {
        Ok(format!("{} frames on standard output", self.written))
    }
}
