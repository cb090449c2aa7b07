//! SIGINT, SIGTERM and SIGHUP as a flag that threads can wait for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs, io, mem};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::ExitStatus;

/// Whether the user has asked the program to end. Clones share the answer.
///
/// The first signal asks; the program then closes what it has open. Another one, a second later or more, from someone
/// who does not want to wait for that, ends the process at once with [`ExitStatus::Failed`]. Sooner it is the same wish:
/// a script passes on what the terminal has sent to all.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

/// What is printed last is waited for until so long after the program was asked to end, since programs end within a
/// second. One deadline for all of it: waits of their own would add up.
const LAST_WORDS: Duration = Duration::from_millis(850);

/// But each for a moment at least, which is enough for whoever reads.
const MOMENT: Duration = Duration::from_millis(20);

/// When this process was first asked to end.
static ASKED: OnceLock<Instant> = OnceLock::new();

/// How long what is printed last is waited for: for `most`, and less where the program was asked to end some time ago.
pub(crate) fn patience(most: Duration) -> Duration {
    patience_after(ASKED.get().map(Instant::elapsed), most)
}

fn patience_after(asked: Option<Duration>, most: Duration) -> Duration {
    asked.map_or(most, |ago| most.min(LAST_WORDS.saturating_sub(ago).max(MOMENT)))
}

/// A signal that comes so long after the first one or later is another wish. Programs end by then, if they can.
const SAME_WISH: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Shared {
    /// Whether it speaks for the process.
    is_installed: bool,
    /// Behind an `Arc` of its own because that is what the signal handler takes.
    asked: Arc<AtomicBool>,
    /// Whether the next signal ends the process.
    next_ends: Arc<AtomicBool>,
    /// Held for the moment between looking at `asked` and waiting, so that no wake-up falls between the two.
    gate: Mutex<Told>,
    changed: Condvar,
}

/// Who is told, once.
#[derive(Default)]
struct Told(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to tell", self.0.len())
    }
}

impl Interrupt {
    /// Listens to SIGINT, SIGTERM and SIGHUP, which a terminal sends that is closed, from here on, for the life of the
    /// process.
    ///
    /// A shell starts a background job of a script with SIGINT ignored; this listens to it all the same. SIGHUP that is
    /// ignored, as by `nohup`, stays so.
    ///
    /// # Errors
    ///
    /// The handlers or the thread that waits for signals cannot be set up.
    pub fn install() -> io::Result<Self> {
        let interrupt = Self { shared: Arc::new(Shared { is_installed: true, ..Shared::default() }) };
        let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        let signals = [SIGINT, SIGTERM].into_iter().chain(hangup);
        for signal in signals.clone() {
            let status = i32::from(ExitStatus::Failed.code());
            flag::register_conditional_shutdown(signal, status, Arc::clone(&interrupt.shared.next_ends))?;
            flag::register(signal, Arc::clone(&interrupt.shared.asked))?;
        }
        // A handler may not wake a condition variable (signal-safety(7)), so a thread does.
        let mut signals = Signals::new(signals)?;
        let woken = interrupt.clone();
        crate::thread::start("signals", move || {
            for _ in &mut signals {
                woken.set();
                thread::sleep(SAME_WISH);
                woken.shared.next_ends.store(true, Ordering::SeqCst);
            }
        })?;
        Ok(interrupt)
    }

    /// A flag that no signal sets, for tests and for programs that handle signals themselves.
    #[must_use]
    pub fn manual() -> Self {
        Self::default()
    }

    /// Asks the program to end, as a signal would: for the key `q`, a closed window, the last frame of a limit.
    pub fn set(&self) {
        if self.shared.is_installed {
            ASKED.get_or_init(Instant::now);
        }
        self.shared.asked.store(true, Ordering::SeqCst);
        let mut gate = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let told = mem::take(&mut gate.0);
        self.shared.changed.notify_all();
        drop(gate);
        told.into_iter().for_each(|tell| tell());
    }

    /// Has `tell` called when the program is asked to end, or at once if it has been: for threads that wait for
    /// something else too, and so need not look here every now and then. It runs on the thread that asks, which it must
    /// not hold up.
    pub fn when_set(&self, tell: impl FnOnce() + Send + 'static) {
        let mut gate = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_set() {
            drop(gate);
            tell();
        } else {
            gate.0.push(Box::new(tell));
        }
    }

    /// Has `message` sent when the program is asked to end, or at once if it has been, for as long as `sender` is held by
    /// somebody: whoever reads the other end learns all the same that all others have gone.
    pub fn send_when_set<T: Send + 'static>(&self, sender: &Arc<mpsc::Sender<T>>, message: T) {
        let sender = Arc::downgrade(sender);
        self.when_set(move || {
            if let Some(sender) = sender.upgrade() {
                // Nobody may listen any more.
                let _ = sender.send(message);
            }
        });
    }

    /// Whether the program has been asked to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Waits until the program is asked to end, at most for `timeout`; says whether it was.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        // A timeout beyond what the clock can name is no timeout.
        let deadline = Instant::now().checked_add(timeout);
        let mut gate = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_set() {
            let remaining = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
            if remaining.is_zero() {
                return false;
            }
            gate = self.shared.changed.wait_timeout(gate, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Whether this process was started with a signal ignored. Where the system does not tell (proc_pid_status(5)), it counts
/// as if.
fn is_ignored(signal: i32) -> bool {
    fs::read_to_string("/proc/self/status").ok().and_then(|status| is_ignored_in(&status, signal)).unwrap_or(true)
}

/// The same, as it stands in the process's status: a bit for each signal, the lowest for signal 1.
fn is_ignored_in(status: &str, signal: i32) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_what_is_printed_last_do_not_add_up() {
        let ms = Duration::from_millis;
        assert_eq!(patience_after(None, ms(5_000)), ms(5_000));
        for (before, after) in [(0, 400), (500, 850), (600, 850), (700, 870), (840, 880), (900, 940)] {
            let totals = ms(before) + patience_after(Some(ms(before)), ms(200));
            let messages = totals + patience_after(Some(totals), ms(200));
            assert_eq!(messages, ms(after), "what was open took {before} ms to end");
        }
        // One that does not speak for the process ends nothing.
        Interrupt::manual().set();
        assert_eq!(patience(ms(5_000)), ms(5_000));
    }

    #[test]
    fn what_is_ignored_is_read_from_the_status() {
        let status =
            "Name:\treceiver\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";
        assert_eq!(is_ignored_in(status, SIGHUP), Some(true));
        assert_eq!(is_ignored_in(status, SIGINT), Some(false));
        assert_eq!(is_ignored_in("Name:\tSigIgn\n", SIGHUP), None);
        assert_eq!(is_ignored_in("SigIgn:\tnothing\n", SIGHUP), None);
    }

    #[test]
    fn waiting_ends_with_the_timeout() {
        let interrupt = Interrupt::manual();
        assert!(!interrupt.wait_timeout(Duration::ZERO));
        assert!(!interrupt.wait_timeout(Duration::from_millis(5)));
        assert!(!interrupt.is_set());
    }

    #[test]
    fn who_wants_to_be_told_is_told_once() {
        let (says, said) = mpsc::channel();
        let tell = |word| {
            let says = says.clone();
            move || says.send(word).unwrap()
        };
        let interrupt = Interrupt::manual();
        interrupt.when_set(tell("before"));
        assert_eq!(said.try_recv(), Err(mpsc::TryRecvError::Empty));
        interrupt.set();
        interrupt.when_set(tell("after"));
        interrupt.set();
        assert_eq!(said.try_iter().collect::<Vec<_>>(), ["before", "after"]);
    }

    #[test]
    fn a_message_is_sent_while_somebody_holds_the_sender() {
        let interrupt = Interrupt::manual();
        let (held, heard) = mpsc::channel();
        let (gone, silent) = mpsc::channel();
        let (held, gone) = (Arc::new(held), Arc::new(gone));
        interrupt.send_when_set(&held, "asked");
        interrupt.send_when_set(&gone, "asked");
        drop(gone);
        assert_eq!(silent.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        interrupt.set();
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["asked"]);
    }

    #[test]
    fn every_clone_that_waits_is_woken() {
        let interrupt = Interrupt::manual();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let interrupt = interrupt.clone();
                thread::spawn(move || interrupt.wait_timeout(Duration::MAX))
            })
            .collect();
        thread::sleep(Duration::from_millis(20));
        interrupt.set();
        for thread in waiting {
            assert!(thread.join().unwrap());
        }
        assert!(interrupt.wait_timeout(Duration::ZERO), "stays set");
    }
}
