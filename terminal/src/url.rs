//! Addresses of cameras as messages tell them.

/// An address with the user's name and password taken out (RFC 3986 section 3.2.1), as it may be told. What is no address
/// of this form stays as it is.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_told() {
        for (url, told) in [
            ("rtsp://me:p@ss@cam/live?a=b@c", "rtsp://cam/live?a=b@c"),
            ("cam=http://ann:secret@cam:99999/", "cam=http://cam:99999/"),
            ("http://cam:80/a@b", "http://cam:80/a@b"),
            ("me@there", "me@there"),
        ] {
            assert_eq!(without_password(url), told);
        }
    }
}
