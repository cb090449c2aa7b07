//! What a program prints instead of its work: a key, a script, help. Whoever asks for that gets all of it, or is told.

use std::io::{self, Write};

/// Standard output does not take it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what} to standard output: {source}")]
pub struct StdoutError {
    what: &'static str,
    source: io::Error,
}

/// Prints `bytes`, which are `what`: `the key`.
///
/// # Errors
/// [`StdoutError`]. A pipe that is closed is among its causes, which [counts as done](crate::exit::conclude).
pub fn print(what: &'static str, bytes: &[u8]) -> Result<(), StdoutError> {
    print_to(&mut io::stdout().lock(), what, bytes)
}

pub(crate) fn print_to(output: &mut impl Write, what: &'static str, bytes: &[u8]) -> Result<(), StdoutError> {
    // Else what stands behind the last line's end is written when nobody hears of it any more.
    output.write_all(bytes).and_then(|()| output.flush()).map_err(|source| StdoutError { what, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::conclude;
    use crate::{ExitStatus, Failure};

    /// As a disk is, or a pipe.
    struct Refusing(io::ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn what_is_not_taken_is_named_and_where_it_was_to_go() {
        let full = print_to(&mut Refusing(io::ErrorKind::StorageFull), "the key", b"0").unwrap_err();
        assert_eq!(Failure::from(full).to_string(), "cannot write the key to standard output: no storage space");
    }

    #[test]
    fn a_closed_pipe_still_counts_as_done() {
        let closed = print_to(&mut Refusing(io::ErrorKind::BrokenPipe), "the key", b"0").unwrap_err();
        assert_eq!(conclude("sender", Err(closed.into())), ExitStatus::Done);
    }
}
