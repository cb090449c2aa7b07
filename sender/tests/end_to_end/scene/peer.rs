//! Peers that know nothing of our code: those of `tests/peers`, in Python.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// A peer's program.
pub(crate) fn python(script: &str) -> Command {
    let python = if script.starts_with("sealed") {
        python_with("cryptography").expect("no Python knows the package cryptography; script/bootstrap installs it")
    } else {
        "python3"
    };
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers").join(script));
    command
}

/// A peer that listens.
pub(crate) struct Peer {
    /// As it is written after `--remote`.
    pub(crate) address: String,
    child: Child,
    /// Kept open, as the peer may say more.
    _said: BufReader<ChildStderr>,
}

impl Peer {
    /// Starts `script`, and comes back once it listens.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        Self::spawn(python(script).args(["--bind", "127.0.0.1:0", "--timeout", "30"]).args(arguments))
    }

    /// Starts `script`, which is to join a group, and comes back once it has.
    pub(crate) fn join(script: &str, arguments: &[&str]) -> Self {
        Self::spawn(python(script).args(["--timeout", "30"]).args(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        // "listening on 127.0.0.1:12345"
        let address = said.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
        Self { address, child, _said: stderr }
    }

    /// Waits until it has ended, which must be with status 0, and gives what it printed.
    pub(crate) fn finish(self) -> String {
        let output = self.child.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{printed}");
        printed
    }
}

/// A Python that knows this module: Debian's modules are known to Debian's own, which need not be the first one in
/// PATH.
pub(crate) fn python_with(module: &str) -> Option<&'static str> {
    let knows_it = |python: &&str| {
        let tried = Command::new(python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(knows_it)
}
