//! `/`, and what mjpg-streamer and ustreamer are asked there: `/?action=stream`, `/?action=snapshot`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::{Grant, Peer, PictureQuery, Problem, mjpeg, page, snapshot};
use crate::site::Site;
use axum::Extension;

pub(super) async fn root(
    site: State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    grant: Grant,
    RawQuery(query): RawQuery,
    asked: PictureQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    match query.split('&').find_map(|pair| pair.strip_prefix("action=")) {
        Some("stream") => mjpeg::stream(&site, "", peer, grant, asked),
        Some("snapshot") => snapshot::snapshot(&site, "", asked).await,
        Some(_) => Err(Problem::bad_request("action is stream or snapshot")),
        None => Ok(page::index().await),
    }
}
