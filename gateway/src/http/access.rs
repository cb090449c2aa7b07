//! Who is let in: those who know a password or a token, of which a file holds the hashes.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Peer, Problem};

mod queue;
mod secret;
mod wrong;

use queue::Queue;
use secret::Secret;
use wrong::Wrong;

/// The longest password or token that is looked at.
const MAX_SECRET_BYTES: usize = 1024;

/// When to come again, in seconds, who found too many waiting: by then most have had their turn.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// What is known of those who may look. Each line of the file is `NAME HASH`, or `token HASH`, where the hash is one of
/// Argon2 in its text form (PHC); empty lines and such as begin with `#` are left out.
///
/// Checking a secret takes 19 MiB and tens of milliseconds, on purpose, so each is checked once, and one at a time:
/// guesses cost the guesser time and this machine one core at most.
pub struct Access {
    entries: Vec<Entry>,
    /// Whether a secret is the one of a hash.
    verify: Box<Verify>,
    checks: Mutex<Checks>,
}

type Verify = dyn Fn(&str, &str) -> bool + Send + Sync;

/// What has been checked, and what is to be.
#[derive(Default)]
struct Checks {
    /// What was found right, no more than the file has lines. In memory only.
    right: HashSet<Secret>,
    wrong: Wrong,
    queue: Queue,
    /// Whether a task goes through the queue.
    is_running: bool,
}

struct Entry {
    user: Option<String>,
    hash: String,
}

/// More wait for a check than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords and tokens are being checked at the moment; try again in a few seconds")]
struct Busy;

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
        let verify = |secret: &str, hash: &str| Argon2::default().verify_password(secret.as_bytes(), hash).is_ok();
        Ok(Self { entries, verify: Box::new(verify), checks: Mutex::default() })
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

    /// Whether `secret` is one that is let in. What was checked already does not wait.
    async fn lets_in(self: &Arc<Self>, secret: &Secret, peer: IpAddr) -> Result<bool, Busy> {
        if secret.secret.len() > MAX_SECRET_BYTES || self.hashes_for(secret).next().is_none() {
            return Ok(false);
        }
        let mut verdict = {
            let mut checks = self.checks();
            if let Some(is_right) = checks.known(secret, Instant::now()) {
                return Ok(is_right);
            }
            let verdict = checks.queue.join(secret, peer).ok_or(Busy)?;
            if !std::mem::replace(&mut checks.is_running, true) {
                tokio::spawn(Arc::clone(self).check_all());
            }
            verdict
        };
        let found = verdict.wait_for(Option::is_some).await.map_err(|_| Busy)?;
        (*found).ok_or(Busy)
    }

    /// Checks one secret after the other until none waits.
    async fn check_all(self: Arc<Self>) {
        loop {
            let next = {
                let mut checks = self.checks();
                let next = checks.queue.next();
                checks.is_running = next.is_some();
                next
            };
            let Some(secret) = next else { return };
            let access = Arc::clone(&self);
            let verifying = tokio::task::spawn_blocking(move || {
                let is_right = access.hashes_for(&secret).any(|hash| (access.verify)(&secret.secret, hash));
                access.checks().found(secret, is_right, Instant::now());
                is_right
            });
            let is_right = verifying.await.ok();
            self.checks().queue.tell(is_right);
        }
    }

    /// The hashes that `secret` may be the one of.
    fn hashes_for(&self, secret: &Secret) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.user == secret.user).map(|entry| entry.hash.as_str())
    }

    /// Nobody panics while holding it.
    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checks {
    /// Whether `secret` is right, if that was found already.
    fn known(&self, secret: &Secret, now: Instant) -> Option<bool> {
        if self.right.contains(secret) {
            return Some(true);
        }
        self.wrong.contains(secret, now).then_some(false)
    }

    fn found(&mut self, secret: Secret, is_right: bool, now: Instant) {
        if is_right {
            self.right.insert(secret);
        } else {
            self.wrong.insert(&secret, now);
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Lets a request through, or asks for a password.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // Whoever restarts what is not well knows no password, and learns nothing there. Nor does anybody from the parts of
    // the page, which are the same everywhere; it asks for them without the token that is in its own address.
    if path == "/healthz" || path.starts_with("/ui/") {
        return next.run(request).await;
    }
    let secret = Secret::given(request.headers(), request.uri().query().unwrap_or_default());
    let is_right = match &secret {
        Some(secret) => access.lets_in(secret, peer.0.ip()).await,
        None => Ok(false),
    };
    match is_right {
        Ok(true) => next.run(request).await,
        Ok(false) => refused(secret.is_some_and(|secret| secret.user.is_none())),
        Err(busy) => {
            let mut response = Problem::unavailable(busy.to_string()).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
            response
        }
    }
}

/// Asks for a password, for which browsers open a dialog; not where it was a token that was wrong, which would win over
/// the password again.
fn refused(is_token: bool) -> Response {
    let (reason, challenge) = if is_token {
        let reason = "the token is not accepted; another one, or a user's name and password without one, is needed";
        (reason, "Bearer realm=\"gateway\", error=\"invalid_token\"")
    } else {
        ("a user's name and password, or a token, is needed", "Basic realm=\"gateway\", charset=\"UTF-8\"")
    };
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, reason).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

#[cfg(test)]
mod tests;
