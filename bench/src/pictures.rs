//! The pictures that are sent, from files that the program `pictures` has made.

use anyhow::{Context, ensure};
use std::fs;
use std::path::Path;

/// Width of the raw pictures.
pub const WIDTH: u32 = 1920;
/// Height of the raw pictures.
pub const HEIGHT: u32 = 1080;
/// Quality that they are encoded at.
pub const QUALITY: u8 = 50;

/// The files of a folder with this extension, in order of their names.
///
/// # Errors
/// Where the folder cannot be read or holds none.
pub fn load(folder: &Path, extension: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let listing = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = listing.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    ensure!(!paths.is_empty(), "no *.{extension} in {}", folder.display());
    paths.iter().map(|path| fs::read(path).with_context(|| format!("cannot read {}", path.display()))).collect()
}
