//! That somebody was let in, until the file no longer says so.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::watch;

/// That somebody was let in. Whoever goes on with what was asked for beyond the answer holds it, and ends when it is
/// [withdrawn](Self::withdrawn).
#[derive(Debug, Clone)]
pub(crate) struct Grant(Option<watch::Receiver<()>>);

/// What grants are given by; with it they are withdrawn.
#[derive(Debug)]
pub(super) struct Grantor(watch::Sender<()>);

impl Grantor {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub(super) fn grant(&self) -> Grant {
        Grant(Some(self.0.subscribe()))
    }
}

impl Grant {
    /// Of those who are let in because everybody is.
    pub(crate) const FOR_ALL: Self = Self(None);

    /// Comes back when whoever it was given to is to be shown nothing more. Cancel safe.
    pub(crate) async fn withdrawn(&mut self) {
        match &mut self.0 {
            Some(grantor) => while grantor.changed().await.is_ok() {},
            None => std::future::pending().await,
        }
    }
}

/// As [`check`](super::check) has put it beside the request; where nobody is asked for a password, that of all.
impl<S: Sync> FromRequestParts<S> for Grant {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self::FOR_ALL))
    }
}
