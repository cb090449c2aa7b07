//! The body of an answer: axum's, or a stream of pictures that are not to be copied.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use crate::http::{Multipart, Part};

pub(super) enum Answer {
    Plain(Body),
    Multipart(Multipart),
}

pub(super) enum Piece {
    Plain(Bytes),
    Part(Part),
}

impl http_body::Body for Answer {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        match self.get_mut() {
            Self::Plain(body) => Pin::new(body).poll_frame(cx).map_ok(|frame| frame.map_data(Piece::Plain)),
            Self::Multipart(body) => Pin::new(body)
                .poll_frame(cx)
                .map_ok(|frame| frame.map_data(Piece::Part))
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Multipart(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Multipart(body) => body.size_hint(),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.remaining(),
            Self::Part(part) => part.remaining(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes.chunk(),
            Self::Part(part) => part.chunk(),
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        match self {
            Self::Plain(bytes) => bytes.chunks_vectored(slices),
            Self::Part(part) => part.chunks_vectored(slices),
        }
    }

    fn advance(&mut self, len: usize) {
        match self {
            Self::Plain(bytes) => bytes.advance(len),
            Self::Part(part) => part.advance(len),
        }
    }
}
