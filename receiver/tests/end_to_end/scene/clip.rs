//! Pictures to send, made by ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// JPEGs in a folder, no two alike. The folder goes with this value, and so does what tests put beside them.
pub(crate) struct Clip {
    folder: TempDir,
    jpegs: Vec<Vec<u8>>,
}

impl Clip {
    /// So many pictures of a moving test pattern, 1280x720.
    pub(crate) fn of(count: usize) -> Self {
        Self::drawn("testsrc2=size=1280x720", count)
    }

    /// So many pictures of what this filter of ffmpeg draws.
    pub(crate) fn drawn(filter: &str, count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-f", "lavfi", "-i", filter, "-frames:v", &count.to_string(), "-q:v", "5"]);
        let made = command.arg(pictures.join("%06d.jpg")).output();
        let made = made.unwrap_or_else(|error| panic!("ffmpeg does not run: {error}; script/bootstrap installs it"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let jpegs = super::program::snapshots(&pictures);
        assert_eq!(jpegs.len(), count);
        Self { folder, jpegs }
    }

    /// The folder that holds the pictures and nothing else.
    pub(crate) fn folder(&self) -> PathBuf {
        self.path("pictures")
    }

    /// A place beside the pictures.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as an argument.
    pub(crate) fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn jpegs(&self) -> &[Vec<u8>] {
        &self.jpegs
    }

    /// Bytes of all pictures.
    pub(crate) fn bytes(&self) -> usize {
        self.jpegs.iter().map(Vec::len).sum()
    }

    /// Which pictures these bytes are, one after another. Fails where there is anything else among them.
    #[track_caller]
    pub(crate) fn which(&self, bytes: &[u8]) -> Vec<usize> {
        let (found, rest) = self.split(bytes);
        assert_eq!(rest, 0, "after {found:?} come {rest} bytes that are no picture sent");
        found
    }

    /// Which pictures are at the start of these bytes, one after another, and how many bytes follow.
    pub(crate) fn split(&self, mut bytes: &[u8]) -> (Vec<usize>, usize) {
        let mut found = Vec::new();
        while let Some(n) = self.jpegs.iter().position(|jpeg| bytes.starts_with(jpeg)) {
            found.push(n);
            bytes = &bytes[self.jpegs[n].len()..];
        }
        (found, bytes.len())
    }

    /// Which pictures the snapshots in a folder are.
    #[track_caller]
    pub(crate) fn snapshots(&self, folder: &Path) -> Vec<usize> {
        self.which(&super::program::snapshots(folder).concat())
    }
}
