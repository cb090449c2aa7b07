//! The real program, started as a user would.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program with none of the settings of whoever runs the tests.
pub(crate) fn sender() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sender"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SEGMENT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
    command
}

/// A program that runs.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = sender();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    /// Starts it as this command says.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    /// Starts it with these bytes on standard input.
    pub(crate) fn start_with_input(arguments: &[&str], input: Vec<u8>) -> Self {
        let mut command = sender();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may end before it has read all.
        std::thread::spawn(move || stdin.write_all(&input));
        Self { child }
    }

    /// Asks it to end, and says how long that took.
    pub(crate) fn signal(self, name: &str) -> (Ended, Duration) {
        let asked = Instant::now();
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(status.success());
        let ended = self.wait();
        (ended, asked.elapsed())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(self) -> Ended {
        Ended::from(self.child.wait_with_output().unwrap())
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The JSON on its standard output, line by line.
    pub(crate) fn figures(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last line of that, which must say that it is the last, and be the only one that does.
    pub(crate) fn totals(&self) -> Value {
        let mut figures = self.figures();
        let totals = figures.pop().unwrap_or_else(|| panic!("no statistics: {self:?}"));
        assert_eq!(totals["final"], true, "{self:?}");
        assert!(figures.iter().all(|line| line.get("final").is_none()), "{self:?}");
        totals
    }

    pub(crate) fn expect(&self, status: i32, said: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        for words in said {
            assert!(self.stderr.contains(words), "it does not say {words:?}: {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
