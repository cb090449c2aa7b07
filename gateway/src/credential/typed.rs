//! A line that is typed at the terminal and not shown there.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, mpsc};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use terminal::Interrupt;

/// Asks for `what` and reads it from standard input, which is a terminal. `None` where the user ends the program instead.
pub(super) fn line(what: &str) -> io::Result<Option<Vec<u8>>> {
    let interrupt = Interrupt::install()?;
    let _hidden = Hidden::begin()?;
    let mut stderr = io::stderr();
    write!(stderr, "{what}, which is not shown while you type it: ")?;
    stderr.flush()?;
    let (says, said) = mpsc::channel();
    let says = Arc::new(says);
    interrupt.send_when_set(&says, None);
    // On a thread of its own, as it cannot be called off.
    thread::Builder::new().name("line".to_owned()).spawn(move || {
        let mut line = Vec::new();
        let read = io::stdin().lock().read_until(b'\n', &mut line).map(|_| line);
        // Nobody listens any more where the program ends.
        let _ = says.send(Some(read));
    })?;
    let line = said.recv().ok().flatten().transpose();
    // Enter was not shown either.
    writeln!(stderr)?;
    line
}

/// Keeps what is typed from being shown, until this is dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
