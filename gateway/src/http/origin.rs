//! Which pages may use the streams.
//!
//! Browsers show pictures of any site in any page (`<img>`), and let a page read them only with our consent (CORS).
//! They open WebSockets to anybody and leave it to the server to look at the page's origin (RFC 6455 section 10.2).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;

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

/// An entry of the list, as a browser names the same origin: in small letters, without the scheme's own port.
///
/// # Errors
/// What can be given, where this is neither an origin nor `*`.
pub(crate) fn entry(written: &str) -> Result<String, String> {
    let written = written.trim();
    // All, and what browsers say of pages that lie in a file.
    if matches!(written, "*" | "null") {
        return Ok(written.to_owned());
    }
    let wrong = || format!("{written:?} is no origin of pages; give http://host, http://host:port or *");
    let (scheme, place) = written.split_once("://").ok_or_else(wrong)?;
    let place = place.trim_end_matches('/');
    if place.is_empty() || place.contains(|c: char| c.is_whitespace() || "/\\?#@*".contains(c)) {
        return Err(wrong());
    }
    let url = Url::parse(&format!("{scheme}://{place}")).map_err(|_| wrong())?;
    let origin = url.origin();
    // Other schemes are those of programs that show pages, and of browsers' extensions.
    Ok(if origin.is_tuple() { origin.ascii_serialization() } else { format!("{scheme}://{place}") })
}

fn is_listed(origin: &HeaderValue, allowed: &[String]) -> bool {
    allowed.iter().any(|entry| entry == "*" || entry.trim_end_matches('/').as_bytes() == origin.as_bytes())
}

/// Whether the page came from here, as far as a name says so. Whoever points his own name at this address (DNS rebinding)
/// passes: to look at the name here would keep off none of them, as their pages can ask for pictures without a WebSocket,
/// and then no browser names a page; and to take requests by known names only would lock out who comes by a proxy or an
/// alias. Passwords and certificates hold for a name: these help.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host.as_bytes());
    host.is_some() && host == page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_written_as_browsers_write_it() {
        for (written, meant) in [
            ("http://lab.example", "http://lab.example"),
            (" http://lab.example/ ", "http://lab.example"),
            ("HTTPS://Lab.example:443", "https://lab.example"),
            ("http://lab.example:8000", "http://lab.example:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("app://localhost", "app://localhost"),
            ("*", "*"),
            (" null", "null"),
        ] {
            assert_eq!(entry(written).as_deref(), Ok(meant), "{written}");
        }
    }

    #[test]
    fn what_would_never_match_is_refused() {
        for written in [
            "",
            " ",
            "lab.example",
            "http://",
            "://lab.example",
            "http://lab.example/page",
            "http://a.example http://b.example",
            "http://ann@lab.example",
            "http://*.example",
            "http://lab.example:port",
        ] {
            assert!(entry(written).is_err(), "{written}");
        }
    }
}
