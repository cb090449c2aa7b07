//! Files that users write: of configuration, of credentials.

use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read.
pub(crate) const MAX_FILE_BYTES: u64 = 4 << 20;

/// The text of a file.
///
/// # Errors
/// It cannot be read, is longer than [`MAX_FILE_BYTES`], or is no text.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let len = std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if len as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}
