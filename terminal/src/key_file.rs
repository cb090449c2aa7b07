//! `--key-file`, for both programs.

use crate::exit::Failure;
use crate::secret_file::{self, SecretFileError};
use clap::Args;
use std::fmt::Display;
use std::path::PathBuf;

/// The file with the key that a stream is sealed with.
#[derive(Debug, Clone, Args)]
pub struct KeyFileArgs {
    /// Seal the stream with the key in this file, so that nobody without it can read, forge or replay it; what is not
    /// sealed with it is not taken. `sender keygen FILE` makes one; a line `passphrase: ` and words of your own will
    /// do, too. Nobody but its owner may be able to read it
    #[arg(long, value_name = "FILE", env = "SEGMENT_KEY_FILE", help_heading = "Sealing")]
    pub key_file: Option<PathBuf>,
}

impl KeyFileArgs {
    /// The key that `parse` makes of the text in the file; `None` where no file is named.
    ///
    /// # Errors
    /// [`Failure`] where the file cannot be read, others can read it too, or it holds no key.
    pub fn read<K, E: Display>(&self, parse: impl FnOnce(&str) -> Result<K, E>) -> Result<Option<K>, Failure> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let text = secret_file::read(path).map_err(SecretFileError::into_failure)?;
        let key = parse(&text).map_err(|error| {
            // Not of the file's text: the error does not hold it either.
            Failure::new(format!("the key file {} holds no key: {error}", path.display()))
                .with_advice("a new key is made by: sender keygen FILE")
        })?;
        Ok(Some(key))
    }

    /// The file's name as a shell takes it for one word, to be said in a command.
    #[must_use]
    pub fn quoted(&self) -> Option<String> {
        self.key_file.as_deref().map(secret_file::quoted)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_what_its_file_holds_and_what_is_wrong_names_the_file() {
        let none = KeyFileArgs { key_file: None };
        assert_eq!(none.read(|_| Ok::<_, String>(())).unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let args = KeyFileArgs { key_file: Some(path.clone()) };
        assert!(args.read(|_| Ok::<_, String>(())).unwrap_err().to_string().contains("No such file"));
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(args.read(|_| Ok::<_, String>(())).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(args.read(|text| Ok::<_, String>(text.len())).unwrap(), Some(6));
        let failure = args.read(|_| Err::<(), _>("it is empty")).unwrap_err().to_string();
        let expected = format!("the key file {} holds no key: it is empty", path.display());
        assert!(failure.starts_with(&expected) && failure.contains("sender keygen"), "{failure}");
    }
}
