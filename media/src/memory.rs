//! The memory of JPEGs that nobody holds any more, for JPEGs to come.
//!
//! Fresh memory for each frame costs more than reading the frame into it: the kernel clears every page. So what is lent
//! out as [`Bytes`] comes back here when the last of these is dropped.

use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

/// Pieces of memory kept: as many frames as a source may have on their way at once.
const MAX_SPARE: usize = 4;

/// Bytes of memory kept: four frames of 4K video, at some 2 MB each.
const SPARE_BYTES: usize = 8 << 20;

/// Frames of one stream differ a little in length. Memory is taken in steps of so many bytes, so that one serves for
/// the other.
const STEP: usize = 64 << 10;

/// Where in a page (of 4,096 bytes) a JPEG begins: half a page off where the kernel has its bytes in files, pipes and
/// datagrams, which is from the start of a page on.
///
/// AMD's processors since Zen 3 copy several times slower, in the way the kernel does it (`rep movsb`), where the bytes
/// go to up to 40 bytes further in a page than they come from; and fresh memory begins 16 bytes into one.
const IN_PAGE: usize = PAGE / 2;
const PAGE: usize = 4096;

/// Bytes of memory that may lie before the place where a JPEG begins.
pub const MOST_BEFORE: usize = PAGE;

/// Where in `memory` a JPEG is best put, so that reading and sending it is fast: at most [`MOST_BEFORE`] bytes from its
/// start. It holds as long as the memory does not grow.
#[must_use]
pub fn beginning(memory: &[u8]) -> usize {
    if memory.len() > MOST_BEFORE { IN_PAGE.wrapping_sub(memory.as_ptr().addr()) % PAGE } else { 0 }
}

/// A copy of a JPEG that is fast to send.
#[must_use]
pub fn copy(jpeg: &[u8]) -> Bytes {
    let mut bytes = vec![0; jpeg.len() + MOST_BEFORE];
    let begin = beginning(&bytes);
    bytes[begin..begin + jpeg.len()].copy_from_slice(jpeg);
    Bytes::from(bytes).slice(begin..begin + jpeg.len())
}

/// Memory to read JPEGs into. It keeps at most 8 MiB for later.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Bytes with the way back.
struct Lent {
    bytes: Vec<u8>,
    home: Weak<Mutex<Vec<Vec<u8>>>>,
}

impl Memory {
    /// At least `len` bytes from their [`beginning`] on, whatever is in them.
    #[must_use]
    pub fn take(&self, len: usize) -> Vec<u8> {
        let len = len.saturating_add(MOST_BEFORE);
        let spare = lock(&self.spare).pop();
        match spare {
            Some(bytes) if bytes.len() >= len => bytes,
            // Not made to grow: that would copy what nobody needs any more.
            _ => vec![0; len.checked_next_multiple_of(STEP).unwrap_or(len)],
        }
    }

    /// Hands out a part of `bytes`, all of which come back once nobody holds it.
    ///
    /// # Panics
    /// Where `part` does not lie within `bytes`.
    #[must_use]
    pub fn lend(&self, bytes: Vec<u8>, part: Range<usize>) -> Bytes {
        Bytes::from_owner(Lent { bytes, home: Arc::downgrade(&self.spare) }).slice(part)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        let mut spare = lock(&home);
        let kept: usize = spare.iter().map(Vec::capacity).sum();
        if spare.len() < MAX_SPARE && kept + self.bytes.capacity() <= SPARE_BYTES {
            spare.push(mem::take(&mut self.bytes));
        }
    }
}

/// A panic elsewhere leaves the list whole.
fn lock(spare: &Mutex<Vec<Vec<u8>>>) -> MutexGuard<'_, Vec<Vec<u8>>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_begins_in_the_middle_of_a_page() {
        let bytes = Memory::default().take(1);
        assert_eq!(bytes[beginning(&bytes)..].as_ptr().addr() % PAGE, IN_PAGE);
        let jpeg = copy(b"a JPEG");
        assert_eq!((jpeg.as_ptr().addr() % PAGE, &jpeg[..]), (IN_PAGE, &b"a JPEG"[..]));
        assert_eq!(beginning(&[]), 0);
    }

    fn spare_lens(memory: &Memory) -> Vec<usize> {
        lock(&memory.spare).iter().map(Vec::len).collect()
    }

    #[test]
    fn memory_comes_back_when_the_last_holder_lets_go() {
        let memory = Memory::default();
        let mut bytes = memory.take(1000);
        bytes[..5].copy_from_slice(b"frame");
        let place = bytes.as_ptr();
        let frame = memory.lend(bytes, 0..5);
        let slice = frame.slice(2..);
        drop(frame);
        assert!(spare_lens(&memory).is_empty());
        assert_eq!(slice, b"ame"[..]);
        drop(slice);
        let again = memory.take(2000);
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn no_more_is_kept_than_there_is_place_for() {
        let memory = Memory::default();
        let lent: Vec<Bytes> = (0..2 * MAX_SPARE).map(|_| memory.lend(memory.take(1), 0..1)).collect();
        drop(lent);
        assert_eq!(spare_lens(&memory), [STEP; MAX_SPARE]);
        let memory = Memory::default();
        drop(memory.lend(memory.take(SPARE_BYTES + 1), 0..1));
        assert!(spare_lens(&memory).is_empty());
    }

    #[test]
    fn memory_that_is_too_small_is_not_used_and_what_is_lent_outlives_its_home() {
        let memory = Memory::default();
        drop(memory.lend(memory.take(STEP), 0..1));
        let larger = memory.take(STEP + 1);
        assert!(larger.len() > STEP && spare_lens(&memory).is_empty());
        let frame = memory.lend(b"frame".to_vec(), 0..5);
        drop(memory);
        assert_eq!(frame, b"frame"[..]);
    }
}
