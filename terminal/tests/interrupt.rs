//! Real signals, sent to a child: this same test binary, told by an environment variable to play the program.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use terminal::Interrupt;

const ROLE: &str = "INTERRUPT_TEST_ROLE";
/// Longer than any test here takes; the child ends by itself then, with a status that no test expects.
const PATIENCE: Duration = Duration::from_secs(20);

/// Not a test of its own: what the child runs. Without the variable it does nothing.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let interrupt = Interrupt::install().unwrap();
    println!("ready");
    if role == "told" {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        println!("asked is {}", interrupt.wait_timeout(Duration::from_millis(100)));
    }
    let asked = interrupt.wait_timeout(PATIENCE);
    println!("asked");
    match role.as_str() {
        "stuck" => std::thread::sleep(PATIENCE),
        "closing" => std::thread::sleep(Duration::from_millis(300)),
        _ => {}
    }
    std::process::exit(if asked { 0 } else { 9 });
}

struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    fn start(role: &str) -> Self {
        Self::spawn(&mut Command::new(std::env::current_exe().unwrap()), role)
    }

    /// As `nohup` does.
    fn start_without_hangup(role: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
        Self::spawn(&mut command, role)
    }

    fn spawn(command: &mut Command, role: &str) -> Self {
        let command = command.args(["--exact", "child", "--nocapture"]).env(ROLE, role);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self { child, stdout };
        program.wait_for("ready");
        program
    }

    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        // The harness prints lines, and beginnings of lines, of its own.
        while !line.trim_end().ends_with(word) {
            line.clear();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "the child ended before it said {word:?}");
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(status.success());
    }

    fn status(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

#[test]
fn the_first_signal_asks() {
    for signal in ["INT", "TERM", "HUP"] {
        let program = Program::start("prompt");
        program.signal(signal);
        assert_eq!(program.status(), Some(0), "SIG{signal}");
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let mut program = Program::start_without_hangup("told");
    program.signal("HUP");
    program.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    program.wait_for("asked is false");
    program.signal("TERM");
    assert_eq!(program.status(), Some(0));
}

#[test]
fn two_signals_at_once_are_one_wish() {
    for (first, second) in [("INT", "INT"), ("INT", "TERM"), ("HUP", "HUP")] {
        let mut program = Program::start("closing");
        program.signal(first);
        program.wait_for("asked");
        program.signal(second);
        assert_eq!(program.status(), Some(0), "SIG{first}, then SIG{second}");
    }
}

#[test]
fn a_signal_a_second_later_ends_the_process_at_once() {
    for (first, second) in [("INT", "INT"), ("TERM", "TERM"), ("INT", "TERM"), ("HUP", "TERM")] {
        let mut program = Program::start("stuck");
        program.signal(first);
        program.wait_for("asked");
        std::thread::sleep(Duration::from_millis(1500));
        program.signal(second);
        assert_eq!(program.status(), Some(1), "SIG{first}, then SIG{second}");
    }
}
