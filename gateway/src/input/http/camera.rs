//! Asks a camera for its pictures: wherever it leads to, and with a password where it wants one.

use std::time::Duration;

use http_auth::{PasswordClient, PasswordParams};
use reqwest::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::error::{HttpError, challenge, quoted};
use super::{Credentials, Scheme};

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// So many times a camera may lead to another address.
const MAX_REDIRECTS: usize = 10;

/// A camera at an address.
#[derive(Debug)]
pub(super) struct Camera {
    pub(super) url: Url,
    pub(super) credentials: Option<Credentials>,
    client: Option<Client>,
    /// Answers its last challenge, so that it need not ask each time.
    answers: Option<PasswordClient>,
}

impl Camera {
    /// The one at `url`, in which no password stands.
    pub(super) fn new(url: Url, credentials: Option<Credentials>) -> Self {
        Self { url, credentials, client: None, answers: None }
    }

    /// What it answers, after a password where it wants one. Its answer is to begin within `patience`.
    pub(super) async fn request(&mut self, patience: Duration) -> Result<Response, HttpError> {
        let response = self.ask(patience).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return checked(response);
        }
        let Some(credentials) = &self.credentials else { return Err(HttpError::PasswordWanted) };
        // It may have asked before, and wants a fresh answer now (RFC 7616 section 3.5, stale).
        let mut challenges = PasswordClient::builder();
        for value in response.headers().get_all(WWW_AUTHENTICATE) {
            let value = value.to_str().map_err(challenge)?;
            let parsed = http_auth::parse_challenges(value).map_err(challenge)?;
            for challenge in parsed {
                let is_basic = challenge.scheme.eq_ignore_ascii_case("basic");
                if !(is_basic && credentials.scheme == Scheme::Digest) {
                    challenges = challenges.challenge(&challenge);
                }
            }
        }
        self.answers = Some(challenges.build().map_err(challenge)?);
        let response = self.ask(patience).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                self.answers = None;
                Err(HttpError::PasswordWrong)
            }
            _ => checked(response),
        }
    }

    /// Whether a password may go there: to the camera that it was given for, and nobody whom that one names.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }

    /// Asks, and goes where it leads to. Each address is asked with an answer of its own: that of Digest holds for one.
    async fn ask(&mut self, patience: Duration) -> Result<Response, HttpError> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask_at(&url, patience).await?;
            match redirect(&response)? {
                Some(next) => url = next,
                None if response.status() == StatusCode::UNAUTHORIZED && !self.is_own(&url) => {
                    return Err(HttpError::PasswordElsewhere(quoted(&url.origin().ascii_serialization())));
                }
                None => return Ok(response),
            }
        }
        Err(HttpError::Redirects)
    }

    /// Asks once, with a password if it is known how to give it.
    async fn ask_at(&mut self, url: &Url, patience: Duration) -> Result<Response, HttpError> {
        let is_own = self.is_own(url);
        let client = match &self.client {
            Some(client) => client,
            None => {
                // Pictures are not compressed, and a proxy for pages is none for cameras.
                let builder = Client::builder().connect_timeout(CONNECT_PATIENCE).no_proxy().redirect(Policy::none());
                self.client.insert(builder.build().map_err(HttpError::Request)?)
            }
        };
        let mut request = client.get(url.clone());
        if let Some(Credentials { user, password, scheme }) = self.credentials.as_ref().filter(|_| is_own) {
            if let Some(answers) = &mut self.answers {
                let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
                let parameters = PasswordParams { username: user, password, uri: path, method: "GET", body: Some(&[]) };
                request = request.header(AUTHORIZATION, answers.respond(&parameters).map_err(challenge)?);
            } else if *scheme == Scheme::Basic {
                request = request.basic_auth(user, Some(password));
            }
        }
        let sent = tokio::time::timeout(patience, request.send()).await;
        sent.map_err(|_| HttpError::Silent(patience))?.map_err(|error| HttpError::Request(error.without_url()))
    }
}

/// Where the camera leads to instead of answering.
fn redirect(response: &Response) -> Result<Option<Url>, HttpError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let nowhere = |_| HttpError::Nowhere(quoted(&location));
    let mut url = response.url().join(&location).map_err(nowhere)?;
    // A password in it would be the camera's word, in place of the user's.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some(url))
}

fn checked(response: Response) -> Result<Response, HttpError> {
    if response.status().is_success() { Ok(response) } else { Err(HttpError::Status(response.status())) }
}
