//! What the program cannot do it says, in one message, and ends with the status that its help lists.

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::process::Stdio;

use crate::scene::{self, Program, sender};

/// Ends with `status`, having said `said`, and having sent nothing.
fn refused(arguments: &[&str], status: i32, said: &[&str]) {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    let common = ["--remote", &remote, "--source", "test", "--frames", "3", "--stats", "none"];
    let ended = Program::start(&[&common[..], arguments].concat()).wait();
    ended.expect(status, said);
    assert!(ended.stdout.is_empty(), "{ended:?}");
    receiver.set_nonblocking(true).unwrap();
    assert!(receiver.recv(&mut [0; 2]).is_err(), "it sent something: {arguments:?}");
}

#[test]
fn values_out_of_range_are_a_wrong_command_line() {
    for (arguments, said) in [
        (["--quality", "0"], "give a whole number from 1 to 100"),
        (["--quality", "101"], "give a whole number from 1 to 100"),
        (["--size", "0x0"], "each from 1 to 65535, for example 1280x720"),
        (["--size", "640"], "for example 1280x720"),
        (["--size", "65501x1"], "each side has 1 to 65500 pixels"),
        (["--size", "65535x65535"], "the whole at most 67108864"),
        (["--fps", "0"], "from 0.001 to 1000"),
        (["--frames", "0"], "give a whole number, 1 or more"),
        (["--duration", "0"], "must be more than 0"),
        (["--datagram-size", "1"], "give auto, or a number of bytes from 2 to 65507"),
        (["--datagram-size", "65508"], "from 2 to 65507"),
        (["--remote", "127.0.0.1"], "no port; give HOST:PORT, for example 127.0.0.1:12345"),
        (["--remote", "127.0.0.1:0"], "nobody can be reached on port 0"),
        (["--frames", "ten"], "give a whole number, 1 or more"),
        (["--source", "camera:one"], "camera:0"),
        (["--source", "ftp://host/a"], "http, https, rtsp and rtsps"),
        (["--stats", "xml"], "invalid value 'xml'"),
    ] {
        refused(&arguments, 2, &[said, arguments[0].trim_start_matches('-')]);
    }
}

#[test]
fn the_longest_side_that_is_not_refused_is_sent() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    let arguments = ["--remote", &remote, "--source", "test", "--size", "65500x1", "--frames", "2", "--stats", "json"];
    let ended = Program::start(&arguments).wait();
    ended.expect(0, &[]);
    assert_eq!(ended.totals()["frames"], 2);
}

#[test]
fn options_that_another_one_makes_void_are_a_wrong_command_line() {
    let text = ["--announce-text", "here", "--multicast", "224.3.29.71"];
    for (arguments, said) in [
        (&["--cipher", "aes"][..], "--key-file"),
        (&[&text[..], &["--wire", "sequenced"]].concat(), "--announce-text goes with --wire plain"),
        (&[&text[..], &["--fec", "20"]].concat(), "--announce-text goes with --wire plain"),
        (&["--source", "http://ann:secret@127.0.0.1:9/", "--speed", "2"], "http://127.0.0.1:9/ is none"),
    ] {
        refused(arguments, 2, &[said]);
    }
}

#[test]
fn why_it_failed_is_said_however_little_else_is() {
    let ended = Program::start(&["-qq", "--remote", "127.0.0.1:9", "--source", "no-such-file.mp4"]).wait();
    ended.expect(1, &["there is no file or folder no-such-file.mp4"]);
    let ended = Program::start(&["-qq", "--remote", "127.0.0.1:9", "--source", "test", "--frames", "1"]).wait();
    assert_eq!(ended.stderr.lines().filter(|line| !line.starts_with("total: ")).count(), 0, "{ended:?}");
}

#[test]
fn somebody_to_send_to_must_be_named() {
    let ended = Program::start(&["--source", "test"]).wait();
    ended.expect(2, &["--remote <HOST:PORT>"]);
}

#[test]
fn what_turns_out_to_be_impossible_is_a_failure() {
    for (arguments, said) in [
        (["--source", "no-such-file.mp4"], &["no-such-file.mp4", "check the name"][..]),
        (["--remote", "camera.invalid:9"], &["cannot resolve camera.invalid", "check the spelling"]),
        (["--remote", "255.255.255.255:9"], &["255.255.255.255:9", "name the address of each receiver"]),
        (
            ["--datagram-size", "40"],
            &["does not fit in 255 datagrams of 40 bytes, which carry 9945; use larger", "or choose --wire sequenced"],
        ),
    ] {
        refused(&arguments, 1, said);
    }
    // Such datagrams the other wire has not.
    let short = Program::start(&["--remote", "127.0.0.1:9", "--source", "test", "--datagram-size", "10"]).wait();
    short.expect(1, &["does not fit in 255 datagrams of 10 bytes"]);
    assert!(!short.stderr.contains("--wire"), "{}", short.stderr);
}

#[test]
fn something_that_is_no_video_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.mp4");
    std::fs::write(&text, "Dear reader, there is no video in here.").unwrap();
    let text = text.to_str().unwrap();
    refused(&["--source", text], 1, &[if cfg!(feature = "opencv") { text } else { "OpenCV" }]);
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    refused(&["--source", empty], 1, &["no image", empty]);
}

#[test]
fn what_was_left_out_is_said_in_a_sentence() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    let jpeg = scene::jpeg(1);
    let input = [&jpeg[..], &jpeg[..jpeg.len() / 2]].concat();
    let ended = Program::start_with_input(&["--remote", &remote, "--source", "-"], input).wait();
    ended.expect(
        0,
        &["JPEGs of standard input that were broken or cut short were left out: 1, beside 1 that were whole\n"],
    );
}

#[test]
fn a_stream_without_a_jpeg_is_complained_of_before_it_ends() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    let mut command = sender();
    command.args(["--remote", &remote, "--source", "-", "--duration", "30"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&vec![b'0'; 1 << 20]).unwrap();
    let said = "standard input has no whole JPEG in its first 1048576 bytes: it must be JPEGs one after another";
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(said)), "not before its time was over");
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(lines.any(|line| line.contains("standard input ended after 1048576 bytes without one whole JPEG")));
}

#[test]
fn a_picture_that_came_damaged_is_sent_said_and_counted() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    let jpeg = scene::jpeg(1);
    let scan = jpeg.windows(2).position(|marker| marker == [0xFF, 0xDA]).unwrap();
    let half = [&jpeg[..(scan + 14 + jpeg.len()) / 2], &[0xFF, 0xD9]].concat();
    let arguments = ["--remote", &remote, "--source", "-", "--quality", "50", "--stats", "json"];
    let ended = Program::start_with_input(&arguments, half.repeat(2)).wait();
    ended.expect(0, &["a JPEG came damaged, and is sent with what could be read of it"]);
    assert_eq!(ended.stderr.matches("damaged, and is sent").count(), 1, "{ended:?}");
    assert_eq!((&ended.totals()["frames"], &ended.totals()["damaged"]), (&2.into(), &2.into()));
}

#[test]
fn a_stream_in_which_no_picture_can_be_encoded_is_a_failure() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = receiver.local_addr().unwrap().to_string();
    // Well formed for whoever walks its markers, but with tables that no decoder takes.
    let mut jpeg = scene::jpeg(1).to_vec();
    let tables = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC4]).unwrap();
    jpeg[tables + 5..tables + 21].fill(0xFE);
    let arguments = ["--remote", &remote, "--source", "-", "--quality", "50", "--stats", "json"];
    let ended = Program::start_with_input(&arguments, jpeg).wait();
    ended.expect(1, &["cannot decode"]);
    assert_eq!(ended.totals()["dropped"]["undecodable"], 1);
}

#[test]
fn a_link_local_address_without_its_interface_is_told_how_to_name_it() {
    let said = "write [fe80::7%eth0]:9, with the interface's name";
    refused(&["--remote", "[fe80::7]:9"], 1, &["[fe80::7]:9", said]);
    let ended = Program::start(&["doctor", "--remote", "[fe80::7]:9"]).wait();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let report = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains(said) && !report.contains("route add"), "{report}");
}

#[test]
fn without_descriptors_it_is_said_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.jpg");
    std::fs::write(&image, scene::jpeg(1)).unwrap();
    for most in 7..16 {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]).arg(sender().get_program());
        shell.args(["--frames", "1", "--stats", "none", "--remote", "127.0.0.1:9", "--source"]).arg(&image);
        let ended = Program::spawn(&mut shell).wait();
        assert!(ended.status == Some(0) || ended.stderr.contains("Too many open files"), "{most}: {ended:?}");
    }
}
