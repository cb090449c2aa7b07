//! What libraries say on standard error by themselves, as those do that read video: messages of the program's own, which
//! are shown where more is asked for.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::{panic, thread};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::dup2_stderr;

use crate::{last_words, stderr};

/// Bytes of a line. What is longer is shown as several.
const MAX_LINE: u64 = 1024;

/// Has what libraries write to standard error come as messages for debugging (`-v`), for the rest of the process. They
/// neither wait for whoever reads it nor write between the program's own lines. Call it before anything that opens video.
///
/// A library that ends the process with its last words on standard error is heard where somebody
/// [watches](last_words::Watch) its thread; one that aborts it is not, so call this only where libraries are used that say
/// much. Where the system gives no pipe, libraries go on writing to standard error themselves.
pub fn take_stderr() {
    if let Err(error) = try_take_stderr() {
        tracing::debug!(%error, "what libraries say goes to standard error as it is");
    }
}

fn try_take_stderr() -> io::Result<()> {
    // Before it is another one.
    let own = stderr::own()?;
    let (reader, writer) = io::pipe()?;
    // They would rather lose a line than wait for this program, of which they are a part.
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    thread::Builder::new().name("libraries".to_owned()).spawn(move || say_all(BufReader::new(reader)))?;
    dup2_stderr(writer)?;
    stderr::take();
    // The standard library would write it where libraries do.
    panic::set_hook(Box::new(move |panic| {
        let mut own = own;
        let (name, trace) = (thread::current().name().unwrap_or("<unnamed>").to_owned(), Backtrace::capture());
        let _ = writeln!(own, "\nthread '{name}' {panic}");
        if trace.status() == BacktraceStatus::Captured {
            let _ = writeln!(own, "{trace}");
        }
    }));
    Ok(())
}

/// Says each line until there will be no more.
fn say_all(mut output: impl BufRead) {
    let mut line = Vec::new();
    while matches!(output.by_ref().take(MAX_LINE).read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            tracing::debug!("a library says: {}", text.trim());
            last_words::keep(text.trim());
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::sync::{Arc, Mutex};

    /// What is said, each message as it stands.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_line_is_a_message_and_an_endless_one_several() {
        let said = Said::default();
        let writer = said.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .without_time()
            .finish();
        let endless = "x".repeat(MAX_LINE as usize + 1);
        let output = [b"[h264 @ 0x7f] error\r\n\n\xFFodd\n", endless.as_bytes()].concat();
        tracing::subscriber::with_default(subscriber, || say_all(Cursor::new(output)));
        let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
        let said: Vec<_> = said.lines().map(|line| line.split_once("says: ").unwrap().1.len()).collect();
        assert_eq!(said, ["[h264 @ 0x7f] error".len(), "\u{FFFD}odd".len(), MAX_LINE as usize, 1]);
    }
}
