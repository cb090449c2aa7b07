//! The frames that are in the encoder, of which there are only so many: it has room again when a picture comes out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::timeout;

/// How many frames may be in the encoder. It holds one at a time; a second one waits in the pipe while that is under
/// way, and the end of a picture may be seen one picture late. With more, delay would build up here when the encoder is
/// slow.
const MAX_UNDER_WAY: usize = 3;

/// How long an encoder that has given pictures may take for the next one before what is in it counts as broken: it
/// makes none of a frame that it cannot decode, and says nothing.
const ROOM_PATIENCE: Duration = Duration::from_millis(500);

/// And how long for the first one, on a machine that is busy starting it.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// The frames that are in the encoder.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    frames: Mutex<Frames>,
    one_less: Notify,
}

#[derive(Debug, Default)]
struct Frames {
    /// When they were captured, in their order: for each one a picture comes out, unless it is broken.
    captured_at: VecDeque<SystemTime>,
    /// Whether a picture has come out at all.
    has_begun: bool,
    /// Whether frames were forgotten since the last picture came out. The encoder may hang.
    has_forgotten: bool,
}

impl UnderWay {
    pub(super) fn enter(&self, captured_at: SystemTime) {
        self.frames().captured_at.push_back(captured_at);
    }

    pub(super) fn leave(&self) -> Option<SystemTime> {
        let mut frames = self.frames();
        let captured_at = frames.captured_at.pop_front();
        (frames.has_begun, frames.has_forgotten) = (true, false);
        drop(frames);
        self.one_less.notify_one();
        captured_at
    }

    pub(super) fn is_full(&self) -> bool {
        self.frames().captured_at.len() >= MAX_UNDER_WAY
    }

    /// Whether nothing is to come out.
    pub(super) fn is_idle(&self) -> bool {
        let frames = self.frames();
        frames.captured_at.is_empty() && !frames.has_forgotten
    }

    /// Waits until it is not full. If no picture comes out for too long those that are in it are forgotten, or nothing
    /// would ever go in again. Gives how many that were.
    pub(super) async fn room(&self) -> u64 {
        let patience = if self.frames().has_begun { ROOM_PATIENCE } else { START_PATIENCE };
        let has_room = timeout(patience, async {
            while self.is_full() {
                self.one_less.notified().await;
            }
        });
        if has_room.await.is_ok() { 0 } else { self.forget() }
    }

    fn forget(&self) -> u64 {
        let mut frames = self.frames();
        let forgotten = frames.captured_at.len() as u64;
        frames.captured_at.clear();
        frames.has_forgotten = true;
        forgotten
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than there is no room.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn full() -> UnderWay {
        let under_way = UnderWay::default();
        under_way.enter(SystemTime::now());
        under_way.leave();
        assert!(under_way.is_idle());
        (0..MAX_UNDER_WAY).for_each(|_| under_way.enter(SystemTime::now()));
        under_way
    }

    #[tokio::test]
    async fn frames_of_which_no_picture_comes_out_make_room_after_a_while() {
        let under_way = full();
        let forgotten = timeout(PATIENCE, under_way.room()).await.unwrap();
        assert_eq!((forgotten, under_way.is_full()), (MAX_UNDER_WAY as u64, false));
        assert!(!under_way.is_idle(), "an encoder that hangs is still found out");
        under_way.leave();
        assert!(under_way.is_idle());
    }

    #[tokio::test]
    async fn a_picture_that_comes_out_makes_room_and_nothing_is_forgotten() {
        let under_way = full();
        let (forgotten, captured_at) = tokio::join!(under_way.room(), async { under_way.leave() });
        assert_eq!((forgotten, captured_at.is_some(), under_way.is_full()), (0, true, false));
    }
}
