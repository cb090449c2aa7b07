//! JPEG files that have been read and found whole, for the next time that they are shown.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use media::memory::{MOST_BEFORE, copy};

/// Bytes of files kept: some four hundred pictures of 1080p. What does not fit is read each time.
const MAX_BYTES: usize = 64 << 20;

/// A file that was written so shortly before it was read may be written again without its times showing it: the kernel
/// takes them from a clock that ticks each 4 to 10 ms, other file systems from one that ticks each two seconds (FAT).
const MAY_CHANGE_UNSEEN: Duration = Duration::from_secs(3);

/// Files as they were read, by their place in the list of files.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: HashMap<usize, File>,
    bytes: usize,
}

#[derive(Debug)]
struct File {
    state: State,
    picture: Ready,
}

/// What is sent of a file.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) jpeg: Bytes,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
}

/// What tells that a file is another one than it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    modified: SystemTime,
    len: u64,
    identity: Identity,
}

/// Which file it is: its device and inode, and when these changed last, in whichever way. Its own time and length may
/// be those of the one before it: both may have been copied with their times, and a link may lead elsewhere.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);

#[cfg(not(unix))]
type Identity = ();

impl State {
    /// The state of an open file, where the file system tells it, and it tells enough at this moment.
    pub(super) fn settled(metadata: &Metadata) -> Option<Self> {
        let state = Self::of(metadata)?;
        let age = SystemTime::now().duration_since(state.modified).ok()?;
        (age >= MAY_CHANGE_UNSEEN).then_some(state)
    }

    /// The state of the file of this name, if there is one.
    pub(super) fn now(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().and_then(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Option<Self> {
        Some(Self { modified: metadata.modified().ok()?, len: metadata.len(), identity: identity(metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {}

impl Seen {
    /// What was made of the file number `at` before, if it is still the same.
    pub(super) fn get(&mut self, at: usize, path: &Path) -> Option<Ready> {
        let file = self.files.get(&at)?;
        if State::now(path) == Some(file.state) {
            return Some(file.picture.clone());
        }
        self.bytes -= file.picture.jpeg.len() + MOST_BEFORE;
        self.files.remove(&at);
        None
    }

    /// Keeps what was made of the file number `at`, which is not there, as far as there is place.
    pub(super) fn keep(&mut self, at: usize, state: State, picture: &Ready) {
        let bytes = picture.jpeg.len() + MOST_BEFORE;
        if self.bytes + bytes <= MAX_BYTES {
            self.bytes += bytes;
            // A copy of its own size: what it was read into is needed for other files.
            let jpeg = copy(&picture.jpeg);
            self.files.insert(at, File { state, picture: Ready { jpeg, ..*picture } });
        }
    }
}
