//! The key that both sides have, and its text in a file.

use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// What a passphrase is written behind.
const PASSPHRASE: &str = "passphrase:";

/// The same for everybody: two machines that are given one passphrase are to come to one key, and know nothing else of
/// each other. What it costs is that one table of guesses serves against all; Argon2 makes each guess of it expensive.
const PASSPHRASE_SALT: &[u8] = b"segment 1 passphrase";

/// Argon2id's memory in KiB, passes and lanes: the second recommended option of RFC 9106 section 4, but for its four
/// lanes. A tenth of a second to the user, and to whoever guesses.
const ARGON2: (u32, u32, u32) = (64 << 10, 3, 1);

/// The shortest passphrase that is taken, in bytes.
///
/// Rationale: whoever records one datagram can guess as long as there is time for. Eight characters are no good
/// passphrase either, but less is certainly a mistake.
const MIN_PASSPHRASE_LEN: usize = 8;

/// The secret of a sender and its receivers. It is wiped from memory when dropped, and never printed.
#[derive(Clone)]
pub struct Key([u8; KEY_LEN]);

/// Why a text is no key. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Another number of digits than a key has.
    #[error("a key is {digits} hexadecimal digits, and these are {0} characters", digits = KEY_LEN * 2)]
    WrongLength(usize),
    /// Something else than digits.
    #[error(
        "character {0} is no hexadecimal digit: a key is {digits} of them, or `passphrase: ` and words of your own",
        digits = KEY_LEN * 2
    )]
    NotHexadecimal(usize),
    /// More than one line.
    #[error("it has more than one line")]
    SeveralLines,
    /// A passphrase that anybody guesses.
    #[error(
        "a passphrase of {0} bytes is too short: at least {MIN_PASSPHRASE_LEN} are needed, and some random words are better"
    )]
    ShortPassphrase(usize),
    /// Too little memory to make a key of the passphrase.
    #[error("the passphrase cannot be made a key: {} MiB of memory are needed for it", ARGON2.0 >> 10)]
    NoMemory,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

impl Key {
    /// A key of these bytes, which are to be random.
    #[must_use]
    pub fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`] where the system has no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Self([0; KEY_LEN]);
        aws_lc_rs::rand::fill(&mut key.0).map_err(|_| KeyError::NoRandom)?;
        Ok(key)
    }

    /// The key that a text stands for, as it is in a key file: 64 hexadecimal digits, or `passphrase: ` and words, of
    /// which a key is made by Argon2id (RFC 9106), which takes a moment and 64 MiB. White space around either does not
    /// count.
    ///
    /// # Errors
    /// [`KeyError`] where it is neither.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.lines().nth(1).is_some() {
            return Err(KeyError::SeveralLines);
        }
        if let Some(passphrase) = text.strip_prefix(PASSPHRASE) {
            return Self::from_passphrase(passphrase.trim_start());
        }
        if let Some(at) = text.chars().position(|character| !character.is_ascii_hexdigit()) {
            return Err(KeyError::NotHexadecimal(at + 1));
        }
        let mut key = Self([0; KEY_LEN]);
        hex::decode_to_slice(text, &mut key.0).map_err(|_| KeyError::WrongLength(text.chars().count()))?;
        Ok(key)
    }

    fn from_passphrase(passphrase: &str) -> Result<Self, KeyError> {
        if passphrase.len() < MIN_PASSPHRASE_LEN {
            return Err(KeyError::ShortPassphrase(passphrase.len()));
        }
        let (memory, passes, lanes) = ARGON2;
        let params = Params::new(memory, passes, lanes, Some(KEY_LEN)).map_err(|_| KeyError::NoMemory)?;
        let mut key = Self([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), PASSPHRASE_SALT, &mut key.0)
            .map_err(|_| KeyError::NoMemory)?;
        Ok(key)
    }

    /// The key as 64 hexadecimal digits, for a key file. Wiped from memory when dropped.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Says nothing of the key: it would end in a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn sixty_four_digits_are_a_key() {
        let key = Key::from_text(&format!("  {}\r\n", TEXT.to_uppercase())).unwrap();
        assert_eq!(key.as_bytes()[..4], [0, 1, 2, 3]);
        assert_eq!(*key.to_text(), TEXT);
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "Key(..) Some(Key(..))");
    }

    #[test]
    fn a_passphrase_gives_the_key_that_argon2_has_elsewhere() {
        // Python, cryptography 48: Argon2id(salt=b"segment 1 passphrase", length=32, iterations=3, lanes=1,
        // memory_cost=65536).
        let expected = "fe7b8880312a54539c56097d174229f8b221e150bdb5c9e92fb4f35a8d47e448";
        for text in ["passphrase: correct horse battery staple\n", "passphrase:correct horse battery staple"] {
            assert_eq!(*Key::from_text(text).unwrap().to_text(), expected);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let refused = |text: &str| Key::from_text(text).unwrap_err();
        assert_eq!(refused(" \n"), KeyError::Empty);
        assert_eq!(refused(&TEXT[1..]), KeyError::WrongLength(63));
        assert_eq!(refused(&format!("{TEXT}00")), KeyError::WrongLength(66));
        assert_eq!(refused(&TEXT.replace("0a", "0g")), KeyError::NotHexadecimal(22));
        assert_eq!(refused(&TEXT.replace("0a", "ä0")), KeyError::NotHexadecimal(21));
        assert_eq!(refused(&format!("{TEXT}\n{TEXT}")), KeyError::SeveralLines);
        assert_eq!(refused("passphrase: secret"), KeyError::ShortPassphrase(6));
        for text in [&TEXT[1..], "passphrase: secret", "secret words"] {
            let message = refused(text).to_string();
            assert!(!message.contains("secret") && !message.contains("0102"), "{message}");
        }
    }

    #[test]
    fn each_generated_key_is_another() {
        assert_ne!(*Key::generate().unwrap().to_text(), *Key::generate().unwrap().to_text());
    }
}
