//! The memory of frames that nobody holds any more, for frames to come.
//!
//! A frame is handed out as [`Bytes`], and its memory comes back here as soon as the last of these is dropped. Taking
//! fresh memory from the system for each frame would cost more than moving the frame: the kernel clears every page.

use crate::room::ROOM_TO_CHOOSE;
use bytes::Bytes;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Pieces of memory kept. Three frames are in use at a time: the one that grows, the one delivered last, and the one
/// that is shown; one more goes to and fro.
const MAX_SPARE: usize = 4;

/// Memory is not used for a frame that needs less than this part of it.
const MOST_TOO_LARGE: usize = 4;

/// Bytes of memory kept of frames that nobody holds any more, for frames to come: four of 4K video, at some 2 MB each.
pub const SPARE_BYTES: usize = 8 << 20;

/// Memory to put frames into. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// The bytes of a frame, with the way back.
struct Lent {
    bytes: Vec<u8>,
    home: Weak<Mutex<Vec<Vec<u8>>>>,
}

impl Memory {
    /// Memory for `len` bytes, and for choosing where they begin, whatever is in it; none at all for 0, so that who has
    /// shown nothing yet takes nothing away from others.
    pub(crate) fn take(&self, len: usize) -> Vec<u8> {
        if len == 0 {
            return Vec::new();
        }
        let len = len + ROOM_TO_CHOOSE;
        let mut spare = lock(&self.spare);
        // The smallest that does, and none that is far too large: that is another source's, whose frames are.
        let does = |(_, bytes): &(usize, &Vec<u8>)| (len..=MOST_TOO_LARGE * len).contains(&bytes.len());
        let at = spare.iter().enumerate().filter(does).min_by_key(|(_, bytes)| bytes.len()).map(|(at, _)| at);
        // None is made to grow: that would copy what nobody needs any more.
        at.map_or_else(|| vec![0; len], |at| spare.swap_remove(at))
    }

    /// Gives memory back that was not handed out.
    pub(crate) fn give_back(&self, bytes: Vec<u8>) {
        keep(&self.spare, bytes);
    }

    /// Hands out a part of this memory, all of which comes back once nobody holds it.
    pub(crate) fn lend(&self, bytes: Vec<u8>, part: Range<usize>) -> Bytes {
        Bytes::from_owner(Lent { bytes, home: Arc::downgrade(&self.spare) }).slice(part)
    }

    /// Gives all that is kept back to the system.
    pub(crate) fn clear(&self) {
        lock(&self.spare).clear();
    }

    /// Bytes of memory kept: at most [`SPARE_BYTES`].
    pub(crate) fn len(&self) -> usize {
        lock(&self.spare).iter().map(Vec::capacity).sum()
    }
}

/// A JPEG to be handed out of memory of so many bytes, and how many it keeps alive. Whoever keeps it keeps all of its
/// memory: a small one goes out as a copy of its own size.
pub(crate) fn hand_out(jpeg: Bytes, taken: usize) -> (Bytes, usize) {
    let len = jpeg.len();
    if taken > 2 * len { (Bytes::copy_from_slice(&jpeg), len) } else { (jpeg, taken) }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            keep(&home, mem::take(&mut self.bytes));
        }
    }
}

/// Keeps memory for later as far as there is place for it.
fn keep(spare: &Mutex<Vec<Vec<u8>>>, bytes: Vec<u8>) {
    let mut spare = lock(spare);
    let kept: usize = spare.iter().map(Vec::capacity).sum();
    if spare.len() < MAX_SPARE {
        if bytes.capacity() > 0 && kept + bytes.capacity() <= SPARE_BYTES {
            spare.push(bytes);
        }
        return;
    }
    // To clear the pages of a large one again would cost most.
    if let Some(smallest) = spare.iter_mut().min_by_key(|kept| kept.capacity())
        && smallest.capacity() < bytes.capacity()
        && kept - smallest.capacity() + bytes.capacity() <= SPARE_BYTES
    {
        *smallest = bytes;
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
    fn memory_comes_back_when_the_last_holder_lets_go() {
        let memory = Memory::default();
        let mut bytes = memory.take(1000);
        bytes[1..6].copy_from_slice(b"frame");
        let place = bytes.as_ptr();
        let frame = memory.lend(bytes, 1..6);
        let slice = frame.slice(2..);
        drop(frame);
        assert_eq!(memory.len(), 0);
        assert_eq!(slice, b"ame"[..]);
        drop(slice);
        assert!(memory.len() >= 1000);
        let again = memory.take(10);
        assert!(again.as_ptr() == place && again.len() >= 1000);
    }

    #[test]
    fn no_more_is_kept_than_there_is_place_for() {
        let memory = Memory::default();
        for _ in 0..2 * MAX_SPARE {
            memory.give_back(vec![0; 1000]);
        }
        assert!((MAX_SPARE * 1000..=MAX_SPARE * 1100).contains(&memory.len()));
        memory.give_back(vec![0; SPARE_BYTES]);
        assert!(memory.len() <= MAX_SPARE * 1100, "it takes the place of none, as there is none for it");
        memory.give_back(vec![0; 5000]);
        assert!((5000..=MAX_SPARE * 1100 + 5000).contains(&memory.len()));
    }

    #[test]
    fn memory_that_is_too_small_is_not_used_and_who_wants_none_gets_none() {
        let memory = Memory::default();
        memory.give_back(vec![0; 1000]);
        assert_eq!(memory.take(0).len(), 0);
        assert!(memory.take(2000).len() >= 2000);
        assert!(memory.len() >= 1000, "it is there for who needs less");
    }

    #[test]
    fn small_frames_take_nothing_away_from_large_ones() {
        let memory = Memory::default();
        let large = memory.take(1_000_000);
        let place = large.as_ptr();
        for _ in 0..MAX_SPARE {
            memory.give_back(vec![0; 10]);
        }
        memory.give_back(large);
        let small: Vec<_> = (0..MAX_SPARE).map(|_| memory.take(10)).collect();
        assert!(small.iter().all(|bytes| bytes.len() < 10_000));
        let again = memory.take(900_000);
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn what_is_handed_out_outlives_where_it_came_from() {
        let memory = Memory::default();
        let frame = memory.lend(b"frame".to_vec(), 0..5);
        drop(memory);
        assert_eq!(frame, b"frame"[..]);
    }
}
