//! Every frame into a file of its own, byte for byte.

use super::{Sink, SinkError};
use crate::Frame;
use media::snapshot::write_whole;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Writes `000001.jpg`, `000002.jpg`, … into one folder.
#[derive(Debug)]
pub struct Snapshots {
    folder: PathBuf,
    overwrite: bool,
    written: u64,
    /// The next frame of a stream before that is to go, if one may be there.
    stale: Option<u64>,
    /// Keeps the folder for this stream: those of two would be mixed.
    _lock: Option<File>,
}

/// So many frames of a stream before go with each new one: all at once might take longer than frames can wait.
const REMOVED_AT_A_TIME: u64 = 32;

/// And so many at the end, at most.
const REMOVED_AT_THE_END: u64 = 10_000;

impl Snapshots {
    /// Makes the folder if there is none, sees that no frame is there yet, and tries whether it takes files.
    ///
    /// # Errors
    /// [`SinkError::SnapshotsInUse`] where another program writes frames there,
    /// [`SinkError::SnapshotExists`] where frames are there already that are not to be overwritten,
    /// [`SinkError::Snapshot`] where the folder cannot be made, [`SinkError::SnapshotFolder`] where it takes no files or
    /// is none.
    pub fn create(folder: &Path, overwrite: bool) -> Result<Self, SinkError> {
        if folder.exists() && !folder.is_dir() {
            let source = io::ErrorKind::NotADirectory.into();
            return Err(SinkError::SnapshotFolder { path: folder.to_owned(), source });
        }
        fs::create_dir_all(folder).map_err(|source| SinkError::Snapshot { path: folder.to_owned(), source })?;
        let lock = lock(folder)?;
        let there = || first_frame(folder).map_err(|source| SinkError::Snapshot { path: folder.to_owned(), source });
        if let Some(path) = if overwrite { None } else { there()? } {
            return Err(SinkError::SnapshotExists { path });
        }
        try_out(folder).map_err(|source| SinkError::SnapshotFolder { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned(), overwrite, written: 0, stale: overwrite.then_some(2), _lock: lock })
    }

    /// Removes frames of a stream before, at most so many, up to the first number that is missing: those that a shorter
    /// stream leaves would look like its own. What else is named by digits, as by a date, is not ours.
    fn remove_stale(&mut self, most: u64) -> Result<(), SinkError> {
        let Some(first) = self.stale else { return Ok(()) };
        for number in first..first + most {
            let path = self.path(number);
            match fs::remove_file(&path) {
                Ok(()) => self.stale = Some(number + 1),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.stale = None;
                    break;
                }
                Err(source) => return Err(SinkError::Remove { path, source }),
            }
        }
        Ok(())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.jpg"))
    }
}

/// Takes the lock of the folder itself, which leaves no file in it and ends with the program. Not every file system has
/// locks, and not everybody who may write into a folder may open it; neither is a reason not to write there.
fn lock(folder: &Path) -> Result<Option<File>, SinkError> {
    let no_lock = |error: io::Error| {
        tracing::debug!(path = %folder.display(), %error, "no lock");
        Ok(None)
    };
    let opened = match File::open(folder) {
        Ok(opened) => opened,
        Err(error) => return no_lock(error),
    };
    match opened.try_lock() {
        Ok(()) => Ok(Some(opened)),
        Err(TryLockError::WouldBlock) => Err(SinkError::SnapshotsInUse { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => no_lock(error),
    }
}

/// Makes a file in a folder and takes it away again: at the first frame it would be late to find that none can be made.
fn try_out(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".receiver-{}", std::process::id()));
    write_whole(&path, &[], true)?;
    fs::remove_file(&path)
}

/// The first of the frames that are in a folder already: in the middle of a stream it would be late to find one.
///
/// Numbers of eight digits are left alone: they are dates sooner than frames, which take days to be so many.
fn first_frame(folder: &Path) -> io::Result<Option<PathBuf>> {
    let is_frame = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        (stem.len() == 6 || stem.len() == 7 && !stem.starts_with('0'))
            && stem.bytes().all(|byte| byte.is_ascii_digit())
            && path.extension().is_some_and(|it| it == "jpg")
    };
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(is_frame).min())
}

impl Sink for Snapshots {
    fn name(&self) -> &'static str {
        "snapshots"
    }

    fn accept(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let (path, jpeg) = (self.path(self.written + 1), frame.jpeg()?);
        match write_whole(&path, &jpeg, self.overwrite) {
            Ok(()) => {
                self.written += 1;
                // As with a recording, what was there before goes once there is something in its place.
                self.remove_stale(REMOVED_AT_A_TIME)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SinkError::SnapshotExists { path }),
            Err(source) => Err(SinkError::Snapshot { path, source }),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<String, SinkError> {
        if self.written > 0 {
            self.remove_stale(REMOVED_AT_THE_END)?;
        }
        let outcome = format!("{} frames in {}", self.written, self.folder.display());
        Ok(match self.stale.filter(|number| self.written > 0 && self.path(*number).exists()) {
            Some(number) => format!("{outcome}; those of before are still there from {number:06}.jpg on"),
            None => outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(jpeg: &'static [u8]) -> Frame {
        crate::frame::tests::frame(1, jpeg)
    }

    #[test]
    fn frames_are_numbered_from_one_and_written_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/on/demand");
        let mut snapshots = Box::new(Snapshots::create(&folder, false).unwrap());
        snapshots.accept(&frame(b"one")).unwrap();
        snapshots.accept(&frame(b"two")).unwrap();
        assert_eq!(snapshots.finish().unwrap(), format!("2 frames in {}", folder.display()));
        assert_eq!(fs::read(folder.join("000001.jpg")).unwrap(), b"one");
        assert_eq!(fs::read(folder.join("000002.jpg")).unwrap(), b"two");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_no_files_is_refused_before_the_first_frame() {
        // Nobody, root included, makes files there.
        let error = Snapshots::create(Path::new("/proc/self"), false).unwrap_err().to_string();
        assert!(error.starts_with("cannot write into the folder /proc/self: "), "{error}");
        let folder = tempfile::tempdir().unwrap();
        Snapshots::create(folder.path(), false).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of the attempt");
        let file = folder.path().join("k.mkv");
        fs::write(&file, b"recorded").unwrap();
        let error = Snapshots::create(&file, false).unwrap_err().to_string();
        assert!(error.ends_with("k.mkv: not a directory; choose another by --snapshots"), "{error}");
    }

    #[test]
    fn a_folder_takes_one_stream_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::create(folder.path(), true).unwrap();
        for overwrite in [false, true] {
            let error = Snapshots::create(folder.path(), overwrite).unwrap_err().to_string();
            assert!(error.ends_with(" takes the snapshots of another program; choose another folder"), "{error}");
        }
        drop(snapshots);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Snapshots::create(folder.path(), false).unwrap();
    }

    #[test]
    fn frames_that_are_there_are_kept_unless_they_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["000000b.jpg", "00001.jpg", "0000001.jpg", "20240101.jpg"] {
            fs::write(folder.path().join(name), b"no frame").unwrap();
        }
        Snapshots::create(folder.path(), false).unwrap();
        fs::write(folder.path().join("1000000.jpg"), b"old").unwrap();
        let error = Snapshots::create(folder.path(), false).unwrap_err();
        assert!(error.to_string().contains("1000000.jpg exists"), "{error}");
        fs::write(folder.path().join("000007.jpg"), b"old").unwrap();
        let error = Snapshots::create(folder.path(), false).unwrap_err();
        assert!(error.to_string().contains("000007.jpg exists"), "{error}");
        fs::write(folder.path().join("000001.jpg"), b"old").unwrap();
        let error = Snapshots::create(folder.path(), false).unwrap_err();
        assert!(error.to_string().contains("000001.jpg exists"), "{error}");
        let mut snapshots = Snapshots::create(folder.path(), true).unwrap();
        snapshots.accept(&frame(b"new")).unwrap();
        assert_eq!(fs::read(folder.path().join("000001.jpg")).unwrap(), b"new");
    }

    #[test]
    fn a_shorter_stream_leaves_nothing_of_the_one_that_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        let before = ["000001.jpg", "000002.jpg", "000003.jpg"];
        let others = ["000002.png", "00001.jpg", "00000a.jpg", "20240101.jpg", "notes.txt"];
        for name in before.iter().chain(&others) {
            fs::write(folder.path().join(name), b"old").unwrap();
        }
        let there = names();
        Box::new(Snapshots::create(folder.path(), true).unwrap()).finish().unwrap();
        assert_eq!(names(), there, "nothing has come to replace them");
        let mut snapshots = Snapshots::create(folder.path(), true).unwrap();
        snapshots.accept(&frame(b"one")).unwrap();
        snapshots.accept(&frame(b"two")).unwrap();
        assert_eq!(
            names(),
            ["000001.jpg", "000002.jpg", "000002.png", "00000a.jpg", "00001.jpg", "20240101.jpg", "notes.txt"]
        );
        assert_eq!(fs::read(folder.path().join("000002.jpg")).unwrap(), b"two");
        assert_eq!(fs::read(folder.path().join("000002.png")).unwrap(), b"old");
    }

    #[test]
    fn many_frames_of_before_go_little_by_little() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=100 {
            fs::write(folder.path().join(format!("{number:06}.jpg")), b"old").unwrap();
        }
        let there = || fs::read_dir(folder.path()).unwrap().count() as u64;
        let mut snapshots = Snapshots::create(folder.path(), true).unwrap();
        snapshots.accept(&frame(b"one")).unwrap();
        assert_eq!(there(), 100 - REMOVED_AT_A_TIME);
        snapshots.accept(&frame(b"two")).unwrap();
        assert_eq!(fs::read(folder.path().join("000002.jpg")).unwrap(), b"two");
        let outcome = Box::new(snapshots).finish().unwrap();
        assert_eq!((outcome, there()), (format!("2 frames in {}", folder.path().display()), 2));
    }
}
