//! Whole lines, to an output that may take none for a while: a disk that is full.

use std::io::{self, Write};

/// Writes lines one after another. One of which only a part was taken is gone on with before the next, so that none begins
/// in the middle of another.
#[derive(Debug)]
pub(crate) struct Lines<W> {
    output: W,
    /// What is still to be written of the last line.
    rest: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { output, rest: Vec::new() }
    }

    /// Writes a line, end included, or a part of it if there is no room for more now.
    ///
    /// # Errors
    /// What the system says; nothing of the line is written then.
    pub(crate) fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.go_on()?;
        self.rest.extend_from_slice(line);
        let written = self.go_on();
        let is_begun = self.rest.len() < line.len();
        if !is_begun {
            self.rest.clear();
        }
        if is_begun { Ok(()) } else { written }
    }

    fn go_on(&mut self) -> io::Result<()> {
        let mut done = 0;
        let written = loop {
            if done == self.rest.len() {
                break self.output.flush();
            }
            match self.output.write(&self.rest[done..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => done += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.rest.drain(..done);
        written
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk, of which a test keeps a second handle, and so many bytes that there is room for.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        pub(crate) fn has_room_for(&self, bytes: usize) {
            self.0.lock().unwrap().1 = bytes;
        }

        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.lock().unwrap();
            let len = bytes.len().min(*room);
            *room -= len;
            written.extend_from_slice(&bytes[..len]);
            if len == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(len) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_written_to_its_end_before_the_next_or_not_begun() {
        let disk = Disk::default();
        let mut lines = Lines::new(disk.clone());
        assert!(lines.put(b"none\n").is_err());
        disk.has_room_for(7);
        assert!(lines.put(b"one\n").is_ok());
        assert!(lines.put(b"begun\n").is_ok());
        assert!(lines.put(b"neither\n").is_err());
        assert_eq!(disk.text(), "one\nbeg");
        disk.has_room_for(100);
        assert!(lines.put(b"last\n").is_ok());
        assert_eq!(disk.text(), "one\nbegun\nlast\n");
    }
}
