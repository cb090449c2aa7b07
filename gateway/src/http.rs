//! What browsers and other clients ask for.
//!
//! [`router`] says which path is answered by what. Handlers take `State<Arc<Site>>`, find their stream by its id
//! ([`find`]), let the viewer in ([`Site::admit`]) and look ([`Stream::watch`]). Those that open a WebSocket ask
//! [`origin::check`] first. To add an output: a file in `http/` (or beside it, where it is more than a handler) with
//! its handlers, and a line for each path in [`router`].

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::OwnedSemaphorePermit;

use crate::site::Site;
use crate::stream::Stream;

pub mod access;
mod actions;
mod figures;
mod mjpeg;
mod mpeg1;
mod multipart;
pub mod origin;
mod page;
mod path;
mod problem;
mod query;
mod snapshot;
mod socket;

pub(crate) use access::Grant;
pub use access::{Access, AccessError};
pub(crate) use multipart::{Carried, Multipart, Part};
pub(crate) use path::segment;
pub use problem::Problem;
pub use query::PictureQuery;

/// Who is at the other end of the connection; in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A connection's place among those that there may be; in the extensions of every request. Held by whoever goes on with
/// the connection after the answer.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

/// Everything that a site answers, to those whom `access` lets in.
pub fn router(site: Arc<Site>, access: Option<Arc<Access>>) -> Router {
    let router = Router::new()
        .route("/", get(actions::root))
        .route("/video", get(mjpeg::default))
        .route("/video/", get(mjpeg::default))
        .route("/video/{id}", get(mjpeg::by_id))
        .route("/stream", get(mjpeg::default))
        .route("/stream/{id}", get(mjpeg::by_id))
        .route("/snapshot", get(snapshot::default))
        .route("/snapshot/", get(snapshot::default))
        .route("/snapshot/{id}", get(snapshot::by_id))
        .route("/jpeg", get(socket::default))
        .route("/jpeg/", get(socket::default))
        .route("/jpeg/{id}", get(socket::by_id))
        .route("/ws", get(mpeg1::default))
        .route("/ws/", get(mpeg1::default))
        .route("/ws/{id}", get(mpeg1::by_id))
        .route("/ui", get(page::index))
        .route("/ui/", get(page::to_index))
        .route("/ui/{file}", get(page::file))
        .route("/state", get(figures::state))
        .route("/metrics", get(figures::metrics))
        .route("/healthz", get(figures::healthz))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&site), share))
        .with_state(site);
    match access {
        Some(access) => router.layer(from_fn_with_state(access, access::check)),
        None => router,
    }
}

/// The stream called `id`; with an empty id the first.
///
/// # Errors
/// [`Problem`] 404.
pub fn find<'a>(site: &'a Site, id: &str) -> Result<&'a Arc<Stream>, Problem> {
    site.stream(id).ok_or_else(no_such_stream)
}

/// The answer where nothing is called so.
fn no_such_stream() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no stream of this name here; / has a page with all streams")
}

/// Lets pages of other sites read what is answered, where that was asked for.
async fn share(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let allowed = origin::allowed(&site, request.headers());
    let mut response = next.run(request).await;
    if let Some(origin) = allowed {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

async fn unknown() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; / has a page with all streams").into_response()
}
