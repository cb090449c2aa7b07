//! The program under test, as a shell or a script sees it.

use super::wait_for;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The program with these arguments, and with no settings and no display of whoever runs the tests.
pub(crate) fn receiver(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_receiver"));
    command.args(arguments);
    without_settings(command)
}

/// A line of bash in which `"$@"` is the program with these arguments.
pub(crate) fn in_bash(line: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", line, "bash", env!("CARGO_BIN_EXE_receiver")]).args(arguments);
    without_settings(command)
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let foreign = ["RUST_LOG", "DISPLAY", "WAYLAND_DISPLAY"].iter().any(|foreign| name == *foreign);
        if foreign || name.to_string_lossy().starts_with("SEGMENT_") {
            command.env_remove(name);
        }
    }
    command
}

/// A program at work. It is killed with this value, if it has not ended by then.
pub(crate) struct Program {
    process: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    /// Standard output, where it is not read.
    unread: Option<ChildStdout>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` where a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// What a thread has spent, as the kernel's scheduler counts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// On a processor.
    pub(crate) running: Duration,
    /// Ready to run, and waiting for a processor.
    pub(crate) queued: Duration,
}

impl Spent {
    fn read(schedstat: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(schedstat).ok()?;
        let mut fields = text.split(' ').map(|field| Duration::from_nanos(field.trim().parse().unwrap()));
        Some(Self { running: fields.next()?, queued: fields.next()? })
    }
}

impl Program {
    /// The receiver on a port that is free, without a window.
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::spawn(receiver(&["--bind", "127.0.0.1:0", "--display", "never"]).args(arguments))
    }

    /// Whatever `command` is. Its output is read all the time, so that it never waits for us.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut program = Self::spawn_unread(command);
        let (mut pipe, read) = (program.unread.take().unwrap(), Arc::clone(&program.stdout));
        program.readers.push(std::thread::spawn(move || read_all(&mut pipe, &read)));
        program
    }

    /// Whatever `command` is, with a standard output that nobody reads and nobody closes.
    pub(crate) fn spawn_unread(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stderr = Arc::default();
        let (pipe, read) = (process.stderr.take().unwrap(), Arc::clone(&stderr));
        let readers = vec![std::thread::spawn(move || read_lines(pipe, &read))];
        let unread = process.stdout.take();
        Self { process, stdout: Arc::default(), stderr, readers, unread }
    }

    /// Standard output, to be read by whoever asks, where it was [left unread](Self::spawn_unread).
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.unread.take().unwrap()
    }

    /// Waits until it says a line with `words` in it on standard error; gives that line.
    pub(crate) fn says(&self, words: &str) -> String {
        wait_for(&format!("{words:?} on standard error"), || {
            let is_over = self.readers.iter().all(JoinHandle::is_finished);
            let line = self.said().lines().find(|line| line.contains(words)).map(str::to_owned);
            assert!(line.is_some() || !is_over, "it ended without {words:?}, saying {:?}", self.said());
            line
        })
    }

    /// What it has said on standard error until now.
    pub(crate) fn said(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.says("listening on ");
        let address = line.rsplit(' ').next().unwrap();
        address.parse().unwrap_or_else(|error| panic!("{address:?} in {line:?}: {error}"))
    }

    /// Waits until statistics on standard output are such that `enough`.
    pub(crate) fn figures(&self, what: &str, mut enough: impl FnMut(&Value) -> bool) -> Value {
        wait_for(what, || {
            let stdout = self.stdout.lock().unwrap().clone();
            let lines = String::from_utf8(stdout).unwrap();
            // The last line may not be whole yet.
            let whole = &lines[..lines.rfind('\n')? + 1];
            let figures: Value = serde_json::from_str(whole.lines().next_back()?).unwrap();
            enough(&figures).then_some(figures)
        })
    }

    /// Waits until it has received so many frames, which takes `--stats json`.
    pub(crate) fn has_frames(&self, count: u64) {
        self.figures("frames", |figures| figures["frames"].as_u64().unwrap() >= count);
    }

    /// Sends a signal: INT, TERM, KILL.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.process.id())]).status();
        assert!(sent.unwrap().success(), "no process to send {signal}");
    }

    /// What its threads have spent until now: those of this name, or all.
    pub(crate) fn spent(&self, thread: Option<&str>) -> Vec<Spent> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let threads = threads.map(|entry| entry.unwrap().path());
        let of_name = threads.filter(|path| {
            // A thread may have ended meanwhile.
            thread.is_none_or(|name| std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name))
        });
        of_name.filter_map(|path| Spent::read(&path.join("schedstat"))).collect()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(mut self) -> Ended {
        let status = wait_for("the end", || self.process.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let (stdout, stderr) = (self.stdout.lock().unwrap().clone(), self.said());
        Ended { status: status.code(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    /// The totals: the last line of JSON, on whichever output it stands.
    pub(crate) fn totals(&self) -> Value {
        let outputs = [String::from_utf8_lossy(&self.stdout), self.stderr.as_str().into()];
        let line = outputs.iter().flat_map(|output| output.lines()).rfind(|line| line.contains("\"final\""));
        let totals: Value = serde_json::from_str(line.expect("a last line of statistics")).unwrap();
        assert_eq!(totals["final"], true);
        totals
    }

    /// Fails unless it ended with this status and with a message that has all these words.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
    }
}

/// The JPEGs of a folder of snapshots, whose names must have no gap.
pub(crate) fn snapshots(folder: &Path) -> Vec<Vec<u8>> {
    let count = std::fs::read_dir(folder).unwrap().count();
    (1..=count).map(|number| std::fs::read(folder.join(format!("{number:06}.jpg"))).unwrap()).collect()
}

fn read_all(pipe: &mut impl Read, read: &Mutex<Vec<u8>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        read.lock().unwrap().extend_from_slice(&buffer[..count]);
    }
}

fn read_lines(pipe: impl Read, read: &Mutex<String>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        *read.lock().unwrap() += &(line + "\n");
    }
}
