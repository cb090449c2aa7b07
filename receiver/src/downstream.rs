//! The receiving end of a stream, for programs.

mod error;
mod monitor;

use crate::Frame;
use crate::builder::Builder;
use crate::counters::Mark;
use crate::figures::Figures;
use crate::queue::FrameQueue;
use crate::receive::Shared;
use crate::roster::NewestOfEach;
pub use error::DownstreamError;
use media::mailbox::{Reader, Taken, Waited};
pub use monitor::Monitor;
use segment::socket::Granted;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Name of the mailbox behind [`Downstream::recv_frame`] and [`Downstream::latest`] in the figures.
const OWN_MAILBOX: &str = "application";

/// The receiving end of a stream: whole frames, as they come.
///
/// A thread receives and reassembles as long as this lives. Frames can be taken from it in three ways, all at once
/// if need be: the newest ([`recv_frame`](Self::recv_frame), [`latest`](Self::latest), or a mailbox of one's own by
/// [`newest`](Self::newest)), or every one through a bounded queue ([`every`](Self::every)). These are frames of one
/// source at a time. Those of all that send here are in [`newest_of_each`](Self::newest_of_each).
///
/// ```no_run
/// use receiver::Downstream;
///
/// let downstream = Downstream::builder().bind("0.0.0.0:12345".parse()?).start()?;
/// loop {
///     let frame = downstream.recv_frame()?;
///     println!("{} bytes from {}", frame.byte_len(), frame.source);
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A loop that has other things to do, as that of a window, looks at each of its turns, and learns of the end there:
///
/// ```no_run
/// # use receiver::{Downstream, DownstreamError};
/// # use std::time::Duration;
/// # fn turn(downstream: &Downstream) -> Result<(), DownstreamError> {
/// match downstream.recv_timeout(Duration::ZERO) {
///     Ok(Some(frame)) => println!("to be shown: {} bytes", frame.byte_len()),
///     Ok(None) => {} // Nothing new: what is shown stays.
///     Err(DownstreamError::Ended) => println!("there will be no more"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// Closing and dropping it wait for its thread, up to 50 ms; [`Monitor::stop`] does not.
#[derive(Debug)]
pub struct Downstream {
    monitor: Monitor,
    thread: Option<JoinHandle<()>>,
    own: Reader<Frame>,
    origin: String,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) granted: Option<Granted>,
}

/// When it is dropped, there will be no more frames: whoever waits for one is told, also where the thread has panicked,
/// which is noted then.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_panicked.store(true, Ordering::Relaxed);
        }
        self.0.outlets.close();
    }
}

impl Downstream {
    /// Says how to receive, then [`start`](Builder::start)s.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Starts the thread that gets frames, which is all that `work` does.
    pub(crate) fn on_thread(
        name: &str,
        origin: String,
        shared: Arc<Shared>,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<Self, DownstreamError> {
        let own = shared.outlets.newest(OWN_MAILBOX);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn({
                let ending = Ending(Arc::clone(&shared));
                move || {
                    ending.0.wait_for_release();
                    work(&ending.0);
                }
            })
            .map_err(DownstreamError::Thread)?;
        let start = Instant::now();
        let mark = Arc::new(Mutex::new(Mark::start(start)));
        let monitor = Monitor { shared, own_is_read: Arc::default(), start, mark, thread: thread.thread().clone() };
        Ok(Self { monitor, thread: Some(thread), own, origin, local: None, granted: None })
    }

    /// Begins to take frames, where that was [held](Builder::hold).
    pub fn release(&self) {
        self.monitor.shared.is_held.store(false, Ordering::Relaxed);
        self.monitor.thread.unpark();
    }

    /// Waits for a frame newer than the last one taken. What came in between was replaced by it.
    ///
    /// # Errors
    /// [`DownstreamError::Ended`] once there will be no more.
    pub fn recv_frame(&self) -> Result<Frame, DownstreamError> {
        loop {
            if let Some(frame) = self.recv_timeout(Duration::MAX)? {
                return Ok(frame);
            }
        }
    }

    /// The same, but waits at most `timeout`: `None` if no frame has come by then.
    ///
    /// # Errors
    /// [`DownstreamError::Ended`] once there will be no more.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Frame>, DownstreamError> {
        self.monitor.own_is_read.store(true, Ordering::Relaxed);
        match self.own.take(timeout) {
            Taken::Value(frame) => Ok(Some(frame)),
            Taken::TimedOut => Ok(None),
            Taken::Closed => Err(DownstreamError::Ended),
        }
    }

    /// The newest frame, if one has come since the last one taken. Does not wait. That there will be no more,
    /// [`has_ended`](Self::has_ended) tells.
    #[must_use]
    pub fn latest(&self) -> Option<Frame> {
        self.monitor.own_is_read.store(true, Ordering::Relaxed);
        self.own.try_take()
    }

    /// A mailbox of one's own, in which the newest frame wins. `name` is for the [figures](Figures::replaced), which
    /// remember it after the mailbox was dropped: one name for all of a kind is best.
    #[must_use]
    pub fn newest(&self, name: &str) -> Reader<Frame> {
        self.monitor.newest(name)
    }

    /// The newest frame of each source that delivers whole frames, whether or not it is the one that is shown; with
    /// [`only_from`](Builder::only_from), of each that counts. `name` is for the figures.
    #[must_use]
    pub fn newest_of_each(&self, name: &str) -> NewestOfEach {
        self.monitor.newest_of_each(name)
    }

    /// A queue of every frame from now on, of at most a second or 64 MiB. `name` is for the figures.
    #[must_use]
    pub fn every(&self, name: &str) -> FrameQueue {
        self.monitor.shared.outlets.every(name)
    }

    /// Where frames come from, for messages: the address listened at, or the TCP sender fetched from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address listened at, with the port that the system chose if it was to choose one. `None` over TCP.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// What the kernel granted of the receive buffer. `None` over TCP, where the system makes it as long as it is
    /// needed.
    #[must_use]
    pub fn granted(&self) -> Option<Granted> {
        self.granted
    }

    /// Whether there will be no more frames and the last one has been taken: what [`recv_frame`](Self::recv_frame) would
    /// say. Who takes frames elsewhere, or none, asks [`Monitor::has_ended`].
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.own.wait(Duration::ZERO) == Waited::Closed
    }

    /// Whether that is because the receiving thread has panicked, which is a fault of this library.
    #[must_use]
    pub fn has_panicked(&self) -> bool {
        self.monitor.shared.has_panicked.load(Ordering::Relaxed)
    }

    /// Whether the source that was shown has said that its stream is over, and no other has taken its place.
    #[must_use]
    pub fn has_source_ended(&self) -> bool {
        self.monitor.has_source_ended()
    }

    /// Why there is no connection over TCP at the moment; it is tried again.
    #[must_use]
    pub fn lost_because(&self) -> Option<String> {
        self.monitor.shared.counters().lost_because.clone()
    }

    /// The same in words for people, with what to do about it.
    pub(crate) fn no_connection(&self) -> Option<String> {
        self.monitor.shared.counters().no_connection.clone()
    }

    /// Frames handed on so far, and when the last one was.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<Instant>) {
        self.monitor.progress()
    }

    /// The figures, with rates and latency since they were last taken this way, by this or any [`Monitor`] of it.
    #[must_use]
    pub fn take_interval(&self) -> Figures {
        self.monitor.take_interval()
    }

    /// The figures, with rates and latency since the start.
    #[must_use]
    pub fn totals(&self) -> Figures {
        self.monitor.totals()
    }

    /// What reads the figures from any thread.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Ends receiving, and waits until that is done, up to 50 ms, as dropping it does. Mailboxes and queues give what is still in them, then say that they
    /// are closed. [`Monitor::stop`] does the same from any thread, also while another one waits for a frame here.
    pub fn close(&mut self) {
        self.monitor.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the receiving thread has panicked; this is a fault of this program");
        }
        self.monitor.shared.outlets.close();
    }
}

impl Drop for Downstream {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_so_long_has_no_frame_then() {
        let (says, heard) = std::sync::mpsc::channel::<()>();
        let work = move |_: &Shared| assert!(heard.recv().is_err());
        let downstream = Downstream::on_thread("receive", "here".to_owned(), Arc::default(), work).unwrap();
        assert!(matches!(downstream.recv_timeout(Duration::from_millis(1)), Ok(None)));
        drop(says);
        assert!(matches!(downstream.recv_timeout(Duration::MAX), Err(DownstreamError::Ended)));
    }

    #[test]
    fn whoever_waits_for_a_frame_is_released_from_another_thread() {
        for is_held in [false, true] {
            let builder = Builder::new().bind("127.0.0.1:0".parse().unwrap());
            let downstream = if is_held { builder.hold() } else { builder }.start().unwrap();
            let (monitor, frames) = (downstream.monitor(), downstream.every("file"));
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| downstream.recv_frame());
                std::thread::sleep(Duration::from_millis(10));
                monitor.stop();
                assert!(matches!(waiting.join().unwrap(), Err(DownstreamError::Ended)));
            });
            assert!(matches!(frames.take(Duration::MAX), Taken::Closed));
        }
    }

    #[test]
    fn it_has_ended_when_the_last_frame_was_taken_and_no_more_come() {
        let (says, heard) = std::sync::mpsc::channel::<()>();
        let work = move |shared: &Shared| {
            let frame = crate::frame::tests::frame(1, &b"picture"[..]);
            shared.outlets.put(Instant::now(), &frame);
            assert!(heard.recv().is_err());
        };
        let downstream = Downstream::on_thread("receive", "here".to_owned(), Arc::default(), work).unwrap();
        let monitor = downstream.monitor();
        assert!(!downstream.has_ended() && !monitor.has_ended());
        drop(says);
        let begin = Instant::now();
        while !monitor.has_ended() {
            assert!(begin.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!downstream.has_ended(), "a frame still lies there");
        assert!(downstream.latest().is_some() && downstream.has_ended());
        assert!(matches!(downstream.recv_timeout(Duration::ZERO), Err(DownstreamError::Ended)));
    }

    #[test]
    fn a_panic_is_an_end_too() {
        let work = |_: &Shared| panic!("as the thread that receives might");
        let downstream = Downstream::on_thread("receive", "here".to_owned(), Arc::default(), work).unwrap();
        assert!(matches!(downstream.recv_timeout(Duration::MAX), Err(DownstreamError::Ended)));
        assert!(matches!(downstream.recv_frame(), Err(DownstreamError::Ended)));
        assert!(downstream.has_panicked());
    }
}
