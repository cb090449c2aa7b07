//! Who is let in: those who know a password or a token, of which a file holds the hashes.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::Problem;

/// The longest password or token that is looked at.
const MAX_SECRET_BYTES: usize = 1024;

/// How many that were found right are remembered: checking a hash takes 19 MiB and tens of milliseconds, on purpose.
const MAX_REMEMBERED: usize = 1024;

/// What is known of those who may look. Each line of the file is `NAME HASH`, or `token HASH`, where the hash is one of
/// Argon2 in its text form (PHC); empty lines and such as begin with `#` are left out.
pub struct Access {
    entries: Vec<Entry>,
    /// What was found right: a user's name and password, or a token. In memory only.
    known: Mutex<HashSet<Secret>>,
    /// One at a time, so that guesses cost the guesser time and this machine one core at most.
    checking: Semaphore,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Secret {
    user: Option<String>,
    secret: String,
}

struct Entry {
    user: Option<String>,
    hash: String,
}

/// A line that is none of a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no credential ({reason}); `gateway credential` makes such lines")]
pub struct AccessError {
    line: usize,
    reason: String,
}

/// What stands in place of a user's name where it is a token.
const TOKEN: &str = "token";

impl Access {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`AccessError`] for the first line that is no credential, and for a file without any.
    pub fn read(text: &str) -> Result<Self, AccessError> {
        let mut entries = Vec::new();
        let lines = text.lines().map(str::trim).enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let wrong = |reason: &dyn fmt::Display| AccessError { line: number + 1, reason: reason.to_string() };
            let (name, hash) = line.split_once(char::is_whitespace).ok_or_else(|| wrong(&"there is no hash"))?;
            let hash = hash.trim().to_owned();
            PasswordHash::new(&hash).map_err(|error| wrong(&error))?;
            entries.push(Entry { user: (name != TOKEN).then(|| name.to_owned()), hash });
        }
        if entries.is_empty() {
            return Err(AccessError { line: 1, reason: "the file names nobody".to_owned() });
        }
        Ok(Self { entries, known: Mutex::default(), checking: Semaphore::new(1) })
    }

    /// A line for the file.
    ///
    /// # Errors
    /// What is wrong with the name or the secret.
    pub fn line(user: Option<&str>, secret: &str) -> Result<String, String> {
        let is_name = |name: &str| !name.is_empty() && name != TOKEN && !name.contains([':', ' ', '\t', '#', '\n']);
        if user.is_some_and(|user| !is_name(user)) {
            return Err("a user's name has no spaces and no : or #, and is not \"token\"".to_owned());
        }
        if secret.is_empty() || secret.len() > MAX_SECRET_BYTES {
            return Err(format!("a password or token has 1 to {MAX_SECRET_BYTES} bytes"));
        }
        let hash: PasswordHash =
            Argon2::default().hash_password(secret.as_bytes()).map_err(|error| error.to_string())?;
        Ok(format!("{} {hash}", user.unwrap_or(TOKEN)))
    }

    /// Whether `secret` is one that is let in.
    async fn lets_in(self: &Arc<Self>, secret: Secret) -> bool {
        if secret.secret.len() > MAX_SECRET_BYTES {
            return false;
        }
        if self.is_known(&secret) {
            return true;
        }
        let Ok(_turn) = self.checking.acquire().await else { return false };
        if self.is_known(&secret) {
            return true;
        }
        let access = Arc::clone(self);
        let checked = tokio::task::spawn_blocking(move || {
            let mut of_user = access.entries.iter().filter(|entry| entry.user == secret.user);
            let is_right = of_user
                .any(|entry| Argon2::default().verify_password(secret.secret.as_bytes(), entry.hash.as_str()).is_ok());
            if is_right {
                let mut known = access.known.lock().unwrap_or_else(PoisonError::into_inner);
                if known.len() < MAX_REMEMBERED {
                    known.insert(secret);
                }
            }
            is_right
        });
        checked.await.unwrap_or(false)
    }

    fn is_known(&self, secret: &Secret) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(secret)
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Lets a request through, or asks for a password.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Whoever restarts what is not well knows no password, and learns nothing there. Nor does anybody from the parts of
    // the page, which are the same everywhere; it asks for them without the token that is in its own address.
    if path == "/healthz" || path.starts_with("/ui/") {
        return next.run(request).await;
    }
    let secret = secret_of(request.headers(), request.uri().query().unwrap_or_default());
    let is_right = match secret {
        Some(secret) => access.lets_in(secret).await,
        None => false,
    };
    if is_right {
        return next.run(request).await;
    }
    let mut response =
        Problem::new(StatusCode::UNAUTHORIZED, "a user's name and password, or a token, is needed").into_response();
    let basic = HeaderValue::from_static("Basic realm=\"gateway\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    response
}

/// What the client gives: a token as `?token=…` or in the header (RFC 6750), or a name and a password (RFC 7617).
fn secret_of(headers: &HeaderMap, query: &str) -> Option<Secret> {
    let in_query = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    if let Some((_, token)) = in_query {
        return Some(Secret { user: None, secret: token.into_owned() });
    }
    let (scheme, given) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Secret { user: None, secret: given.trim().to_owned() });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, given.trim()).ok()?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Secret { user: Some(user.to_owned()), secret: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(user: Option<&str>, secret: &str) -> Secret {
        Secret { user: user.map(str::to_owned), secret: secret.to_owned() }
    }

    #[tokio::test]
    async fn those_are_let_in_whom_the_file_names() {
        let file =
            [Access::line(Some("ann"), "pass word").unwrap(), Access::line(None, "t0k").unwrap()].join("\n# x\n\n");
        assert!(!file.contains("pass word"));
        let access = Arc::new(Access::read(&file).unwrap());
        for _ in 0..2 {
            assert!(access.lets_in(secret(Some("ann"), "pass word")).await);
            assert!(access.lets_in(secret(None, "t0k")).await);
            assert!(!access.lets_in(secret(Some("ann"), "t0k")).await);
            assert!(!access.lets_in(secret(Some("bob"), "pass word")).await);
            assert!(!access.lets_in(secret(None, &"x".repeat(MAX_SECRET_BYTES + 1))).await);
        }
    }

    #[test]
    fn a_file_that_names_nobody_or_in_no_known_way_is_refused() {
        for (file, line) in [("", 1), ("# nobody", 1), ("ann", 1), ("\nann secret", 2)] {
            assert_eq!(Access::read(file).unwrap_err().line, line, "{file}");
        }
    }

    #[test]
    fn secrets_are_found_where_clients_put_them() {
        let headers = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(secret_of(&HeaderMap::new(), "a=b&token=x%20y"), Some(secret(None, "x y")));
        assert_eq!(secret_of(&headers("Bearer abc"), ""), Some(secret(None, "abc")));
        assert_eq!(secret_of(&headers("Basic YW5uOnA6cQ=="), ""), Some(secret(Some("ann"), "p:q")));
        assert_eq!(secret_of(&headers("Basic !"), ""), None);
        assert_eq!(secret_of(&headers("Digest x"), ""), None);
    }
}
