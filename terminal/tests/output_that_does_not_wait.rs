//! Standard output and standard error that somebody has set not to wait: this same test binary plays the program.

#![cfg(unix)]

use std::fmt;
use std::io::{PipeReader, Read, Write};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde::Serialize;
use terminal::stderr::{self, Stderr};
use terminal::{Reporter, StatsArgs, StatsFormat};

const ROLE: &str = "OUTPUT_TEST_ROLE";
const LINES: u32 = 300;
/// More than a pipe holds, in so many lines.
const LINE_LEN: usize = 1_000;

#[derive(Serialize)]
struct Figures(String);

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn line(number: u32) -> String {
    format!("{number:0>LINE_LEN$}")
}

/// Not a test of its own: what the child runs. Without the variable it does nothing.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let interval = Duration::from_millis(1);
    let start = Instant::now();
    let mut reporter =
        Reporter::new(StatsArgs { format: StatsFormat::Json, interval }, start, role == "statistics on stderr");
    for number in 1..=LINES {
        if role == "messages" {
            Stderr.write_all(format!("{:?}\n", line(number)).as_bytes()).unwrap();
        } else {
            reporter.report(start + interval * number, || Figures(line(number)));
        }
    }
    stderr::flush(Duration::from_secs(20));
    std::process::exit(0);
}

fn read_slowly(mut reader: PipeReader) -> String {
    let (mut read, mut some) = (Vec::new(), [0; 5_000]);
    loop {
        thread::sleep(Duration::from_millis(1));
        match reader.read(&mut some).unwrap() {
            0 => return String::from_utf8(read).unwrap(),
            len => read.extend(&some[..len]),
        }
    }
}

#[test]
fn a_slow_reader_gets_every_line() {
    for role in ["statistics on stdout", "statistics on stderr", "messages"] {
        let (reader, writer) = std::io::pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]).env(ROLE, role);
        // The other one is not looked at.
        let (stdout, stderr) = match role {
            "statistics on stdout" => (writer.into(), std::process::Stdio::null()),
            _ => (std::process::Stdio::null(), writer.into()),
        };
        let mut child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
        // It holds the other end of the pipe.
        drop(command);
        let read = read_slowly(reader);
        assert!(child.wait().unwrap().success(), "{role}");
        for number in 1..=LINES {
            assert!(read.contains(&format!("{:?}\n", line(number))), "{role}: line {number} is missing");
        }
    }
}
