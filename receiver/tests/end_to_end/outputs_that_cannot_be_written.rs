//! Outputs that cannot be written: refused before anything is touched where that can be known; else given up, said,
//! and the stream goes on.

use crate::scene::{Clip, Ended, Found, Peer, Program, frames_in, in_bash};
use std::io::Read;

fn refused(arguments: &[&str]) -> Ended {
    Program::start(arguments.iter().copied()).end()
}

#[test]
fn a_recording_that_exists_is_kept_unless_it_may_be_replaced() {
    let clip = Clip::of(5);
    let file = clip.argument("a.mkv");
    std::fs::write(&file, "precious").unwrap();
    refused(&["--record", &file]).expect(1, &[&file, "exists", "--overwrite"]);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");

    // Without a stream there is nothing to replace it by.
    refused(&["--record", &file, "--overwrite", "--duration", "0.1"]).expect(0, &["nothing was recorded"]);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");

    let receiver = Program::start(["--record", &file, "--overwrite", "--frames", "5"]);
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    receiver.end().expect(0, &["recording: 5 frames"]);
    let expected = Found { pictures: (0..5).collect(), rest: 0 };
    assert_eq!(frames_in(file.as_ref(), 0.0, &clip), expected);
}

#[test]
fn snapshots_that_exist_are_kept_unless_they_may_be_replaced() {
    let clip = Clip::of(5);
    let folder = clip.argument("snapshots");
    std::fs::create_dir(&folder).unwrap();
    let first = clip.path("snapshots/000001.jpg");
    std::fs::write(&first, "precious").unwrap();
    refused(&["--snapshots", &folder]).expect(1, &["000001.jpg exists", "--overwrite"]);
    assert_eq!(std::fs::read(&first).unwrap(), b"precious");

    let receiver = Program::start(["--snapshots", &folder, "--overwrite", "--frames", "5"]);
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    receiver.end().expect(0, &[]);
    assert_eq!(clip.snapshots(folder.as_ref()), [0, 1, 2, 3, 4]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_nothing_else_is_said_of_it() {
    let ended = refused(&["--record", "/dev/null", "--overwrite"]);
    ended.expect(1, &["/dev/null"]);
    assert!(!ended.stderr.contains("Matroska"), "{}", ended.stderr);
}

#[test]
fn a_folder_that_is_not_there() {
    let clip = Clip::of(1);
    let file = clip.argument("missing/a.mkv");
    refused(&["--record", &file]).expect(1, &[&file, "check that its folder exists"]);
    // A folder for snapshots is made, but not in place of a file.
    std::fs::write(clip.path("file"), "").unwrap();
    let folder = clip.argument("file/snapshots");
    refused(&["--snapshots", &folder]).expect(1, &[&folder, "cannot"]);
}

#[test]
fn a_disk_that_is_full_ends_the_recording_and_not_the_stream() {
    let clip = Clip::of(30);
    let (file, folder) = (clip.argument("a.mkv"), clip.argument("snapshots"));
    // A file may have 512 KiB, which is a third of the clip: for the recording as if the disk were full, and more than
    // any snapshot needs.
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--frames", "30", "--stats", "json"];
    let outputs = ["--record", &file, "--snapshots", &folder];
    let line = "trap '' XFSZ; ulimit -f 512; exec \"$@\"";
    let receiver = Program::spawn(&mut in_bash(line, &[&arguments[..], &outputs].concat()));
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    receiver.says("recording stopped: ");
    let ended = receiver.end();
    ended.expect(
        1,
        &["recording stopped: cannot write to", &file, "receiver: recording stopped before the stream ended"],
    );
    assert_eq!(ended.stderr.matches("cannot write to").count(), 1, "{}", ended.stderr);
    assert_eq!(ended.totals()["frames"], 30);
    assert_eq!(clip.snapshots(folder.as_ref()), (0..30).collect::<Vec<_>>());

    let recorded = frames_in(file.as_ref(), 0.0, &clip);
    assert!((5..15).contains(&recorded.pictures.len()), "{recorded:?}");
    assert_eq!(recorded, Found { pictures: (0..recorded.pictures.len()).collect(), rest: 0 });
    let line = format!("recording: {} frames", recorded.pictures.len());
    ended.expect(1, &[&line]);
}

#[test]
fn an_output_that_fails_alone_is_said_once() {
    let clip = Clip::of(30);
    let file = clip.argument("a.mkv");
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--record", &file];
    let receiver = Program::spawn(&mut in_bash("trap '' XFSZ; ulimit -f 512; exec \"$@\"", &arguments));
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    let ended = receiver.end();
    ended.expect(1, &["receiver: cannot write to", &file]);
    assert_eq!(ended.stderr.matches("cannot write to").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_standard_output_that_was_set_not_to_wait_is_waited_for() {
    let clip = Clip::of(40);
    // The flag is the pipe's, and stays when the program begins.
    let line =
        "exec python3 -c 'import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])' \"$@\"";
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--stdout", "--frames", "40"];
    let mut receiver = Program::spawn_unread(&mut in_bash(line, &arguments));
    let mut pipe = receiver.stdout();
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    let mut bytes = vec![0];
    pipe.read_exact(&mut bytes).unwrap();
    // More comes meanwhile than a pipe holds, and less than may wait.
    std::thread::sleep(std::time::Duration::from_millis(300));
    pipe.read_to_end(&mut bytes).unwrap();
    receiver.end().expect(0, &["stdout: 40 frames on standard output"]);
    assert_eq!(clip.which(&bytes), (0..40).collect::<Vec<_>>());
}

#[test]
fn frames_that_are_no_pictures_are_counted_and_not_said_one_by_one() {
    let clip = Clip::of(1);
    let file = clip.argument("a.mkv");
    let receiver = Program::start(["--record", &file, "--frames", "20"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..20 {
        let datagram = [b"\x01\xFF\xD8 no headers ", &[number][..], b"\xFF\xD9"].concat();
        socket.send_to(&datagram, receiver.address()).unwrap();
    }
    let ended = receiver.end();
    ended.expect(0, &["recording: 20 frames came that are no pictures; none was recorded"]);
    let said = ended.stderr.lines().filter(|line| line.contains("not recorded to")).count();
    assert_eq!(said, 5, "of the 1st, 2nd, 4th, 8th and 16th: {}", ended.stderr);
    assert!(!std::path::Path::new(&file).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn why_standard_output_failed_is_said_where_all_else_goes_on() {
    let clip = Clip::of(10);
    let file = clip.argument("a.mkv");
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--frames", "10", "--stdout", "--record", &file];
    let receiver = Program::spawn(&mut in_bash("exec \"$@\" >/dev/full", &arguments));
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    let line = receiver.says("stdout stopped: ");
    assert!(line.contains("cannot write to standard output: No space left on device"), "{line}");
    let ended = receiver.end();
    ended.expect(1, &["recording: 10 frames", "stdout stopped before the stream ended; why is said above"]);
    assert_eq!(ended.stderr.matches("No space left").count(), 1, "{}", ended.stderr);
}
