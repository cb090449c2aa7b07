//! Threads of a program, and an error that names the one for which there is no room.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread of this name.
///
/// # Errors
/// What the system says where it gives none, with the thread's name.
pub fn start<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(work).map_err(|error| not_started(name, &error))
}

fn not_started(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot start the thread \"{name}\": {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_cannot_be_started_is_named() {
        let error = not_started("signals", &io::ErrorKind::WouldBlock.into());
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(error.to_string().starts_with("cannot start the thread \"signals\": "), "{error}");
    }
}
