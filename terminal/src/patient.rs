//! Output that may be set not to wait, and is waited for all the same.

use std::io::{self, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long it is waited before writing is tried again, whatever the system says of the output. In milliseconds.
const TRY_AGAIN_MS: u8 = 100;

/// Writes as to an output that waits for its reader, also where `O_NONBLOCK` is set and a write fails that has no room.
///
/// That flag belongs to the open file and not to the program: whoever has the same pipe open, as the node or ssh that
/// reads it or the program that ran before, may have set it for all of them.
///
/// Like any write to a pipe that is full, this takes as long as the reader does: write from a thread that may wait.
#[derive(Debug)]
pub struct Patient<W> {
    output: W,
}

impl<W: Write + AsFd> Patient<W> {
    /// Writes to `output`.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    fn retry<T>(&mut self, mut write: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match write(&mut self.output) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_for_room()?,
                written => return written,
            }
        }
    }

    fn wait_for_room(&self) -> io::Result<()> {
        let mut outputs = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut outputs, PollTimeout::from(TRY_AGAIN_MS)) {
            // The next write tells what has become of it.
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<W: Write + AsFd> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(|output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.retry(W::flush)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{LineWriter, PipeReader, PipeWriter, Read};
    use std::os::fd::BorrowedFd;
    use std::thread;
    use std::time::Duration;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    use super::*;

    /// A pipe that does not wait.
    fn pipe() -> (PipeReader, PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        (reader, writer)
    }

    /// As standard output is: each write ends with the last line that is whole.
    struct Lines(LineWriter<PipeWriter>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    impl AsFd for Lines {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.get_ref().as_fd()
        }
    }

    /// All that comes, a little at a time.
    fn read_slowly(mut reader: PipeReader) -> Vec<u8> {
        let (mut read, mut some) = (Vec::new(), [0; 40_000]);
        loop {
            thread::sleep(Duration::from_millis(1));
            match reader.read(&mut some).unwrap() {
                0 => return read,
                len => read.extend(&some[..len]),
            }
        }
    }

    #[test]
    fn a_slow_reader_gets_every_byte_of_an_output_that_does_not_wait() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|at| (at / 7) as u8).collect();
        let (reader, writer) = pipe();
        let written = bytes.clone();
        let writing = thread::spawn(move || Patient::new(writer).write_all(&written).unwrap());
        assert!(read_slowly(reader) == bytes);
        writing.join().unwrap();

        let (reader, writer) = pipe();
        let written = bytes.clone();
        let writing = thread::spawn(move || {
            let mut output = Patient::new(Lines(LineWriter::new(writer)));
            for bytes in written.chunks(999) {
                output.write_all(bytes).unwrap();
            }
            output.flush().unwrap();
        });
        assert!(read_slowly(reader) == bytes);
        writing.join().unwrap();
    }

    #[test]
    fn a_reader_that_goes_while_it_is_waited_for_is_an_error() {
        let (mut reader, writer) = pipe();
        let writing = thread::spawn(move || Patient::new(writer).write_all(&[0; 1_000_000]));
        reader.read_exact(&mut [0; 100_000]).unwrap();
        drop(reader);
        assert_eq!(writing.join().unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
