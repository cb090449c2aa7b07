//! Programs that some tests need, and processes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{ZONE, peer, wait_until};

#[path = "../../../../tests/programs/mod.rs"]
mod workspace;

/// Whether all these programs are there. Where one is not, that is said and the test is passed over; in CI it fails.
pub(crate) fn are_there(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !is_there(program)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing:?} missing; script/bootstrap installs them");
    eprintln!("passed over: {missing:?} missing; script/bootstrap installs them");
    false
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The processes that `parent` has started and that are there, with their names.
pub(crate) fn children_of(parent: u32) -> Vec<(u32, String)> {
    let stat = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in parentheses and may hold anything; the state and the parent follow (proc(5)).
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let of: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (of == parent).then(|| (pid, name.to_owned()))
    };
    fs::read_dir("/proc").expect("this is Linux").flatten().filter_map(stat).collect()
}

/// A peer in Python that runs beside the test; killed when it is dropped.
pub(crate) struct Peer(Child);

impl Peer {
    /// Starts it; what it prints goes to `output`.
    pub(crate) fn start(name: &str, arguments: &[&str], output: &Path) -> Self {
        let output = fs::File::create(output).unwrap();
        let mut command = Command::new("python3");
        command.args(["-B", "-W", "error"]).arg(peer(name)).args(arguments).env("TZ", ZONE);
        Self(command.stdin(Stdio::null()).stdout(output).spawn().unwrap())
    }

    /// Waits for its end, which is to be a good one.
    pub(crate) fn finish(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program `sender` with the test card; killed when it is dropped.
pub(crate) struct Sender(Child);

impl Sender {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let common = ["--source", "test", "--fps", "20", "--stats", "none"];
        let mut command = workspace::beside(env!("CARGO_BIN_EXE_gateway"), "sender", &common);
        Self(command.args(arguments).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis server of our own; killed when it is dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // The port is free again when Redis asks for it, and hardly anybody else will have it by then.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port)
    }

    pub(crate) fn start_at(port: u16) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let redis = Self { child, port };
        wait_until("redis answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        redis
    }

    /// Has it do nothing at all, or go on: its connections stay, and what is sent to it lies with the kernel.
    pub(crate) fn stall(&self, is_stalled: bool) {
        let signal = if is_stalled { "-STOP" } else { "-CONT" };
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A JPEG of the test card, and where it lies.
pub(crate) fn card(folder: &Path, width: u32, height: u32) -> (PathBuf, Vec<u8>) {
    let options = sender::source::SourceOptions { size: Some((width, height)), ..Default::default() };
    let image = sender::source::pattern::TestCard::new(&options).unwrap().draw(7, std::time::SystemTime::now());
    let jpeg = media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap();
    let path = folder.join("card.jpg");
    fs::write(&path, &jpeg).unwrap();
    (path, jpeg.to_vec())
}
