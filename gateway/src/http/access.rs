//! Who is let in: those who know a password or a token, of which a file holds the hashes.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Peer, Problem};

mod grant;
mod queue;
mod secret;
mod wrong;

pub(crate) use grant::Grant;
use grant::Grantor;
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
    /// Whether a secret is the one of a hash.
    verify: Box<Verify>,
    checks: Mutex<Checks>,
}

type Verify = dyn Fn(&str, &str) -> bool + Send + Sync;

/// What has been checked, by what, and what is to be.
struct Checks {
    entries: Arc<[Entry]>,
    /// What was found right, no more than the file has lines. In memory only.
    right: HashMap<Secret, Right>,
    wrong: Wrong,
    queue: Queue,
    /// Whether a task goes through the queue.
    is_running: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    user: Option<String>,
    hash: String,
}

/// Why a secret is right, and those who were let in with it.
struct Right {
    entry: Entry,
    grantor: Grantor,
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
        let verify = |secret: &str, hash: &str| Argon2::default().verify_password(secret.as_bytes(), hash).is_ok();
        Ok(Self::new(entries(text)?, verify))
    }

    fn new(entries: Vec<Entry>, verify: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self { verify: Box::new(verify), checks: Mutex::new(Checks::of(entries)) }
    }

    /// Goes by this text from now on. Those whose line is no longer there are let in no more, and what they look at
    /// ends; whoever has the same line goes on. What was wrong so far may be right now.
    ///
    /// # Errors
    /// As [`read`](Self::read); all is then as it was.
    pub fn replace(&self, text: &str) -> Result<(), AccessError> {
        self.go_by(entries(text)?);
        Ok(())
    }

    fn go_by(&self, entries: Vec<Entry>) {
        let mut checks = self.checks();
        checks.right.retain(|_, right| entries.contains(&right.entry));
        checks.wrong = Wrong::default();
        checks.entries = entries.into();
    }

    /// A line for the file.
    ///
    /// # Errors
    /// What is wrong with the name or the secret.
    pub fn line(user: Option<&str>, secret: &str) -> Result<String, String> {
        // The file is split into lines, and each at the first space of any kind.
        let divides = |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, ':' | '#');
        let is_name = |name: &str| !name.is_empty() && name != TOKEN && !name.contains(divides);
        if user.is_some_and(|user| !is_name(user)) {
            return Err("a user's name has no spaces of any kind and no : or #, and is not \"token\"".to_owned());
        }
        if secret.is_empty() || secret.len() > MAX_SECRET_BYTES {
            return Err(format!("a password or token has 1 to {MAX_SECRET_BYTES} bytes"));
        }
        let hash: PasswordHash =
            Argon2::default().hash_password(secret.as_bytes()).map_err(|error| error.to_string())?;
        Ok(format!("{} {hash}", user.unwrap_or(TOKEN)))
    }

    /// What lets `secret` in, if anything does. What was checked already does not wait.
    async fn lets_in(self: &Arc<Self>, secret: &Secret, peer: IpAddr) -> Result<Option<Grant>, Busy> {
        if secret.secret.len() > MAX_SECRET_BYTES {
            return Ok(None);
        }
        let mut verdict = {
            let mut checks = self.checks();
            if let Some(grant) = checks.grant(secret) {
                return Ok(Some(grant));
            }
            if checks.wrong.contains(secret, Instant::now()) {
                return Ok(None);
            }
            let verdict = checks.queue.join(secret, peer).ok_or(Busy)?;
            if !std::mem::replace(&mut checks.is_running, true) {
                tokio::spawn(Arc::clone(self).check_all());
            }
            verdict
        };
        let is_right = verdict.wait_for(Option::is_some).await.map_err(|_| Busy)?.ok_or(Busy)?;
        // The file may have changed in between.
        Ok(if is_right { self.checks().grant(secret) } else { None })
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
            let verifying = tokio::task::spawn_blocking(move || access.check(&secret));
            let is_right = verifying.await.ok();
            self.checks().queue.tell(is_right);
        }
    }

    /// Whether `secret` is right, which takes its time, and is remembered.
    fn check(&self, secret: &Secret) -> bool {
        loop {
            let entries = Arc::clone(&self.checks().entries);
            let is_it = |entry: &&Entry| (self.verify)(&secret.secret, &entry.hash);
            let entry = entries_for(secret, &entries).find(is_it);
            // Whom the file does not name is refused after as long as it names: who guesses is not to find names by that.
            if let Some(other) = stand_in(secret, &entries) {
                is_it(&other);
            }
            let mut checks = self.checks();
            // Otherwise the file has changed meanwhile, and says something else.
            if Arc::ptr_eq(&entries, &checks.entries) {
                checks.found(secret, entry, Instant::now());
                return entry.is_some();
            }
        }
    }

    /// Nobody panics while holding it.
    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checks {
    fn of(entries: Vec<Entry>) -> Self {
        let (right, wrong, queue) = Default::default();
        Self { entries: entries.into(), right, wrong, queue, is_running: false }
    }

    /// What lets `secret` in, if it was found right.
    fn grant(&self, secret: &Secret) -> Option<Grant> {
        self.right.get(secret).map(|right| right.grantor.grant())
    }

    /// `secret` is the one of `entry`, or of none.
    fn found(&mut self, secret: &Secret, entry: Option<&Entry>, now: Instant) {
        match entry {
            Some(entry) => {
                let right = || Right { entry: entry.clone(), grantor: Grantor::new() };
                self.right.entry(secret.clone()).or_insert_with(right);
            }
            None => self.wrong.insert(secret, now),
        }
    }
}

/// The entries that the text of a file has, at least one.
fn entries(text: &str) -> Result<Vec<Entry>, AccessError> {
    let mut entries = Vec::new();
    let lines = text.lines().map(str::trim).enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let wrong = |reason: &dyn fmt::Display| AccessError { line: number + 1, reason: reason.to_string() };
        let (name, hash) = line.split_once(char::is_whitespace).ok_or_else(|| wrong(&"there is no hash"))?;
        let hash = hash.trim().to_owned();
        check_hash(&hash).map_err(|reason| wrong(&reason))?;
        entries.push(Entry { user: (name != TOKEN).then(|| name.to_owned()), hash });
    }
    if entries.is_empty() {
        return Err(AccessError { line: 1, reason: "the file names nobody".to_owned() });
    }
    Ok(entries)
}

/// Whether any secret can have this hash: one that is cut off has none, and would lock somebody out.
fn check_hash(hash: &str) -> Result<(), String> {
    let hash = PasswordHash::new(hash).map_err(|error| error.to_string())?;
    if !matches!(hash.algorithm.as_str(), "argon2d" | "argon2i" | "argon2id") {
        return Err(format!("{} is not Argon2; make the line by `gateway credential`", hash.algorithm));
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("the hash is cut off".to_owned());
    }
    Params::try_from(&hash).map(drop).map_err(|error| error.to_string())
}

/// The entries that `secret` may be the one of.
fn entries_for<'a>(secret: &Secret, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(|entry| entry.user == secret.user)
}

/// An entry that is checked where `secret` can be that of none, whatever comes of it: one that takes as long.
fn stand_in<'a>(secret: &Secret, entries: &'a [Entry]) -> Option<&'a Entry> {
    let is_named = entries_for(secret, entries).next().is_some();
    entries.iter().find(|entry| entry.user.is_some()).or(entries.first()).filter(|_| !is_named)
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("entries", &self.checks().entries.len()).finish_non_exhaustive()
    }
}

/// Lets a request through, or asks for a password.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // Whoever restarts what is not well knows no password, and learns nothing there. Nor does anybody from the parts of
    // the page, which are the same everywhere; it asks for them without the token that is in its own address.
    if path == "/healthz" || path.starts_with("/ui/") {
        return next.run(request).await;
    }
    let secret = Secret::given(request.headers(), request.uri().query().unwrap_or_default());
    let granted = match &secret {
        Some(secret) => access.lets_in(secret, peer.0.ip()).await,
        None => Ok(None),
    };
    match granted {
        Ok(Some(grant)) => {
            request.extensions_mut().insert(grant);
            next.run(request).await
        }
        Ok(None) => refused(secret.is_some_and(|secret| secret.user.is_none())),
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
