//! What clients give to be let in.

use axum::http::{HeaderMap, header};

/// A password with its user's name, or a token, which is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Secret {
    pub(super) user: Option<String>,
    pub(super) secret: String,
}

impl Secret {
    /// What the client gives: a token as `?token=…` or in the header (RFC 6750), or a name and a password (RFC 7617).
    pub(super) fn given(headers: &HeaderMap, query: &str) -> Option<Self> {
        let in_query = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        if let Some((_, token)) = in_query {
            return Some(Self { user: None, secret: token.into_owned() });
        }
        let (scheme, given) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self { user: None, secret: given.trim().to_owned() });
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, given.trim()).ok()?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self { user: Some(user.to_owned()), secret: password.to_owned() })
    }
}

#[cfg(test)]
impl Secret {
    pub(super) fn of(user: Option<&str>, secret: &str) -> Self {
        Self { user: user.map(str::to_owned), secret: secret.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_where_clients_put_them() {
        let headers = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(Secret::given(&HeaderMap::new(), "a=b&token=x%20y"), Some(Secret::of(None, "x y")));
        assert_eq!(Secret::given(&headers("Bearer abc"), ""), Some(Secret::of(None, "abc")));
        assert_eq!(Secret::given(&headers("Basic YW5uOnA6cQ=="), ""), Some(Secret::of(Some("ann"), "p:q")));
        assert_eq!(Secret::given(&headers("Basic !"), ""), None);
        assert_eq!(Secret::given(&headers("Digest x"), ""), None);
    }
}
