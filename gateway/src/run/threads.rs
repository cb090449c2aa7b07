//! The threads that all else runs on.

use std::io::{self, Write as _};
use std::panic;

use terminal::stderr::Stderr;
use terminal::{Failure, exit};
use tokio::runtime::{Builder, Runtime};

/// What to do where the system gives too few threads.
const ADVICE: &str = "allow more threads (ulimit -u, or TasksMax= of the unit)";

/// Starts the thread that writes messages, so that it is there to say that there are no more.
pub(super) fn start_messages() {
    // It never fails.
    let _ = Stderr.write(&[]);
}

/// There is no thread to do `what`.
pub(super) fn missing(what: &str, error: &io::Error) -> Failure {
    Failure::new(format!("cannot {what}: {error}")).with_advice(ADVICE)
}

/// Starts the threads that serve, and one for what waits.
///
/// # Errors
/// The system has no handles to wait with. Where it has too few threads the program ends: the runtime panics then, and
/// as it falls it waits for threads that end for no reason.
pub(super) fn start() -> io::Result<Runtime> {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|panic| {
        let reason = panic.payload().downcast_ref::<String>().map_or("the runtime panics", String::as_str);
        let failure = Failure::new(format!("cannot start the threads that serve: {reason}")).with_advice(ADVICE);
        let status = exit::conclude("gateway", Err(failure));
        std::process::exit(status.code().into());
    }));
    let runtime = Builder::new_multi_thread().enable_all().thread_name("serve").build();
    if let Ok(runtime) = &runtime {
        // What is started is kept for the next one, which is soon.
        drop(runtime.spawn_blocking(|| ()));
    }
    panic::set_hook(usual);
    runtime
}
