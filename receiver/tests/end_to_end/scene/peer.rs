//! Senders written from the description of the wire alone, in Python.

use super::server::python_with;
use super::{Clip, wait_for};
use serde_json::Value;
use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A sender at work. It is killed with this value, if it has not ended by then.
pub(crate) struct Peer {
    process: Child,
}

impl Peer {
    /// A sender as old peers have it, without tags.
    pub(crate) fn old(clip: &Clip, to: SocketAddr, arguments: &[&str]) -> Self {
        Self::start("old_sender.py", clip, to, arguments)
    }

    /// A sender that tags its frames.
    pub(crate) fn tagged(clip: &Clip, to: SocketAddr, arguments: &[&str]) -> Self {
        Self::start("tagged_sender.py", clip, to, arguments)
    }

    /// A sender on the sequenced wire.
    pub(crate) fn sequenced(clip: &Clip, to: SocketAddr, arguments: &[&str]) -> Self {
        Self::start("sequenced_sender.py", clip, to, arguments)
    }

    fn start(name: &str, clip: &Clip, to: SocketAddr, arguments: &[&str]) -> Self {
        let mut command = Self::python();
        command.arg(format!("{PEERS}/{name}")).arg(clip.folder());
        command.args(["--remote", &to.to_string()]).args(arguments);
        Self::spawn(command)
    }

    /// A Python that finds the peers' modules, and leaves no compiled ones behind.
    pub(crate) fn python() -> Command {
        Self::python_at("python3")
    }

    /// One that also finds this module.
    pub(crate) fn python_with(module: &str) -> Command {
        Self::python_at(python_with(module))
    }

    fn python_at(program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-B").env("PYTHONPATH", PEERS);
        command
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { process }
    }

    /// Waits until it has sent all; gives what it says of that.
    pub(crate) fn finish(mut self) -> Value {
        let status = wait_for("the sender", || self.process.try_wait().unwrap());
        assert!(status.success(), "the sender failed");
        let mut said = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        serde_json::from_str(&said).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(super) const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers");
