//! Whatever shows a window, on a thread of its own: a display that does not answer, as one behind a connection that is
//! gone, holds up nothing else. What waits inside of the windowing system can be ended by the end of the program only.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A window is waited for so long before anything else begins: it is to show the first picture, too.
pub const OPEN_PATIENCE: Duration = Duration::from_secs(2);

/// Says of the display that a window was to open on that it does not answer.
#[must_use]
pub fn no_answer() -> String {
    format!("the display {} does not answer", std::env::var_os("DISPLAY").unwrap_or_default().display())
}

/// A window on its thread.
#[derive(Debug)]
pub struct Screen<E> {
    happened: Receiver<Happened<E>>,
    is_wanted: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What has happened to the window.
#[derive(Debug, PartialEq, Eq)]
pub enum Happened<E> {
    /// It is there.
    Opened,
    /// The user wants to end. It is closed.
    Quit,
    /// It did not open, or was lost.
    Failed(E),
}

/// What the thread of the window tells and is told.
#[derive(Debug)]
pub struct Stage<E> {
    says: Sender<Happened<E>>,
    is_wanted: Arc<AtomicBool>,
}

impl<E: Send + 'static> Screen<E> {
    /// Starts the thread "window", which does `show`: opens the window, says so, and shows what there is for as long as it
    /// [is wanted](Stage::is_wanted), or until the user wants to end.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn raise(show: impl FnOnce(&Stage<E>) -> Result<(), E> + Send + 'static) -> io::Result<Self> {
        let (says, happened) = mpsc::channel();
        let is_wanted = Arc::new(AtomicBool::new(true));
        let stage = Stage { says, is_wanted: Arc::clone(&is_wanted) };
        let thread = thread::Builder::new().name("window".to_owned()).spawn(move || {
            let last = match show(&stage) {
                Ok(()) => Happened::Quit,
                Err(error) => Happened::Failed(error),
            };
            // Nobody may want to know any more.
            let _ = stage.says.send(last);
        })?;
        Ok(Self { happened, is_wanted, thread })
    }

    /// Waits until the window is there, at most for [`OPEN_PATIENCE`] and as long as it `is_worth` it. False if it is not
    /// there yet: its display does not answer.
    ///
    /// # Errors
    /// Why it did not open.
    pub fn wait_open(&self, is_worth: impl Fn() -> bool) -> Result<bool, E> {
        const LOOK: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + OPEN_PATIENCE;
        while is_worth() && Instant::now() < deadline {
            match self.next(LOOK) {
                Some(Happened::Failed(error)) => return Err(error),
                Some(Happened::Opened | Happened::Quit) => return Ok(true),
                None => {}
            }
        }
        Ok(false)
    }

    /// What has happened, once. Waits for it at most for so long. A thread that has panicked counts as a user who wants to
    /// end: there is no window any more.
    pub fn next(&self, timeout: Duration) -> Option<Happened<E>> {
        match self.happened.recv_timeout(timeout) {
            Ok(happened) => Some(happened),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Happened::Quit),
        }
    }

    /// Closes the window. Waits for that at most for so long: a display that does not answer keeps it open until the end
    /// of the program.
    pub fn close(self, patience: Duration) {
        const STEP: Duration = Duration::from_millis(5);
        self.is_wanted.store(false, Ordering::Relaxed);
        let deadline = Instant::now() + patience;
        while !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(STEP);
        }
    }
}

impl<E> Stage<E> {
    /// Says that the window is there.
    pub fn opened(&self) {
        // Nobody may want to know any more.
        let _ = self.says.send(Happened::Opened);
    }

    /// Whether the window is to stay open.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_EVER: Duration = Duration::from_secs(60);

    #[test]
    fn what_happens_is_told_in_its_order() {
        let screen = Screen::<()>::raise(|stage| {
            stage.opened();
            Ok(())
        });
        let screen = screen.unwrap();
        assert_eq!([screen.next(FOR_EVER), screen.next(FOR_EVER)], [Some(Happened::Opened), Some(Happened::Quit)]);
        for waits in [false, true] {
            let screen = Screen::raise(|_| Err("no display")).unwrap();
            if waits {
                assert_eq!(screen.wait_open(|| true), Err("no display"));
            } else {
                assert_eq!(screen.next(FOR_EVER), Some(Happened::Failed("no display")));
            }
        }
    }

    #[test]
    fn a_window_is_closed_and_one_that_does_not_answer_is_left_to_itself() {
        let (says_closed, closed) = mpsc::channel();
        let screen = Screen::<()>::raise(move |stage| {
            while stage.is_wanted() {
                thread::yield_now();
            }
            says_closed.send(()).unwrap();
            Ok(())
        });
        screen.unwrap().close(FOR_EVER);
        closed.try_recv().unwrap();

        let (answer, silence) = mpsc::channel::<()>();
        let screen = Screen::<()>::raise(move |_| silence.recv().map_err(drop)).unwrap();
        assert_eq!((screen.next(Duration::ZERO), screen.wait_open(|| false)), (None, Ok(false)));
        screen.close(Duration::from_millis(1));
        drop(answer);
    }
}
