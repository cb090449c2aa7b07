//! What a client is told that does not get what it asked for.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A status, and a line that says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Problem {
    status: StatusCode,
    reason: String,
}

impl Problem {
    /// `reason` is for people; it names nothing that the client does not know.
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    /// 400: what was asked for cannot be meant.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// 503: not now.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        (self.status, headers, format!("{}\n", self.reason)).into_response()
    }
}
