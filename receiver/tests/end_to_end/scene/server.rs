//! Senders over TCP, written from the description of the framings alone, in Python.

use super::peer::PEERS;
use super::wait_for;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A server at work. It is killed with this value, if it has not ended by then.
pub(crate) struct Server {
    process: Child,
    remote: String,
}

impl Server {
    /// Sends JPEGs in the upstream framing.
    pub(crate) fn upstream(arguments: &[&str]) -> Self {
        Self::start("python3", "tcp_upstream_server.py", arguments)
    }

    /// Sends arrays of numpy in the pickle framing.
    pub(crate) fn pickle(arguments: &[&str]) -> Self {
        Self::start(python_with("numpy"), "tcp_pickle_server.py", arguments)
    }

    /// On a port that is free, unless the arguments name another.
    fn start(python: &str, script: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(python);
        command.arg("-B").arg(format!("{PEERS}/{script}")).args(["--bind", "127.0.0.1:0", "--timeout", "30"]);
        let command = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut said = String::new();
        BufReader::new(process.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        let remote =
            said.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("the server says {said:?}"));
        Self { remote: remote.to_owned(), process }
    }

    /// Where it listens.
    pub(crate) fn remote(&self) -> &str {
        &self.remote
    }

    /// Waits until it has sent all; gives what it says of that.
    pub(crate) fn finish(mut self) -> Value {
        let status = wait_for("the server", || self.process.try_wait().unwrap());
        assert!(status.success(), "the server failed");
        let mut said = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        serde_json::from_str(&said).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian's modules are found by Debian's Python, which need not be the first one in PATH.
pub(super) fn python_with(module: &str) -> &'static str {
    let has_it = |python: &&str| {
        let tried = Command::new(python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_it);
    found.unwrap_or_else(|| panic!("no Python finds {module}; script/bootstrap installs it"))
}
