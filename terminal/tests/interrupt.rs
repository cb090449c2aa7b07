//! Real signals, sent to a child: this same test binary, told by an environment variable to play the program.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
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
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
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
    for signal in ["INT", "TERM"] {
        let program = Program::start("prompt");
        program.signal(signal);
        assert_eq!(program.status(), Some(0), "SIG{signal}");
    }
}

#[test]
fn two_signals_at_once_are_one_wish() {
    for (first, second) in [("INT", "INT"), ("INT", "TERM")] {
        let mut program = Program::start("closing");
        program.signal(first);
        program.wait_for("asked");
        program.signal(second);
        assert_eq!(program.status(), Some(0), "SIG{first}, then SIG{second}");
    }
}

#[test]
fn a_signal_a_second_later_ends_the_process_at_once() {
    for (first, second) in [("INT", "INT"), ("TERM", "TERM"), ("INT", "TERM")] {
        let mut program = Program::start("stuck");
        program.signal(first);
        program.wait_for("asked");
        std::thread::sleep(Duration::from_millis(1500));
        program.signal(second);
        assert_eq!(program.status(), Some(1), "SIG{first}, then SIG{second}");
    }
}
