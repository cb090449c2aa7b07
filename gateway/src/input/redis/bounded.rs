//! A connection to a Redis server that takes no more memory than a message may have.
//!
//! The library keeps a message until it is whole, however long that is. Here its bytes are looked at before they get
//! there: where a message is too long, or says that it will be, reading fails.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The longest message. One that is longer than [`MAX_MESSAGE_BYTES`](crate::redis_frame::MAX_MESSAGE_BYTES) is left out,
/// and the connection of one that is longer than this given up.
const MAX_BYTES: u64 = 128 << 20;

/// The most parts of a message. One of a channel has three; each takes more memory here than it has bytes.
const MAX_PARTS: u64 = 1024;

/// A connection whose messages are bounded.
#[derive(Debug)]
pub(super) struct Bounded {
    stream: TcpStream,
    message: Message,
    refused: Arc<OnceLock<Refused>>,
}

impl Bounded {
    /// Where a message is refused, `refused` is why: the library does not say why reading failed.
    pub(super) fn new(stream: TcpStream, refused: Arc<OnceLock<Refused>>) -> Self {
        Self { stream, message: Message::default(), refused }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        Poll::Ready(
            this.message
                .follow(&buf.filled()[before..])
                .map_err(|refused| io::Error::other(*this.refused.get_or_init(|| refused))),
        )
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the server sends a message of more than {} MiB, or of very many parts", MAX_BYTES >> 20)]
    TooLong,
    #[error("what the server says is not understood; is it a Redis server?")]
    NoMessage,
}

/// Where in a message the bytes are that come (RESP2): lines, of which those that begin with `$` say how many bytes follow,
/// and those that begin with `*` how many parts.
#[derive(Debug, Default)]
struct Message {
    bytes: u64,
    parts: u64,
    /// The line so far, as much of it as can be a number.
    line: Vec<u8>,
    /// Bytes that are still to follow a line.
    following: u64,
    /// Parts that are still to come, of each array within which we are.
    to_come: Vec<u64>,
}

/// A type, a number of 64 bits, and `\r`.
const MAX_LINE_KEPT: usize = 24;

impl Message {
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        while !bytes.is_empty() {
            if self.following == 0 {
                let end = bytes.iter().position(|&byte| byte == b'\n');
                let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
                let kept = line.len().min(MAX_LINE_KEPT.saturating_sub(self.line.len()));
                self.line.extend_from_slice(&line[..kept]);
                self.take(line.len() as u64)?;
                if end.is_some() {
                    self.end_of_line()?;
                }
                bytes = rest;
            } else {
                let taken = self.following.min(bytes.len() as u64);
                self.take(taken)?;
                self.following -= taken;
                if self.following == 0 {
                    self.end_of_part();
                }
                bytes = &bytes[taken as usize..];
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: u64) -> Result<(), Refused> {
        self.bytes += bytes;
        if self.bytes > MAX_BYTES { Err(Refused::TooLong) } else { Ok(()) }
    }

    fn end_of_line(&mut self) -> Result<(), Refused> {
        let line = std::mem::take(&mut self.line);
        let (kind, rest) = line.split_first().ok_or(Refused::NoMessage)?;
        // Below 0 there is nothing.
        let number = || {
            let text = std::str::from_utf8(rest).map_err(|_| Refused::NoMessage)?;
            text.trim_end().parse::<i64>().map_err(|_| Refused::NoMessage)
        };
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(Refused::TooLong);
        }
        match kind {
            b'+' | b'-' | b':' => self.end_of_part(),
            b'$' => match u64::try_from(number()?) {
                Ok(bytes) if bytes > MAX_BYTES - self.bytes => return Err(Refused::TooLong),
                // And the end of the line.
                Ok(bytes) => self.following = bytes + 2,
                Err(_) => self.end_of_part(),
            },
            b'*' => match u64::try_from(number()?) {
                Ok(parts @ 1..=MAX_PARTS) => self.to_come.push(parts),
                Ok(1..) => return Err(Refused::TooLong),
                Ok(0) | Err(_) => self.end_of_part(),
            },
            _ => return Err(Refused::NoMessage),
        }
        Ok(())
    }

    fn end_of_part(&mut self) {
        while let Some(parts) = self.to_come.last_mut() {
            *parts -= 1;
            if *parts > 0 {
                return;
            }
            self.to_come.pop();
        }
        (self.bytes, self.parts) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n$3\r\ncam\r\n$6\r\n*9\r\n$9\r\n";

    #[test]
    fn messages_are_told_apart_however_they_are_cut() {
        let others = b"+OK\r\n:1\r\n-ERR no\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n*2\r\n*1\r\n:1\r\n+a\r\n";
        let stream = [MESSAGE, others, MESSAGE].concat();
        // Within the first message something is always to come.
        for end in 1..MESSAGE.len() {
            let mut message = Message::default();
            message.follow(&stream[..end]).unwrap();
            assert_ne!((message.bytes, message.parts), (0, 0), "{end}");
        }
        for size in 1..stream.len() {
            let mut message = Message::default();
            for piece in stream.chunks(size) {
                message.follow(piece).unwrap();
            }
            assert_eq!((message.bytes, message.parts, message.to_come.len()), (0, 0, 0), "pieces of {size}");
        }
    }

    #[test]
    fn what_is_too_long_or_says_so_is_refused() {
        let begun = |begin: &str| Message::default().follow(begin.as_bytes());
        for begin in ["$4000000000\r\n", "*3\r\n$134217728\r\n", "*2000\r\n"] {
            assert_eq!(begun(begin), Err(Refused::TooLong), "{begin:?}");
        }
        for begin in ["$x\r\n", "%1\r\n", "\n", "HTTP/1.1 400 Bad Request\r\n", "*99999999999999999999999999\r\n"] {
            assert_eq!(begun(begin), Err(Refused::NoMessage), "{begin:?}");
        }
        let endless = |begin: &str, piece: &[u8]| {
            let mut message = Message::default();
            message.follow(begin.as_bytes()).unwrap();
            let pieces = (0..).find(|_| message.follow(piece).is_err()).unwrap();
            (pieces * piece.len()) as u64
        };
        assert!(endless("+", &[b'x'; 1 << 16]) <= MAX_BYTES);
        assert!(endless("*1000\r\n$100000000\r\n", &[b'x'; 1 << 16]) <= MAX_BYTES);
        assert!(endless("*1000\r\n", b"*1000\r\n") <= 7 * MAX_PARTS, "arrays in arrays");
        assert!(endless("*1000\r\n*1000\r\n*1000\r\n", b":1\r\n") <= 4 * MAX_PARTS, "many in few");
    }

    #[test]
    fn a_stream_of_any_length_is_taken() {
        let mut message = Message::default();
        let picture = [b"$67108864\r\n", &vec![b'x'; 64 << 20][..], b"\r\n"].concat();
        for _ in 0..5 {
            message.follow(&picture).unwrap();
        }
    }
}
