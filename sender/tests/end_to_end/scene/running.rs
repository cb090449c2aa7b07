//! The real programs while they run, sender and receiver side by side.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Ended, sender};

/// Nothing that is waited for takes so long, even where a compiler has the machine to itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// The interface that every machine has, and on which nobody else hears what a test sends.
pub(crate) const INTERFACE: &str = "127.0.0.1";

/// The receiver beside our sender; it is built where it is missing.
static RECEIVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let sender = assert_cmd::cargo::cargo_bin!("sender").to_owned();
    let receiver = sender.with_file_name(format!("receiver{}", std::env::consts::EXE_SUFFIX));
    if !receiver.exists() {
        let folder = receiver.parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "receiver", "--target-dir"]).arg(folder.parent().unwrap());
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success(), "{build:?}");
    }
    receiver
});

/// The receiver with none of the settings, and no display, of whoever runs the tests.
fn receiver() -> Command {
    let mut command = Command::new(&*RECEIVER);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SEGMENT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").args(["--display", "never", "--stats-interval", "0.1"]);
    command
}

/// A group with a port that nobody has at the moment.
pub(crate) fn free_group() -> String {
    let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    format!("224.3.29.71:{port}")
}

/// A sender of small test cards to `group`.
pub(crate) fn send_to(group: &str, arguments: &[&str]) -> Running {
    let mut command = sender();
    command.args(["--multicast", group, "--interface", INTERFACE, "--source", "test", "--size", "160x120"]);
    Running::spawn(command.args(["--stats-interval", "0.1"]).args(arguments))
}

/// A receiver of `group`, which has joined it.
pub(crate) fn join(group: &str, arguments: &[&str]) -> Running {
    let mut command = receiver();
    command.args(["--multicast", group, "--interface", INTERFACE]).args(arguments);
    let receiver = Running::spawn(&mut command);
    receiver.says("listening on");
    receiver
}

/// A receiver of what is sent to it alone, and its address.
pub(crate) fn listen(arguments: &[&str]) -> (Running, String) {
    let mut command = receiver();
    let receiver = Running::spawn(command.args(["--bind", "127.0.0.1:0"]).args(arguments));
    let address = receiver.says("listening on ").rsplit(' ').next().unwrap().to_owned();
    (receiver, address)
}

/// A receiver that fetches from a sender over TCP.
pub(crate) fn fetch(from: &str, arguments: &[&str]) -> Running {
    Running::spawn(receiver().args(["--tcp", from]).args(arguments))
}

/// A program that runs; it is killed with this value, if it has not ended by then.
pub(crate) struct Running {
    process: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<Vec<(Instant, String)>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            each_line(process.stdout.take().unwrap(), {
                let lines: Arc<Mutex<String>> = Arc::clone(&stdout);
                move |line| *lines.lock().unwrap() += &(line + "\n")
            }),
            each_line(process.stderr.take().unwrap(), {
                let lines: Arc<Mutex<Vec<_>>> = Arc::clone(&stderr);
                move |line| lines.lock().unwrap().push((Instant::now(), line))
            }),
        ];
        Self { process, stdout, stderr, readers }
    }

    /// Waits until it says a line with `words` in it on standard error; gives that line.
    pub(crate) fn says(&self, words: &str) -> String {
        self.says_at(words).1
    }

    /// The same, with when it was said first.
    pub(crate) fn says_at(&self, words: &str) -> (Instant, String) {
        wait_for(words, || {
            let is_over = self.readers.iter().all(JoinHandle::is_finished);
            let said = self.stderr.lock().unwrap().iter().find(|(_, line)| line.contains(words)).cloned();
            assert!(said.is_some() || !is_over, "it ended without {words:?}, saying {:?}", self.said());
            said
        })
    }

    /// What it has said on standard error until now.
    pub(crate) fn said(&self) -> String {
        self.stderr.lock().unwrap().iter().map(|(_, line)| line.clone() + "\n").collect()
    }

    /// Waits until its statistics, which must be JSON, are such that `enough`.
    pub(crate) fn figures(&self, what: &str, mut enough: impl FnMut(&Value) -> bool) -> Value {
        wait_for(what, || {
            let figures = serde_json::from_str(self.stdout.lock().unwrap().lines().next_back()?).unwrap();
            enough(&figures).then_some(figures)
        })
    }

    /// Waits until it has `count` frames more than now.
    pub(crate) fn goes_on_for(&self, count: u64) {
        let frames = |figures: &Value| figures["frames"].as_u64().unwrap();
        let before = frames(&self.figures("figures", |_| true));
        self.figures("more frames", |figures| frames(figures) >= before + count);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits until it has a thread of this name.
    #[cfg(target_os = "linux")]
    pub(crate) fn has_thread(&self, name: &str) {
        let threads = format!("/proc/{}/task", self.process.id());
        wait_for(name, || {
            let threads = std::fs::read_dir(&threads).unwrap().map(|entry| entry.unwrap().path().join("comm"));
            threads.map(|comm| std::fs::read_to_string(comm).unwrap_or_default()).find(|comm| comm.trim() == name)
        });
    }

    /// Sends a signal: INT, TERM, KILL.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.process.id())]).status();
        assert!(sent.unwrap().success(), "no process to send {signal}");
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal("INT");
        self.end()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(mut self) -> Ended {
        let status = wait_for("the end", || self.process.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let stdout = std::mem::take(&mut *self.stdout.lock().unwrap());
        Ended { status: status.code(), stdout, stderr: self.said() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in a line such as "receiver 127.0.0.1:5000 has joined".
pub(crate) fn address_in(line: &str) -> SocketAddr {
    line.split([' ', ';']).find_map(|word| word.parse().ok()).unwrap_or_else(|| panic!("no address in {line:?}"))
}

/// Waits until `found` finds something; `what` is said where it never does.
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn each_line(pipe: impl Read + Send + 'static, mut take: impl FnMut(String) + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).for_each(&mut take))
}
