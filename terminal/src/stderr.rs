//! Standard error for programs that move frames: whoever says something never waits for whoever reads it.
//!
//! A pipe that nobody reads fills up, and then writing to it waits. What is said goes into a queue therefore, of which a
//! thread of its own writes. Only where the system gives no thread, it is written by whoever says it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::lines::Lines;
use crate::patient::Patient;
use crate::thread;

/// Bytes of lines that may wait to be written. Lines beyond are left out, and counted.
const MAX_WAITING: usize = 4 << 20;

/// What is written to it goes to standard error, each write as a line of its own. It never waits and never fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        queue().put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until all that was said is written, but not longer than `patience`: to be called before the process ends.
pub fn flush(patience: Duration) {
    if let Some(queue) = QUEUE.get() {
        queue.flush(patience);
    }
}

static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

fn queue() -> &'static Queue {
    QUEUE.get_or_init(|| Queue::start(output()))
}

/// Writes to [it](own), and waits for whoever reads it.
pub(crate) fn output() -> Box<dyn Write + Send> {
    match own() {
        Ok(own) => Box::new(Patient::new(own)),
        Err(_) => Box::new(Patient::new(io::stderr())),
    }
}

/// Standard error as the program was started with it, whatever [libraries](crate::libraries) write to by now: one
/// descriptor for all who ask, so that it is there also when there are no more.
///
/// # Errors
/// The system has none to give.
pub(crate) fn own() -> io::Result<&'static File> {
    static OWN: OnceLock<File> = OnceLock::new();
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let own = io::stderr().as_fd().try_clone_to_owned()?.into();
    Ok(OWN.get_or_init(|| own))
}

static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// From now on libraries write elsewhere.
pub(crate) fn take() {
    IS_TAKEN.store(true, Ordering::Relaxed);
}

/// [It](own), where libraries write elsewhere.
pub(crate) fn taken() -> Option<&'static File> {
    if IS_TAKEN.load(Ordering::Relaxed) { own().ok() } else { None }
}

/// What waits to be written.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    output: Mutex<Output>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    is_writing: bool,
    left_out: u64,
    /// Nobody writes what waits: there is no thread.
    is_direct: bool,
}

/// Where it is written.
struct Output {
    lines: Lines<Box<dyn Write + Send>>,
    /// Lines that could not be written.
    unwritten: u64,
}

impl Queue {
    /// A queue with the thread that writes to `output`.
    fn start(output: Box<dyn Write + Send>) -> Arc<Self> {
        Self::start_on(output, |write| thread::start("messages", write).map(drop))
    }

    /// The same with `spawn` to start the thread.
    fn start_on(
        output: Box<dyn Write + Send>,
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Arc<Self> {
        let output = Mutex::new(Output { lines: Lines::new(output), unwritten: 0 });
        let queue = Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), output });
        let own = Arc::clone(&queue);
        let started = spawn(Box::new(move || own.write_for_ever()));
        queue.lock().is_direct = started.is_err();
        queue
    }

    fn put(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.is_direct {
            drop(state);
            return self.write(line);
        }
        if state.waiting_bytes + line.len() <= MAX_WAITING {
            state.waiting_bytes += line.len();
            state.waiting.push_back(line.to_vec());
        } else {
            state.left_out += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    fn write_for_ever(&self) -> ! {
        loop {
            let state = self.lock();
            let mut state = self
                .changed
                .wait_while(state, |state| state.waiting.is_empty() && state.left_out == 0)
                .unwrap_or_else(PoisonError::into_inner);
            // What was left out is newer than what waits.
            let line = state.waiting.pop_front().unwrap_or_else(|| {
                left_out(std::mem::take(&mut state.left_out), "since nobody read them").into_bytes()
            });
            state.waiting_bytes = state.waiting_bytes.saturating_sub(line.len());
            state.is_writing = true;
            drop(state);
            self.write(&line);
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    fn write(&self, line: &[u8]) {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).write(line);
    }

    fn flush(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty() || state.left_out > 0;
        // What is not read in time is not read.
        drop(self.changed.wait_timeout_while(self.lock(), patience, is_busy));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    /// With standard error gone there is nowhere to say so; where it is a file on a disk that is full, there may be room
    /// again later.
    fn write(&mut self, line: &[u8]) {
        if self.unwritten > 0 {
            let notice = left_out(self.unwritten, "as the output took nothing");
            if self.lines.put(notice.as_bytes()).is_ok() {
                self.unwritten = 0;
            }
        }
        if self.lines.put(line).is_err() {
            self.unwritten += 1;
        }
    }
}

fn left_out(count: u64, why: &str) -> String {
    let lines = if count == 1 { "line is" } else { "lines are" };
    format!("warning: {count} {lines} left out here, {why}\n")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::lines::tests::Disk;

    /// Takes a line for each permit, and hands it on.
    struct Reader {
        permits: mpsc::Receiver<()>,
        lines: mpsc::Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.lines.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (Arc<Queue>, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (permit, permits) = mpsc::channel();
        let (lines, read) = mpsc::channel();
        (Queue::start(Box::new(Reader { permits, lines })), permit, read)
    }

    #[test]
    fn lines_are_written_in_order_before_the_end() {
        let (queue, permit, read) = queue();
        for line in ["a\n", "b\n"] {
            queue.put(line.as_bytes());
            permit.send(()).unwrap();
        }
        queue.flush(Duration::from_secs(60));
        assert_eq!(read.try_iter().collect::<Vec<_>>(), ["a\n", "b\n"]);
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_is_left_out_is_counted() {
        let (queue, permit, read) = queue();
        queue.put(b"first\n");
        // The thread has it now, and waits for its reader.
        while !queue.lock().is_writing {
            std::thread::yield_now();
        }
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let lines = MAX_WAITING / line.len();
        for _ in 0..lines + 7 {
            queue.put(&line);
        }
        queue.flush(Duration::from_millis(1));
        for _ in 0..lines + 2 {
            permit.send(()).unwrap();
        }
        queue.flush(Duration::from_secs(60));
        let read: Vec<_> = read.try_iter().collect();
        assert_eq!(read.len(), lines + 2);
        assert_eq!(read.last().unwrap(), "warning: 7 lines are left out here, since nobody read them\n");
        assert_eq!(queue.lock().waiting_bytes, 0);
    }

    #[test]
    fn a_reader_that_has_gone_holds_up_nothing() {
        let (queue, permit, _read) = queue();
        drop(permit);
        queue.put(b"a\n");
        queue.flush(Duration::from_secs(60));
        assert!(!queue.lock().is_writing);
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_counted_when_there_is_room_again() {
        let disk = Disk::default();
        let queue = Queue::start(Box::new(disk.clone()));
        let put = |line: &str| {
            queue.put(line.as_bytes());
            queue.flush(Duration::from_secs(60));
        };
        disk.has_room_for(5);
        ["a\n", "begun\n", "left out\n", "this too\n"].into_iter().for_each(put);
        assert_eq!(disk.text(), "a\nbeg");
        disk.has_room_for(1000);
        put("b\n");
        let notice = "warning: 2 lines are left out here, as the output took nothing\n";
        assert_eq!(disk.text(), format!("a\nbegun\n{notice}b\n"));
    }

    #[test]
    fn without_a_thread_it_is_written_at_once() {
        let disk = Disk::default();
        disk.has_room_for(1000);
        let queue = Queue::start_on(Box::new(disk.clone()), |_| Err(io::ErrorKind::WouldBlock.into()));
        queue.put(b"cannot go on\n");
        queue.flush(Duration::from_secs(60));
        assert_eq!(disk.text(), "cannot go on\n");
    }
}
