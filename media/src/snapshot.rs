//! A JPEG into a file, byte for byte.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A snapshot could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct SnapshotError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Writes `jpeg` to the first of `snapshot-001.jpg`, `snapshot-002.jpg`, … in `folder` that does not exist yet.
///
/// # Errors
/// [`SnapshotError`].
pub fn save_next(folder: &Path, jpeg: &[u8]) -> Result<PathBuf, SnapshotError> {
    let mut number = 1_u32;
    loop {
        let path = folder.join(format!("snapshot-{number:03}.jpg"));
        match write_whole(&path, jpeg, false) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = number.saturating_add(1),
            Err(source) => return Err(SnapshotError { path, source }),
        }
    }
}

/// Writes `jpeg` to `path`. A file that could not be written whole is taken away again: no half picture is left behind.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] where the file exists and is not to be overwritten.
pub fn write_whole(path: &Path, jpeg: &[u8], overwrite: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path)?;
    file.write_all(jpeg).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_take_the_next_free_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(save_next(folder.path(), b"a").unwrap().ends_with("snapshot-001.jpg"));
        assert!(save_next(folder.path(), b"b").unwrap().ends_with("snapshot-002.jpg"));
        assert_eq!(fs::read(folder.path().join("snapshot-001.jpg")).unwrap(), b"a");
        let error = save_next(&folder.path().join("missing"), b"c").unwrap_err();
        assert!(error.to_string().contains("missing/snapshot-001.jpg"), "{error}");
    }

    #[test]
    fn a_file_that_exists_is_replaced_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.jpg");
        write_whole(&path, b"a longer one", false).unwrap();
        assert_eq!(write_whole(&path, b"b", false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        write_whole(&path, b"b", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"b");
    }
}
