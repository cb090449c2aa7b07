//! `sender keygen`: a key for a sender and its receivers.

use std::path::{Path, PathBuf};

use clap::Args;
use segment::seal::Key;
use terminal::{ExitStatus, Failure, SecretFileError, secret_file, stdout};

/// Where a subcommand's own exit statuses stand.
const AFTER_HELP: &str = "\
Exit status:
  0  the key is written
  1  it cannot be
  2  the command line is wrong";

/// Make a key that sender and receivers seal their stream with
///
/// Both sides are given the same file: sender --key-file FILE, receiver --key-file FILE. Bring it to each machine by a
/// way that nobody else reads (scp), and let only its owner read it there.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
pub struct Keygen {
    /// The file to make, which must not exist yet; - is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Makes a random key and writes it as one line.
///
/// # Errors
/// [`Failure`] where it cannot be written, or something is there already.
pub fn run(keygen: &Keygen) -> Result<ExitStatus, Failure> {
    let key = Key::generate()?.to_text();
    if keygen.file == Path::new("-") {
        // Apart, so that the key is not copied.
        stdout::print("the key", key.as_bytes())?;
        stdout::print("the key", b"\n")?;
    } else {
        secret_file::create(&keygen.file, &key).map_err(SecretFileError::into_failure)?;
        tracing::info!("wrote a new key to {}; give it to both sides by --key-file", keygen.file.display());
    }
    Ok(ExitStatus::Done)
}
