//! `gateway credential`: a line for the file of `--access`.

use std::io::{Read, Write};

use terminal::{ExitStatus, Failure};

use crate::http::Access;
use crate::text_file::MAX_FILE_BYTES;

/// Prints a line for the file of `--access`, of a password or token that is read from standard input.
///
/// # Errors
/// [`Failure`] where there is none, or it is none that can be used.
pub fn print(user: Option<&str>) -> Result<ExitStatus, Failure> {
    let mut secret = String::new();
    std::io::stdin().lock().take(MAX_FILE_BYTES).read_to_string(&mut secret)?;
    let line = Access::line(user, secret.trim_end_matches(['\r', '\n'])).map_err(Failure::usage)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(ExitStatus::Done)
}
