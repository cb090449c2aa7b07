//! The body of a motion JPEG response: parts without end, the newest frame each.

use std::future::Future;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Extension;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame as BodyFrame};

use super::Grant;
use super::snapshot::timestamp;
use crate::frame::Frame;
use crate::rate::Thinning;
use crate::stream::Watching;
use crate::viewers::Admission;

/// What old clients look for, byte for byte.
pub(super) const CONTENT_TYPE: &str = "multipart/x-mixed-replace;boundary=\"!>\"";

const FIRST_BOUNDARY: &[u8] = b"--!>\r\n";

/// The boundary that opens the next part goes out with the picture: clients that show a picture only when they see the
/// next boundary (Chromium among them) would otherwise be one frame late.
const BETWEEN: &[u8] = b"\r\n--!>\r\n";

/// The body of a motion JPEG response.
pub(crate) struct Multipart {
    state: State,
    admission: Admission,
    /// Handed to the connection and, once it asks for more, with the kernel.
    under_way: Option<Arc<Frame>>,
    replaced: u64,
    is_first: bool,
}

enum State {
    Waiting(Pin<Box<dyn Future<Output = Option<Next>> + Send>>),
    Ended,
}

/// A frame, and what the next one comes from.
struct Next {
    frame: Arc<Frame>,
    watching: Watching,
    grant: Grant,
    thinning: Option<Thinning>,
}

/// A part as it goes out: pieces that lie where they are, gathered by the kernel.
#[derive(Debug)]
pub(crate) struct Part {
    /// What has been sent has been taken off its front.
    pieces: [Bytes; 4],
}

/// Where a body travels from its handler to the connection, beside axum's own body.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Mutex<Option<Multipart>>>);

impl Carried {
    pub(crate) fn take(&self) -> Option<Multipart> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Multipart {
    pub(super) fn new(watching: Watching, admission: Admission, grant: Grant, fps: Option<f64>) -> Self {
        let state = State::Waiting(Box::pin(next(watching, grant, fps.map(Thinning::to))));
        Self { state, admission, under_way: None, replaced: 0, is_first: true }
    }

    pub(super) fn into_extension(self) -> Extension<Carried> {
        Extension(Carried(Arc::new(Mutex::new(Some(self)))))
    }

    fn part(&mut self, frame: &Frame) -> Part {
        let first = if self.is_first { FIRST_BOUNDARY } else { &[] };
        self.is_first = false;
        let jpeg = frame.jpeg().cloned().unwrap_or_default();
        let head = frame.head(head).clone();
        Part { pieces: [Bytes::from_static(first), head, jpeg, Bytes::from_static(BETWEEN)] }
    }
}

fn head(frame: &Frame) -> Bytes {
    let len = frame.jpeg().map_or(0, Bytes::len);
    let head =
        format!("Content-Type: image/jpeg\r\nContent-Length: {len}\r\nX-Timestamp: {}\r\n\r\n", timestamp(frame));
    head.into()
}

async fn next(mut watching: Watching, mut grant: Grant, mut thinning: Option<Thinning>) -> Option<Next> {
    loop {
        let frame = tokio::select! {
            biased;
            () = grant.withdrawn() => return None,
            frame = watching.next() => frame?,
        };
        if thinning.as_mut().is_none_or(|thinning| thinning.keeps(Instant::now())) {
            return Some(Next { frame, watching, grant, thinning });
        }
    }
}

impl Body for Multipart {
    type Data = Part;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Part>, Self::Error>>> {
        // The connection asks for more when it has written what it had.
        if let Some(written) = self.under_way.take() {
            self.admission.delivered(&written, self.replaced);
        }
        let State::Waiting(waiting) = &mut self.state else { return Poll::Ready(None) };
        let next = ready!(waiting.as_mut().poll(cx));
        let Some(Next { frame, watching, grant, thinning }) = next else {
            self.state = State::Ended;
            return Poll::Ready(None);
        };
        let part = self.part(&frame);
        (self.under_way, self.replaced) = (Some(frame), watching.replaced());
        self.state = State::Waiting(Box::pin(self::next(watching, grant, thinning)));
        Poll::Ready(Some(Ok(BodyFrame::data(part))))
    }
}

impl Buf for Part {
    fn remaining(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.iter().find(|piece| !piece.is_empty()).map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.pieces.iter().filter(|piece| !piece.is_empty());
        pieces.zip(slices).map(|(piece, slice)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut len: usize) {
        for piece in &mut self.pieces {
            let taken = len.min(piece.len());
            piece.advance(taken);
            len -= taken;
        }
        assert_eq!(len, 0, "advanced beyond the end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_can_be_taken_in_any_pieces() {
        let pieces = || [&b"--"[..], b"head", b"", b"jpeg"].map(Bytes::from_static);
        for step in 1..=10 {
            let mut part = Part { pieces: pieces() };
            let mut taken = Vec::new();
            while part.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 4];
                let count = part.chunks_vectored(&mut slices);
                let all: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                assert_eq!(all.len(), part.remaining());
                let len = step.min(all.len());
                taken.extend_from_slice(&all[..len]);
                part.advance(len);
            }
            assert_eq!(taken, b"--headjpeg");
        }
    }
}
