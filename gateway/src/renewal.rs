//! Files that are read again when they have changed, while the program runs: what is served, a certificate and its key,
//! and who may look.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

/// How often it is looked whether files have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// At so many looks in a row, what has changed may be of no use until that is said: files that belong together are
/// replaced one after the other.
const PATIENCE: u32 = 5;

/// Files that belong together, as they were at one time.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

/// By what it is known whether a file has changed: which one its path leads to, when that changed last, in whichever
/// way, and how long it is. `None` for what is not there, and for pipes, which are read once.
type Stamp = Option<(u64, u64, i64, i64, u64)>;

/// Files that are read again when they have changed.
pub(crate) struct Renewable {
    paths: Vec<PathBuf>,
    /// As they were at the last look.
    seen: Vec<Stamp>,
    /// As they were when they were taken.
    taken: Vec<Stamp>,
    take: Box<dyn FnMut() -> Result<(), String> + Send>,
    told: Told,
    /// As they were when they could not be taken last.
    failed: Vec<Stamp>,
    /// How often in a row they could not be taken. After it was said, only of the files as they are.
    failures: u32,
}

/// What people are told of files that have changed, as whole sentences or the ends of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// They were taken; nothing where whoever took them says so.
    pub(crate) taken: Option<&'static str>,
    /// They cannot be used, for a reason that stands before it.
    pub(crate) kept: &'static str,
}

/// What has come of a look, if it is to be said.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Taken,
    Unusable(String),
}

impl Files {
    /// The files at these paths as they are now: to be looked at before they are read for the first time, so that no
    /// change is missed.
    pub(crate) fn at<const N: usize>(paths: [&std::path::Path; N]) -> Self {
        let paths = paths.map(ToOwned::to_owned).to_vec();
        Self { stamps: stamps(&paths), paths }
    }

    /// Has `take` read them whenever they have changed. What it cannot use it is given again at each look.
    pub(crate) fn renewed_by(self, told: Told, take: impl FnMut() -> Result<(), String> + Send + 'static) -> Renewable {
        let Self { paths, stamps } = self;
        let (seen, failed) = (stamps.clone(), stamps.clone());
        Renewable { paths, seen, taken: stamps, take: Box::new(take), told, failed, failures: 0 }
    }
}

impl Renewable {
    /// Looks for as long as the runtime runs that it is called in.
    pub(crate) fn watch(mut self) {
        tokio::spawn(async move {
            let mut looks = tokio::time::interval(LOOK_INTERVAL);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                // Files may lie on a server that is away.
                let looking = tokio::task::spawn_blocking(move || {
                    let news = self.look();
                    (self, news)
                });
                match looking.await {
                    Ok((back, news)) => {
                        self = back;
                        self.say(news);
                    }
                    Err(error) => {
                        if error.is_panic() {
                            tracing::error!("a file is not read again, by a fault of this program: {error}");
                        }
                        return;
                    }
                }
            }
        });
    }

    fn look(&mut self) -> Option<News> {
        let stamps = stamps(&self.paths);
        // One that changes at this moment may be there in part only.
        let are_settled = stamps == self.seen;
        self.seen = stamps;
        if !are_settled || self.seen == self.taken {
            return None;
        }
        // Opening a pipe could take for ever.
        let taken = irregular(&self.paths).map_or_else(&mut self.take, Err);
        match taken {
            Ok(()) => {
                self.taken.clone_from(&self.seen);
                self.failures = 0;
                Some(News::Taken)
            }
            Err(reason) => {
                if self.failures >= PATIENCE && self.failed != self.seen {
                    // Another mistake, maybe, than was said.
                    self.failures = 0;
                }
                self.failed.clone_from(&self.seen);
                self.failures = self.failures.saturating_add(1);
                (self.failures == PATIENCE).then_some(News::Unusable(reason))
            }
        }
    }

    fn say(&self, news: Option<News>) {
        match news {
            Some(News::Taken) => {
                if let Some(taken) = self.told.taken {
                    tracing::info!("{taken}");
                }
            }
            Some(News::Unusable(reason)) => tracing::warn!("{reason}; {}", self.told.kept),
            None => {}
        }
    }
}

impl fmt::Debug for Renewable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// What is there and is no file, if anything.
fn irregular(paths: &[PathBuf]) -> Option<String> {
    let is_irregular = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    paths.iter().find(is_irregular).map(|path| format!("{}: it is no file any more", path.display()))
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    // Where links lead to: a certificate is often renewed by another link.
    let found = paths.iter().map(|path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file));
    found.map(|file| file.map(|file| (file.dev(), file.ino(), file.ctime(), file.ctime_nsec(), file.len()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    /// A file that can be used if it says so; what it said each time, and how often it was read.
    fn renewable(path: &Path) -> (Renewable, Arc<Mutex<String>>, Arc<AtomicUsize>) {
        let (taken, reads) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (kept, counted, file) = (Arc::clone(&taken), Arc::clone(&reads), path.to_owned());
        let take = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
            if !text.starts_with("good") {
                return Err(text);
            }
            *kept.lock().unwrap() = text;
            Ok(())
        };
        (Files::at([path]).renewed_by(Told { taken: None, kept: "" }, take), taken, reads)
    }

    fn replace(path: &Path, text: &str) {
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "good 1").unwrap();
        let (mut file, taken, reads) = renewable(&path);
        assert_eq!([file.look(), file.look()], [None, None]);
        assert_eq!(reads.load(Ordering::SeqCst), 0);
        // Of the same length.
        replace(&path, "good two");
        assert_eq!([file.look(), file.look(), file.look()], [None, Some(News::Taken), None]);
        assert_eq!((taken.lock().unwrap().as_str(), reads.load(Ordering::SeqCst)), ("good two", 1));
        // By another link, as certificates are.
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        fs::write(&target, "good 3").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        fs::rename(&link, &path).unwrap();
        assert_eq!([file.look(), file.look(), file.look()], [None, Some(News::Taken), None]);
        assert_eq!(*taken.lock().unwrap(), "good 3");
    }

    #[test]
    fn what_cannot_be_used_is_said_once_if_it_stays_so_and_taken_when_it_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "good 1").unwrap();
        let (mut file, taken, _) = renewable(&path);
        let mut after = |looks: u32| (0..looks).filter_map(|_| file.look()).collect::<Vec<_>>();
        replace(&path, "bad");
        assert_eq!(after(PATIENCE), [], "it may be half of a change");
        replace(&path, "good two");
        assert_eq!(after(2), [News::Taken]);
        replace(&path, "bad");
        assert_eq!(after(10 * PATIENCE), [News::Unusable("bad".to_owned())]);
        replace(&path, "as bad");
        assert_eq!(after(PATIENCE), [], "it may be half of a change");
        assert_eq!(after(10 * PATIENCE), [News::Unusable("as bad".to_owned())], "another mistake");
        fs::remove_file(&path).unwrap();
        assert!(matches!(after(10 * PATIENCE)[..], [News::Unusable(_)]), "it is no more there");
        assert_eq!(*taken.lock().unwrap(), "good two");
        replace(&path, "good 3");
        assert_eq!(after(3), [News::Taken]);
    }

    #[test]
    fn a_pipe_in_place_of_a_file_is_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let (path, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
        fs::write(&path, "good 1").unwrap();
        let (mut file, taken, reads) = renewable(&path);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::rename(&pipe, &path).unwrap();
        let news: Vec<_> = (0..2 * PATIENCE).filter_map(|_| file.look()).collect();
        assert_eq!(news, [News::Unusable(format!("{}: it is no file any more", path.display()))]);
        assert_eq!(reads.load(Ordering::SeqCst), 0);
        replace(&path, "good two");
        assert_eq!([file.look(), file.look()], [None, Some(News::Taken)]);
        assert_eq!(*taken.lock().unwrap(), "good two");
    }

    #[test]
    fn a_pipe_is_not_read_again() {
        let (mut file, _, reads) = renewable(Path::new("/dev/null"));
        assert_eq!([file.look(), file.look(), file.look()], [None, None, None]);
        assert_eq!(reads.load(Ordering::SeqCst), 0);
    }
}
