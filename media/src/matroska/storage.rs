//! Where a recording goes: a file, or in tests memory that fails when it is told to.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::RecordError;

/// What a recording is written to.
pub trait Storage {
    /// Writes all of `bytes` at `offset` from the start.
    ///
    /// # Errors
    /// What the system says; some of the bytes may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts off all from `len` on.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Leaves nothing behind that it has made: no frame was ever recorded.
    ///
    /// # Errors
    /// What the system says.
    fn discard(&mut self) -> io::Result<()>;
}

/// A file that nobody else records to.
#[derive(Debug)]
pub struct RecordingFile {
    file: File,
    path: PathBuf,
    /// Made by us, so that it may be removed where no frame came.
    created: bool,
}

impl RecordingFile {
    /// Makes the file, or with `overwrite` opens the one that is there. That keeps what it holds until the first frame
    /// is recorded, so a stream that never comes does not cost an older recording.
    ///
    /// # Errors
    /// [`RecordError::Exists`], [`RecordError::NoFile`], [`RecordError::InUse`] and [`RecordError::Open`].
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, RecordError> {
        let open_error = |source| RecordError::Open { path: path.to_owned(), source };
        // Before it is opened: that waits for whoever reads a pipe. What is written is gone back to at the end.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(RecordError::NoFile { path: path.to_owned() });
        }
        // One call that looks and makes: between two, another program could make the file.
        let (file, created) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(open_error(error)),
            Err(_) if !overwrite => return Err(RecordError::Exists { path: path.to_owned() }),
            Err(_) => (OpenOptions::new().write(true).open(path).map_err(open_error)?, false),
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(RecordError::InUse { path: path.to_owned() }),
            // Not every file system has locks; one without is no reason not to record.
            Err(TryLockError::Error(error)) => tracing::debug!(path = %path.display(), %error, "no lock"),
            Ok(()) => {}
        }
        Ok(Self { file, path: path.to_owned(), created })
    }
}

impl Storage for RecordingFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn discard(&mut self) -> io::Result<()> {
        if !self.created || !self.is_at_its_path()? {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl RecordingFile {
    /// Whether the path still names this file: it may have been renamed or removed since, and another made there.
    #[cfg(unix)]
    fn is_at_its_path(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there?,
        };
        let own = self.file.metadata()?;
        Ok((there.dev(), there.ino()) == (own.dev(), own.ino()))
    }

    /// There is nothing to tell by.
    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> io::Result<bool> {
        self.path.try_exists()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for path in [folder.path(), &pipe, Path::new("/dev/null")] {
            for overwrite in [false, true] {
                let refused = RecordingFile::create(path, overwrite).unwrap_err();
                assert!(matches!(refused, RecordError::NoFile { .. }), "{refused}");
            }
        }
        let (file, link) = (folder.path().join("a.mkv"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(RecordingFile::create(&link, true).is_ok(), "it leads to a file");
    }

    #[test]
    fn a_file_that_was_never_recorded_to_goes_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let (path, renamed) = (folder.path().join("a.mkv"), folder.path().join("b.mkv"));
        let create = || RecordingFile::create(&path, false).unwrap();
        create().discard().unwrap();
        assert!(!path.exists());

        let mut first = create();
        fs::remove_file(&path).unwrap();
        let mut second = create();
        first.discard().unwrap();
        assert!(path.exists(), "the second's");

        fs::rename(&path, &renamed).unwrap();
        second.discard().unwrap();
        assert!(renamed.exists());
        // Nor what only leads to it.
        std::os::unix::fs::symlink(&renamed, &path).unwrap();
        second.discard().unwrap();
        assert!(path.is_symlink());
    }
}
