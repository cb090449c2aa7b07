//! The file of the configuration, which is read again when it has changed.

use std::fmt::Display;
use std::path::Path;

use terminal::Failure;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{FileError, SiteConfig, read};
use crate::renewal::{Files, Renewable, Told};
use crate::text_file;

/// What the file at `path` says, and what it says later, where that is something else and can be understood.
///
/// # Errors
/// It cannot be read, or is wrong, and where.
pub(crate) fn watched(
    path: &Path,
    renewables: &mut Vec<Renewable>,
) -> Result<(Vec<SiteConfig>, UnboundedReceiver<Vec<SiteConfig>>), Failure> {
    let told = |error: &dyn Display| Failure::usage(format!("{}: {error}", path.display()));
    let files = Files::at([path]);
    let mut text = text_file::read(path).map_err(|error| told(&error))?;
    let (sites, warnings) = read(&text).map_err(|error| told(&error))?;
    warn(path, &warnings);
    let (sender, changes) = tokio::sync::mpsc::unbounded_channel();
    let path = path.to_owned();
    let take = move || {
        let told = |error: &dyn Display| format!("{}: {error}", path.display());
        let now = text_file::read(&path).map_err(|error| told(&error))?;
        // Written again as it was.
        if now == text {
            return Ok(());
        }
        let (sites, warnings) = read(&now).map_err(|error| told(&error))?;
        tracing::info!("{} has changed", path.display());
        warn(&path, &warnings);
        text = now;
        // Nobody takes it where the program is ending.
        let _ = sender.send(sites);
        Ok(())
    };
    renewables.push(files.renewed_by(Told { taken: None, kept: "all goes on as it was" }, take));
    Ok((sites, changes))
}

fn warn(path: &Path, warnings: &[FileError]) {
    for warning in warnings {
        tracing::warn!("{}: {warning}", path.display());
    }
}
