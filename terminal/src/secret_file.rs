//! Files that hold a secret: read only if nobody else can read them, written so that nobody else can.

use crate::exit::Failure;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest secret that is read, in bytes: a key or a passphrase is far shorter, and a file that was named by
/// mistake may have no end.
const MAX_LEN: usize = 4096;

/// Why a secret cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be opened or read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a symbolic link that leads nowhere.
    #[error("cannot read the key file {}: it is a symbolic link to {}, which does not exist", path.display(), target.display())]
    Dangling {
        /// Which file.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A folder, or a device.
    #[error("the key file {} is no file", path.display())]
    NoFile {
        /// What is none.
        path: PathBuf,
    },
    /// Its group, or everybody, can read or change it. As with ssh, a secret that others can read is none.
    #[error("the key file {} can be read or changed by others than its owner (its mode is {mode:04o})", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Longer than any key.
    #[error("the key file {} is too long for a key: it has more than {MAX_LEN} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// Not text at all.
    #[error("the key file {} holds something else than text", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write the key file {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is something already.
    #[error("{} exists already, and a key in it may be in use", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
}

impl SecretFileError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Open { path, .. } => Some(format!("type: chmod 600 {}", quoted(path))),
            Self::Read { source, path } if source.kind() == io::ErrorKind::NotFound => {
                Some(format!("to make a key, type: sender keygen {}", quoted(path)))
            }
            Self::Exists { .. } => Some("give another name, or remove it first".to_owned()),
            Self::NoFile { .. } | Self::TooLong { .. } | Self::NotText { .. } => Some(
                "name a file that `sender keygen FILE` has made, or that holds `passphrase: ` and words".to_owned(),
            ),
            _ => None,
        }
    }

    /// The failure that this is, with what to do about it.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let advice = self.advice();
        let failure = Failure::new(self);
        match advice {
            Some(advice) => failure.with_advice(advice),
            None => failure,
        }
    }
}

/// The text in the file at `path`, which is wiped from memory when dropped. A pipe will do, too. Where links are, it is
/// what they lead to that counts.
///
/// # Errors
/// [`SecretFileError`] where it cannot be read, is no file, is longer than 4 KiB, or others can read or change it.
pub fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let owned = || path.to_owned();
    let failed = |source| SecretFileError::Read { path: owned(), source };
    let file = File::open(path).map_err(|source| dangling(path).unwrap_or_else(|| failed(source)))?;
    // Of what has been opened, not of its name: that may mean another file by now.
    let metadata = file.metadata().map_err(failed)?;
    if !is_readable(&metadata) {
        return Err(SecretFileError::NoFile { path: owned() });
    }
    let is_credential = is_credential(path, std::env::var_os("CREDENTIALS_DIRECTORY").as_deref().map(Path::new));
    if let Some(mode) = mode_open_to_others(&metadata, is_credential) {
        return Err(SecretFileError::Open { path: owned(), mode });
    }
    // All at once: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    file.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_LEN {
        return Err(SecretFileError::TooLong { path: owned() });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretFileError::NotText { path: owned() })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes `text` and a line end to a new file at `path` that only its owner can read.
///
/// # Errors
/// [`SecretFileError`] where there is something at `path` already, or it cannot be written.
pub fn create(path: &Path, text: &str) -> Result<(), SecretFileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => SecretFileError::Exists { path: path.to_owned() },
        _ => SecretFileError::Write { path: path.to_owned(), source },
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    let line = Zeroizing::new(format!("{text}\n"));
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| {
        // Half a key is worse than none, and would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        failed(source)
    })
}

fn dangling(path: &Path) -> Option<SecretFileError> {
    let target = std::fs::read_link(path).ok().filter(|_| !path.exists())?;
    Some(SecretFileError::Dangling { path: path.to_owned(), target })
}

#[cfg(unix)]
fn is_readable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.is_file() || metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_readable(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file()
}

/// Whether systemd has handed it over in its folder of credentials, for this process alone (systemd.exec(5)).
fn is_credential(path: &Path, folder: Option<&Path>) -> bool {
    let within = |folder: &Path| Some(path.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?));
    folder.and_then(within).unwrap_or(false)
}

/// The file's permissions, if they give anything to others than its owner.
///
/// Of a credential the owner is root, and a list (acl(5)) lets the process read it, whose mask shows as the group's bit.
#[cfg(unix)]
fn mode_open_to_others(metadata: &std::fs::Metadata, is_credential: bool) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let others = if is_credential { 0o037 } else { 0o077 };
    Some(metadata.permissions().mode() & 0o7777).filter(|mode| mode & others != 0)
}

/// Who may read what is not told by such bits elsewhere.
#[cfg(not(unix))]
fn mode_open_to_others(_: &std::fs::Metadata, _: bool) -> Option<u32> {
    None
}

/// As a shell takes it for one word.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+:@,%".contains(character);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text;
    }
    let text = text.replace('\'', r"'\''");
    if text.starts_with('-') { format!("'./{text}'") } else { format!("'{text}'") }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn file(folder: &Path, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).expect("a scratch folder takes files");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is our own");
        path
    }

    #[test]
    fn what_only_its_owner_can_read_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            let path = file(folder.path(), &format!("key{mode:o}"), b"secret\n", mode);
            assert_eq!(*read(&path).unwrap(), "secret\n");
        }
        let link = folder.path().join("link");
        symlink("key600", &link).unwrap();
        assert_eq!(*read(&link).unwrap(), "secret\n");
    }

    #[test]
    fn what_others_can_read_is_refused_with_what_to_type() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
            let path = file(folder.path(), &format!("a key {mode:o}"), b"secret", mode);
            let link = folder.path().join(format!("link{mode:o}"));
            symlink(&path, &link).unwrap();
            for named in [&path, &link] {
                let error = read(named).unwrap_err();
                assert!(error.to_string().contains(&format!("its mode is {mode:04o}")), "{error}");
                assert!(!format!("{error:?}").contains("secret"));
            }
            let failure = read(&path).unwrap_err().into_failure().to_string();
            assert!(failure.ends_with(&format!("type: chmod 600 '{}'", path.display())), "{failure}");
        }
    }

    #[test]
    fn what_is_no_file_of_text_is_refused_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| read(path).unwrap_err();
        assert!(matches!(refused(folder.path()), SecretFileError::NoFile { .. }));
        assert!(matches!(refused(Path::new("/dev/zero")), SecretFileError::NoFile { .. }));
        assert!(matches!(
            refused(&file(folder.path(), "binary", &[0xFF, 0xFE], 0o600)),
            SecretFileError::NotText { .. }
        ));
        assert!(matches!(refused(&file(folder.path(), "long", &[b'a'; 4097], 0o600)), SecretFileError::TooLong { .. }));
        let missing = folder.path().join("missing");
        let failure = refused(&missing).into_failure().to_string();
        assert!(failure.contains("No such file") && failure.contains("sender keygen /"), "{failure}");
        let link = folder.path().join("dangling");
        symlink("nowhere", &link).unwrap();
        assert!(refused(&link).to_string().contains("a symbolic link to nowhere, which does not exist"));
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        create(&path, "secret").unwrap();
        assert_eq!(*read(&path).unwrap(), "secret\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let error = create(&path, "other").unwrap_err();
        assert!(matches!(error, SecretFileError::Exists { .. }) && !error.to_string().contains("other"));
        assert_eq!(*read(&path).unwrap(), "secret\n");
        symlink("elsewhere", folder.path().join("link")).unwrap();
        assert!(matches!(create(&folder.path().join("link"), "x"), Err(SecretFileError::Exists { .. })));
        assert!(matches!(create(&folder.path().join("no/folder"), "x"), Err(SecretFileError::Write { .. })));
    }

    #[test]
    fn paths_are_quoted_for_a_shell() {
        for (path, expected) in [
            ("/etc/key", "/etc/key"),
            ("my key", "'my key'"),
            ("it's", r"'it'\''s'"),
            ("-k", "'./-k'"),
            ("a;b", "'a;b'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    fn the_group_may_read_what_systemd_hands_over_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (credentials, elsewhere) = (folder.path().join("credentials"), folder.path().join("elsewhere"));
        for place in [&credentials, &elsewhere] {
            fs::create_dir(place).expect("it is new");
        }
        for (place, mode, is_open) in [
            (&credentials, 0o440, false),
            (&credentials, 0o460, true),
            (&credentials, 0o444, true),
            (&elsewhere, 0o440, true),
            (&elsewhere, 0o400, false),
        ] {
            let path = file(place, &format!("{mode:o}"), b"secret\n", mode);
            let is_credential = is_credential(&path, Some(&credentials));
            let metadata = fs::metadata(&path).expect("it is there");
            assert_eq!(mode_open_to_others(&metadata, is_credential).is_some(), is_open, "{path:?} {mode:o}");
            assert!(!super::is_credential(&path, None));
        }
        let link = elsewhere.join("link");
        symlink(elsewhere.join("440"), credentials.join("link")).expect("it is new");
        symlink(credentials.join("440"), &link).expect("it is new");
        assert!(is_credential(&link, Some(&credentials)));
        assert!(!is_credential(&credentials.join("link"), Some(&credentials)));
    }
}
