//! `gateway credential`: a line for the file of `--access`.

use std::io::{self, IsTerminal, Read};

use terminal::{ExitStatus, Failure, stdout};

use crate::http::Access;
use crate::text_file::MAX_FILE_BYTES;

mod typed;

/// Prints a line for the file of `--access`, of a password or token that is read from standard input. At a terminal it
/// is asked for, and not shown while it is typed.
///
/// # Errors
/// [`Failure`] where there is none, or it is none that can be used.
pub fn print(user: Option<&str>) -> Result<ExitStatus, Failure> {
    let what = user.map_or_else(|| "the token".to_owned(), |user| format!("the password of {user}"));
    let told =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot read {what} from standard input: {error}"));
    let bytes = if io::stdin().is_terminal() {
        match typed::line(&what).map_err(told)? {
            Some(line) => line,
            None => return Ok(ExitStatus::Done),
        }
    } else {
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(told)?;
        bytes
    };
    let line = Access::line(user, secret(&bytes, &what)?).map_err(Failure::usage)?;
    stdout::print("the line", format!("{line}\n").as_bytes())?;
    Ok(ExitStatus::Done)
}

/// What is meant by the bytes that came: one line, whose end is no part of it.
fn secret<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, Failure> {
    let text = str::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("standard input is no text (UTF-8): give {what} on one line")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.contains('\n') {
        return Err(Failure::usage(format!("standard input has more than one line: give {what} on one")));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_text() {
        for line in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            assert_eq!(secret(line.as_bytes(), "the token").unwrap(), "s3cret");
        }
        for (wrong, words) in [(&b"a\nb\n"[..], "more than one line"), (b"\xff\n", "standard input is no text")] {
            let failure = secret(wrong, "the token").unwrap_err();
            assert!(failure.status() == ExitStatus::Usage && failure.to_string().contains(words), "{failure}");
        }
    }
}
