//! A connection to a receiver, which must get on.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use segment::wire::stream::ANSWER;

use super::TICK;
use super::audience::Audience;

/// Writes to one receiver and reads what it answers.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    audience: Arc<Audience>,
}

/// Why a receiver is served no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    /// It has closed the connection, or its machine has.
    #[error("it has left")]
    Left,
    /// It did not get on.
    #[error("it has made no progress for {} s", .0.as_secs_f64())]
    Stalled(Duration),
    /// It breaks the framing.
    #[error("it has answered {0} to a frame, not 0")]
    Answer(u8),
    /// The stream has ended before it had all of it.
    #[error("it was too slow for the end of the stream")]
    Overdue,
    #[error("the connection is broken: {0}")]
    Broken(io::Error),
}

impl Connection {
    pub(super) fn new(stream: TcpStream, audience: Arc<Audience>) -> io::Result<Self> {
        // A call that waits is left from time to time, to see whether there is still time to wait.
        stream.set_write_timeout(Some(TICK))?;
        stream.set_read_timeout(Some(TICK))?;
        Ok(Self { stream, audience })
    }

    /// Writes all of `pieces`, gathered by the kernel from where they lie.
    pub(super) fn write(&mut self, pieces: [&[u8]; 3]) -> Result<(), Gone> {
        let mut slices = pieces.map(IoSlice::new);
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        let mut progress = Instant::now();
        while !left.is_empty() {
            match self.stream.write_vectored(left) {
                Ok(0) => return Err(Gone::Left),
                Ok(count) => {
                    progress = Instant::now();
                    IoSlice::advance_slices(&mut left, count);
                }
                Err(error) => self.outlast(error, progress)?,
            }
            if !left.is_empty() {
                self.be_in_time()?;
            }
        }
        Ok(())
    }

    /// Waits for the byte that answers a frame.
    pub(super) fn read_answer(&mut self) -> Result<(), Gone> {
        let written = Instant::now();
        let mut answer = [0; ANSWER.len()];
        loop {
            match self.stream.read(&mut answer) {
                Ok(0) => return Err(Gone::Left),
                Ok(_) if answer == ANSWER => return Ok(()),
                Ok(_) => return Err(Gone::Answer(answer[0])),
                Err(error) => self.outlast(error, written)?,
            }
            self.be_in_time()?;
        }
    }

    /// Whether the receiver has closed the connection. For when there is nothing to write, which would tell.
    pub(super) fn has_left(&self) -> bool {
        let look = || {
            self.stream.set_nonblocking(true)?;
            let seen = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            seen
        };
        match look() {
            Ok(count) => count == 0,
            Err(error) => !is_pause(&error),
        }
    }

    /// Nothing more will be written: the receiver reads the end of the connection after all that was.
    pub(super) fn close(self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            tracing::debug!(%error, "cannot close a connection in order");
        }
    }

    /// Whether to try again after `error`, where the last progress was at `since`.
    fn outlast(&self, error: io::Error, since: Instant) -> Result<(), Gone> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match error.kind() {
            _ if is_pause(&error) && since.elapsed() < self.audience.patience => Ok(()),
            _ if is_pause(&error) => Err(Gone::Stalled(self.audience.patience)),
            BrokenPipe | ConnectionAborted | ConnectionReset => Err(Gone::Left),
            _ => Err(Gone::Broken(error)),
        }
    }

    fn be_in_time(&self) -> Result<(), Gone> {
        if self.audience.is_overdue(Instant::now()) { Err(Gone::Overdue) } else { Ok(()) }
    }
}

/// Whether a call was only left because it would wait, or was interrupted.
fn is_pause(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => true,
        // There a call that has waited for its timeout ends so (WSAETIMEDOUT). Elsewhere the kernel has given the peer
        // up (ETIMEDOUT, tcp(7)), and what was written is lost.
        io::ErrorKind::TimedOut => cfg!(windows),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_the_kernel_has_given_up_is_not_waited_for() {
        let pauses = |kind: io::ErrorKind| is_pause(&kind.into());
        assert!(pauses(io::ErrorKind::WouldBlock) && pauses(io::ErrorKind::Interrupted));
        assert_eq!(pauses(io::ErrorKind::TimedOut), cfg!(windows));
        assert!(!pauses(io::ErrorKind::ConnectionReset));
    }
}
