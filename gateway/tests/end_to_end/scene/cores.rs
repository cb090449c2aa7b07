//! How many browsers run at a time.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use super::programs::are_there;

/// Those that nobody has.
static FREE: LazyLock<(Mutex<usize>, Condvar)> =
    LazyLock::new(|| (Mutex::new(available_parallelism().map_or(1, usize::from)), Condvar::new()));

/// A core of this machine until it is dropped. Most tests wait, so that more of them run at a time than there are cores; a browser,
/// which draws in software, keeps one busy.
pub(crate) struct Core;

impl Core {
    /// One for Chromium, as soon as there is one; none where it, or one of `others`, is not installed.
    pub(crate) fn for_chromium(others: &[&str]) -> Option<Self> {
        are_there(&[&["chromium"], others].concat()).then(|| {
            let (free, given_back) = &*FREE;
            let free = free.lock().unwrap_or_else(PoisonError::into_inner);
            *given_back.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner) -= 1;
            Self
        })
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let (free, given_back) = &*FREE;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        given_back.notify_one();
    }
}
