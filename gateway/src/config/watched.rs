//! The file of the configuration, which is looked at again and again.

use std::path::{Path, PathBuf};

use terminal::Failure;

use super::{FileError, SiteConfig, read};
use crate::text_file;

/// A file that says what is to be served. Whether it has changed is seen by its text, not its time: editors and
/// configuration tools replace files in ways that notifications of the system miss.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    text: String,
    has_failed: bool,
}

impl WatchedFile {
    /// What the file at `path` says, and the file, to be looked at again.
    ///
    /// # Errors
    /// It cannot be read, or is wrong, and where.
    pub(crate) fn open(path: &Path) -> Result<(Vec<SiteConfig>, Self), Failure> {
        let told = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
        let text = text_file::read(path).map_err(|error| told(&error))?;
        let (sites, warnings) = read(&text).map_err(|error| told(&error))?;
        warn(path, &warnings);
        Ok((sites, Self { path: path.to_owned(), text, has_failed: false }))
    }

    /// What the file says now, if it says something else than before and can be understood.
    pub(crate) fn changed(&mut self) -> Option<Vec<SiteConfig>> {
        let text = match text_file::read(&self.path) {
            Ok(text) => text,
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::warn!("{}: {error}; all goes on as it was", self.path.display());
                }
                return None;
            }
        };
        self.has_failed = false;
        if text == self.text {
            return None;
        }
        self.text = text;
        match read(&self.text) {
            Ok((sites, warnings)) => {
                tracing::info!("{} has changed", self.path.display());
                warn(&self.path, &warnings);
                Some(sites)
            }
            Err(error) => {
                tracing::error!("{}: {error}; all goes on as it was", self.path.display());
                None
            }
        }
    }
}

fn warn(path: &Path, warnings: &[FileError]) {
    for warning in warnings {
        tracing::warn!("{}: {warning}", path.display());
    }
}
