//! Which pages may use the streams.
//!
//! Browsers show pictures of any site in any page (`<img>`), and let a page read them only with our consent (CORS).
//! They open WebSockets to anybody and leave it to the server to look at the page's origin (RFC 6455 section 10.2).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Problem;
use crate::site::Site;

/// Whether the page that opens a WebSocket may. Programs that are no browsers name no page, and may; so may all where
/// nothing was said.
///
/// # Errors
/// [`Problem`] 403.
pub fn check(site: &Site, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let allowed = &site.settings().allowed_origins;
    if allowed.is_empty() || is_own(origin, headers) || is_listed(origin, allowed) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "pages of this origin may not look; --allowed-origins says which may"))
}

/// What to answer in Access-Control-Allow-Origin, if the page's origin is one that may read.
pub(super) fn allowed(site: &Site, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    is_listed(origin, &site.settings().allowed_origins).then(|| origin.clone())
}

fn is_listed(origin: &HeaderValue, allowed: &[String]) -> bool {
    allowed.iter().any(|entry| entry == "*" || entry.trim_end_matches('/').as_bytes() == origin.as_bytes())
}

/// Whether the page came from here.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host.as_bytes());
    host.is_some() && host == page
}
