//! However the user ends the program, it ends cleanly, soon, and says what it did.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::scene::{Program, Receiver, Running, sender};

/// It is to end within a second; the rest is for machines that compile something meanwhile.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn by_a_signal() {
    for name in ["INT", "TERM", "HUP"] {
        let receiver = Receiver::new();
        let address = receiver.address();
        let program =
            Program::start(&["--source", "test", "--size", "320x240", "--remote", &address, "--stats", "json"]);
        receiver.frame();
        let (ended, time) = program.signal(name);
        ended.expect(0, &["sending test card 320x240"]);
        assert!(time < SOON, "{time:?}");
        assert!(ended.totals()["frames"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn by_a_signal_while_nothing_comes() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let mut command = sender();
    command.args(["--source", "-", "--remote", &address, "--stats", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It listens to signals by the time it says this.
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    let begin = Instant::now();
    let kill = std::process::Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    // Standard input stays open: nobody writes to it, nobody closes it.
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    assert!(String::from_utf8(output.stdout).unwrap().contains(r#""final":true"#));
}

#[cfg(target_os = "linux")]
#[test]
fn by_a_signal_before_there_is_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("key").display().to_string();
    let made = std::process::Command::new("mkfifo").args(["-m", "600", &pipe]).status().unwrap();
    assert!(made.success());
    // Nobody ever writes there.
    let asked = ["--source", "test", "--remote", "127.0.0.1:9", "--key-file", &pipe, "--stats", "json"];
    let program = Running::spawn(sender().args(asked));
    program.has_thread("source");
    let ended = program.interrupt();
    ended.expect(0, &[]);
    let totals = ended.totals();
    assert_eq!((&totals["frames"], &totals["send_errors"]), (&0.into(), &0.into()));
    assert_eq!((&totals["dropped"]["broken"], &totals["replaced"]["encoder"]), (&0.into(), &0.into()));
}

#[test]
fn by_a_limit_of_time() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let asked = ["--source", "test", "--size", "320x240", "--duration", "0.7", "--stats-interval", "0.2"];
    let ended = Program::start(&[&asked[..], &["--remote", &address, "--stats", "json"]].concat()).wait();
    ended.expect(0, &[]);
    let lines = ended.figures();
    assert!(lines.len() >= 3, "{lines:?}");
    assert!(lines.windows(2).all(|pair| pair[0]["frames"].as_u64() <= pair[1]["frames"].as_u64()));
    let elapsed = ended.totals()["elapsed_s"].as_f64().unwrap();
    assert!(elapsed >= 0.7 && elapsed < 0.7 + SOON.as_secs_f64(), "{elapsed}");
}

#[test]
fn a_pipe_that_is_closed_silences_the_statistics_and_nothing_else() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let asked = ["--source", "test", "--size", "320x240", "--frames", "60", "--stats-interval", "0.01"];
    let mut command = sender();
    command.args(asked).args(["--remote", &address, "--stats", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("panicked"));
    receiver.exactly(60);
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_nothing() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let asked = ["--source", "test", "--size", "320x240", "--frames", "60", "--stats-interval", "0.00001"];
    let mut command = sender();
    command.args(asked).args(["--remote", &address, "--stats", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pipe = child.stdout.take();
    receiver.exactly(60);
    let begin = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    drop(pipe);
}

#[test]
fn messages_that_nobody_reads_hold_up_nothing() {
    let receiver = Receiver::new();
    let address = receiver.address();
    // More than a pipe takes, of statistics and of messages.
    let asked = ["--source", "test", "--size", "320x240", "--frames", "60", "--stats-interval", "0.00001", "-vv"];
    let mut command = sender();
    command.args(asked).args(["--remote", &address]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pipe = child.stderr.take();
    receiver.exactly(60);
    let begin = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    drop(pipe);
}

#[test]
fn completions_and_version_need_no_remote() {
    for (argument, said) in [("--completions=bash", "--remote"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let ended = Program::start(&[argument]).wait();
        ended.expect(0, &[]);
        assert!(ended.stdout.contains(said), "{ended:?}");
    }
}

/// FFmpeg writes to standard error by itself.
#[test]
fn nor_does_what_a_library_says_of_a_broken_video() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("broken.mp4").display().to_string();
    let drawn = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30", "-frames:v", "60"];
    let coded = ["-c:v", "libx264", "-g", "10", "-bsf:v", "noise=amount=200", &clip];
    let made = std::process::Command::new("ffmpeg").args(drawn).args(coded).output();
    assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}: script/bootstrap installs ffmpeg");
    let asked = ["--source", &clip, "--no-realtime", "--remote", "127.0.0.1:9", "--stats", "none"];
    let ended = Program::start(&[&asked[..], &["-v"]].concat()).wait();
    ended.expect(0, &["a library says: [h264 @ "]);
    let a_time = ended.stderr.split("a library says: ").skip(1).map(|line| line.lines().next().unwrap().len()).sum();
    let ended = Program::start(&asked).wait();
    ended.expect(0, &[]);
    assert!(!ended.stderr.contains("[h264"), "{ended:?}");

    // Until it has said more than a pipe takes.
    let times = 2 * 65_536_usize.div_ceil(a_time);
    let mut command = sender();
    command.args(asked).args(["--loop", "--frames", &(times * 60).to_string()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pipe = child.stderr.take();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it waits for whoever reads its messages");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(child.wait().unwrap().success());
    drop(pipe);
}
