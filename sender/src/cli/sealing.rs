//! Options that say how a stream is sealed.

use clap::{Args, ValueEnum};
use segment::seal::Key;
use segment::wire::sealed::Cipher;
use terminal::{Failure, KeyFileArgs};

use crate::Builder;

/// Whether a stream is sealed, and with what.
#[derive(Debug, Clone, Args)]
pub struct SealingArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub key_file: KeyFileArgs,

    /// What to seal with: AES-256-GCM, ChaCha20-Poly1305, or the one that is faster on this processor. Receivers read
    /// both
    #[arg(
        long,
        value_name = "auto|aes|chacha",
        env = "SEGMENT_CIPHER",
        default_value = "auto",
        hide_possible_values = true
    )]
    #[arg(value_enum, help_heading = "Sealing", requires = "key_file")]
    pub cipher: CipherChoice,
}

/// What to seal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CipherChoice {
    /// What is faster here.
    Auto,
    /// AES-256-GCM.
    Aes,
    /// ChaCha20-Poly1305.
    Chacha,
}

impl SealingArgs {
    /// Seals the stream as these options say.
    ///
    /// # Errors
    /// [`Failure`] where the key file cannot be read, others can read it too, or it holds no key.
    pub fn apply(&self, builder: Builder) -> Result<Builder, Failure> {
        let cipher = match self.cipher {
            CipherChoice::Auto => None,
            CipherChoice::Aes => Some(Cipher::Aes256Gcm),
            CipherChoice::Chacha => Some(Cipher::ChaCha20Poly1305),
        };
        Ok(builder.key(self.key_file.read(Key::from_text)?).cipher(cipher))
    }
}
