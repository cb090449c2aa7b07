//! Why a camera over HTTP is not shown, and what people are told of what it says.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

use super::certificate;

/// Characters of what a camera says of itself that people are told.
pub(super) const MAX_QUOTED: usize = 100;

/// What the system said: those who have passed it on add nothing that people could use.
fn innermost(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

/// Why a request came to nothing.
fn unreached(error: &reqwest::Error) -> String {
    match certificate::refusal(error) {
        Some(reason) => format!("its certificate is not accepted: {reason}"),
        None => format!("it was not reached: {}", innermost(error)),
    }
}

/// What a camera says, for people, who may be anybody that looks: its beginning, with what is not printable
/// written out.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for letter in text.chars().take(MAX_QUOTED + 1) {
        match letter {
            '"' | '\'' | '\\' => quoted.push(letter),
            _ => quoted.extend(letter.escape_debug()),
        }
    }
    match quoted.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}…", &quoted[..at]),
        None => quoted,
    }
}

/// A way to ask for a password that is of no use, in what `http_auth` says of it: it quotes the camera.
pub(super) fn challenge(reason: impl fmt::Display) -> HttpError {
    HttpError::Challenge(quoted(&reason.to_string()))
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("{}", unreached(.0))]
    Request(reqwest::Error),
    #[error("it broke off: {}", innermost(.0))]
    BrokenOff(reqwest::Error),
    #[error("it leads to \"{0}\", which is no address")]
    Nowhere(String),
    #[error("it leads from one address to the next, and never to a picture")]
    Redirects,
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("it wants a user's name and password; give them with -user and -pass, or in the address")]
    PasswordWanted,
    #[error(
        "it leads to {0}, which wants a user's name and password; they are given to no other host or port than that of the \
         address: give that one as the address"
    )]
    PasswordElsewhere(String),
    #[error("it does not accept the user's name or the password")]
    PasswordWrong,
    #[error("it wants a password in a way that is not understood, or that was ruled out: {0}")]
    Challenge(String),
    #[error("it sends \"{0}\", which is no motion JPEG and no picture")]
    Content(String),
    #[error("nothing came for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it ended")]
    Ended,
}
