//! Motion JPEG over HTTP, for `<img>` in any browser and for all who read `multipart/x-mixed-replace`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Version, header};
use axum::response::{IntoResponse, Response};

use super::multipart::{CONTENT_TYPE, Multipart};
use super::{Grant, Peer, PictureQuery, Problem, find};
use crate::site::Site;
use crate::viewers::ViewerKind;

pub(super) async fn default(
    site: State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    grant: Grant,
    asked: PictureQuery,
) -> Result<Response, Problem> {
    stream(&site, "", peer, grant, asked)
}

pub(super) async fn by_id(
    site: State<Arc<Site>>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    grant: Grant,
    asked: PictureQuery,
) -> Result<Response, Problem> {
    stream(&site, &id, peer, grant, asked)
}

pub(super) fn stream(
    site: &Site,
    id: &str,
    peer: Peer,
    grant: Grant,
    asked: PictureQuery,
) -> Result<Response, Problem> {
    let stream = find(site, id)?;
    let unavailable = |error: &dyn std::error::Error| Problem::unavailable(error.to_string());
    let admission = site.admit(stream, peer.0.ip(), ViewerKind::Mjpeg).map_err(|error| unavailable(&error))?;
    let watching = stream.watch_shaped(asked.shape).map_err(|error| unavailable(&error))?;
    // The body itself goes beside axum's, which copies: see `crate::serve`.
    let mut response = Multipart::new(watching, admission, grant, asked.fps).into_extension().into_response();
    // Version 1.0 has no chunks, whose lengths would stand within the pictures of clients that look for FF D8 only, or
    // for the boundary; the stream ends with the connection.
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache, must-revalidate, private"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
