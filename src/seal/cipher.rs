//! The key of one stream and direction, and what it is used for.

use super::key::{KEY_LEN, Key};
use crate::wire::sealed::{Cipher, Origin, Sealed, TAG_LEN, nonce};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

impl Cipher {
    /// The faster one on this processor: AES where it has instructions for that, else ChaCha20.
    #[must_use]
    pub fn fastest() -> Self {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let has_aes = std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
        #[cfg(target_arch = "aarch64")]
        let has_aes = std::arch::is_aarch64_feature_detected!("aes");
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
        let has_aes = false;
        if has_aes { Self::Aes256Gcm } else { Self::ChaCha20Poly1305 }
    }

    /// Its name, as keys are derived with it and as people know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "AES-256-GCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes256Gcm => &AES_256_GCM,
            Self::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        }
    }
}

/// Seals and opens what one side sends of one stream with one cipher.
#[derive(Debug)]
pub(super) struct StreamKey(LessSafeKey);

impl StreamKey {
    /// The key of what `origin` sends of a stream: HKDF-SHA-256 (RFC 5869) of `key`.
    ///
    /// # Panics
    /// Never: both lengths are those that the algorithms ask for.
    pub(super) fn derive(key: &Key, cipher: Cipher, stream_id: u64, origin: Origin) -> Self {
        let (salt, direction) = match origin {
            Origin::Sender => (stream_id.to_be_bytes().to_vec(), "segment 1 sender "),
            Origin::Receiver(id) => ([stream_id.to_be_bytes(), id.to_be_bytes()].concat(), "segment 1 receiver "),
        };
        let pseudorandom = Salt::new(HKDF_SHA256, &salt).extract(key.as_bytes());
        let mut derived = Zeroizing::new([0; KEY_LEN]);
        let info = [direction.as_bytes(), cipher.name().as_bytes()];
        let unbound = pseudorandom
            .expand(&info, cipher.algorithm())
            .and_then(|material| material.fill(&mut derived[..]))
            .and_then(|()| UnboundKey::new(cipher.algorithm(), &derived[..]));
        Self(LessSafeKey::new(unbound.expect("a key of 32 bytes is right for both ciphers")))
    }

    /// Seals `in_out` where it lies. `number` must never come twice with this key.
    pub(super) fn seal(&self, number: u64, additional: &[u8], in_out: &mut [u8]) -> [u8; TAG_LEN] {
        let nonce = Nonce::assume_unique_for_key(nonce(number));
        let sealed = self.0.seal_in_place_separate_tag(nonce, Aad::from(additional), in_out);
        let tag = sealed.expect("a datagram is shorter than either cipher's limit");
        tag.as_ref().try_into().expect("the tag of both ciphers has 16 bytes")
    }

    /// Opens a datagram into `plain`, which has the length of its ciphertext. False where it was not sealed so; what is
    /// in `plain` then is worth nothing.
    pub(super) fn open(&self, sealed: &Sealed<'_>, plain: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(nonce(sealed.number));
        let additional = Aad::from(sealed.additional());
        self.0.open_separate_gather(nonce, additional, sealed.ciphertext(), sealed.tag(), plain).is_ok()
    }
}
