//! How the program ends, and what it says then: a status for scripts, a message for people.

use crate::scene::{Clip, Ended, Peer, Program, in_bash, receiver, wait_for};
use std::process::Command;

fn ended(arguments: &[&str]) -> Ended {
    Program::spawn(&mut receiver(arguments)).end()
}

#[test]
fn a_port_that_is_in_use() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = ended(&["--bind", &address, "--display", "never"]);
    ended.expect(1, &[&address, "in use", "end it", "choose another port"]);
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
}

#[test]
fn an_address_of_another_machine() {
    ended(&["--bind", "203.0.113.77:12345", "--display", "never"]).expect(1, &["203.0.113.77:12345", "0.0.0.0"]);
}

#[test]
fn a_link_local_address_without_its_interface() {
    let said = "write [fe80::7%eth0]:12345, with the interface's name";
    ended(&["--bind", "[fe80::7]:12345", "--display", "never"]).expect(1, &["[fe80::7]:12345", said]);
    let tcp = ["--tcp", "[fe80::7]:12345", "--display", "never", "--timeout", "0.5", "-qq"];
    ended(&tcp).expect(3, &[said]);
}

#[test]
fn a_name_that_does_not_resolve() {
    // RFC 6761, section 6.4: no such name will ever be.
    ended(&["--bind", "nowhere.invalid:12345", "--display", "never"]).expect(1, &["nowhere.invalid", "resolve"]);
}

#[test]
fn command_lines_that_are_wrong() {
    let wrong: [(&[&str], &str); 13] = [
        (&["--multicast", "192.168.1.1"], "not a multicast group"),
        (&["--multicast", "camera.example"], "224.3.29.71"),
        (&["--multicast", "224.3.29.71:99999"], "port"),
        (&["--from", "camera"], "192.168.1.20"),
        (&["--bind", "localhost"], "port"),
        (&["--frames", "0"], "--frames"),
        (&["--duration", "0"], "--duration"),
        (&["--timeout", "-1"], "--timeout"),
        (&["--timeout=-1"], "--timeout"),
        (&["--display", "sometimes"], "always"),
        (&["--stats", "xml"], "json"),
        (&["--unheard-of"], "--unheard-of"),
        (&["--bind", "0.0.0.0:12345", "--multicast", "224.3.29.71"], "cannot be used with"),
    ];
    for (arguments, word) in wrong {
        ended(arguments).expect(2, &[word]);
    }
}

#[test]
fn a_window_without_a_display() {
    let ended = ended(&["--bind", "127.0.0.1:0", "--display", "always"]);
    ended.expect(1, &["no window", "leave out --display always"]);
}

#[test]
fn nobody_sends() {
    let ended = ended(&["--bind", "127.0.0.1:0", "--display", "never", "--timeout", "1"]);
    ended.expect(3, &["no frame on 127.0.0.1:", "for 1 s", "is the sender running"]);
}

#[test]
fn the_sender_ends() {
    let clip = Clip::of(3);
    let receiver = Program::start(["--timeout", "3", "--stats", "json"]);
    Peer::tagged(&clip, receiver.address(), &[]).finish();
    let ended = receiver.end();
    ended.expect(3, &["3 frames had come before"]);
    assert_eq!(ended.totals()["frames"], 3);
}

#[test]
fn what_comes_is_no_video() {
    let receiver = Program::start(["--timeout", "1"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..5 {
        socket.send_to(b"\x01Hello", receiver.address()).unwrap();
    }
    receiver.end().expect(3, &["5 datagrams came, but no whole frame"]);
}

#[test]
fn whoever_waits_in_vain_is_told_why_and_who_knows_more() {
    let receiver = Program::start(["--from", "192.0.2.1", "--duration", "8", "--stats", "text"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..5 {
        socket.send_to(b"\x01Hello", receiver.address()).unwrap();
    }
    receiver.says("no frame yet, 5 datagrams  unwanted 5");
    let line = receiver.says("5 datagrams have come to 127.0.0.1:");
    assert!(line.contains("they come from others than --from names"), "{line}");
    assert!(line.contains("end this and run: receiver doctor --bind 127.0.0.1:"), "{line}");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!(ended.stderr.matches("receiver doctor").count(), 1, "{}", ended.stderr);
}

#[test]
fn time_is_up() {
    ended(&["--bind", "127.0.0.1:0", "--display", "never", "--duration", "0.5"]).expect(0, &[]);
}

#[test]
fn the_user_ends_it_before_anything_came() {
    for signal in ["INT", "TERM"] {
        let receiver = Program::start(["--stats", "json"]);
        receiver.address();
        receiver.signal(signal);
        let ended = receiver.end();
        ended.expect(0, &[]);
        assert_eq!(ended.totals()["frames"], 0);
        assert_eq!(ended.totals()["source"], serde_json::Value::Null);
    }
}

#[test]
fn the_user_ends_it_while_it_is_still_opening_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("key").display().to_string();
    assert!(Command::new("mkfifo").args(["-m", "600", &pipe]).status().unwrap().success());
    // Nobody ever writes there.
    let recording = folder.path().join("out.mkv").display().to_string();
    let asked = ["--key-file", &pipe, "--record", &recording];
    let arguments = [&["--bind", "127.0.0.1:0", "--display", "never", "--stats", "json"][..], &asked].concat();
    let receiver = Program::spawn(&mut receiver(&arguments));
    wait_for("a thread that opens", || (!receiver.spent(Some("open")).is_empty()).then_some(()));
    receiver.signal("TERM");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!((&ended.totals()["frames"], &ended.totals()["dropped"]["gap"]), (&0.into(), &0.into()));
    assert!(!std::path::Path::new(&recording).exists(), "an empty one would be in the way of the next");
}

#[test]
fn a_recording_into_a_pipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--record", &pipe, "--overwrite"];
    let ended = Program::spawn(&mut receiver(&arguments)).end();
    ended.expect(1, &[&format!("{pipe} is no file"), "--stdout"]);
}

#[test]
fn whoever_reads_standard_output_has_had_enough() {
    let clip = Clip::of(30);
    let arguments = ["--bind", "127.0.0.1:0", "--display", "never", "--stdout"];
    let line = r#"{ "$@"; echo "status $?" >&2; } | head -c 100000 | wc -c"#;
    let receiver = Program::spawn(&mut in_bash(line, &arguments));
    let _peer = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
    let ended = receiver.end();
    ended.expect(0, &["status 0"]);
    assert_eq!(String::from_utf8(ended.stdout).unwrap().trim(), "100000");
    for word in ["error", "warning", "pipe"] {
        assert!(!ended.stderr.contains(word), "{}", ended.stderr);
    }
}

#[test]
fn a_source_that_can_send_nothing_to_the_group_is_refused() {
    for (group, from) in [("ff15::71", "192.0.2.1"), ("232.1.2.3", "fd77::1")] {
        let mut receiver = receiver(&["--multicast", group, "--interface", "lo", "--from", from]);
        Program::spawn(&mut receiver).end().expect(2, &[from, "nothing would ever come"]);
    }
}

#[test]
fn a_group_is_joined_and_not_listened_on() {
    let ended = ended(&["--bind", "224.3.29.71:12345", "--display", "never"]);
    ended.expect(2, &["224.3.29.71 is a multicast group", "--multicast 224.3.29.71:12345"]);
}

#[test]
fn that_there_is_no_window_is_said_to_whoever_asks_for_nothing_else() {
    let mut auto = receiver(&["--bind", "127.0.0.1:0", "--duration", "0.1"]);
    Program::spawn(&mut auto).end().expect(0, &["no window, since there is no display", "--display never"]);
    let mut piped = receiver(&["--bind", "127.0.0.1:0", "--duration", "0.1", "--stdout"]);
    assert!(!Program::spawn(&mut piped).end().stderr.contains("window"));
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let mut bound = receiver(&["--bind", "127.0.0.1:0", "--display", "never", "--duration", "0.1"]);
    Program::spawn(bound.env("SEGMENT_MULTICAST", "224.3.29.71")).end().expect(0, &["listening on 127.0.0.1:"]);
    let mut joined = receiver(&["--multicast=224.3.29.71:21777", "--interface", "lo", "--display", "never"]);
    let joined = joined.args(["--duration", "0.1"]).env("SEGMENT_BIND", "127.0.0.1:0");
    Program::spawn(joined).end().expect(0, &["joined 224.3.29.71:"]);
    for (name, value) in [("LATENCY", "5"), ("FROM", "192.0.2.1"), ("BIND", "127.0.0.1:0"), ("RECORD", "")] {
        let mut fetching = receiver(&["--tcp", "127.0.0.1:1", "--display", "never", "--duration", "0.1"]);
        Program::spawn(fetching.env(format!("SEGMENT_{name}"), value)).end().expect(0, &["fetching from"]);
    }
    // It is for groups, and there may be none today.
    let mut bound = receiver(&["--bind", "127.0.0.1:0", "--display", "never", "--duration", "0.1"]);
    Program::spawn(bound.envs([("SEGMENT_INTERFACE", "lo"), ("SEGMENT_ALL", "false")])).end().expect(0, &[]);
    let mut both = receiver(&["--bind", "127.0.0.1:0", "--multicast", "224.3.29.71"]);
    Program::spawn(&mut both).end().expect(2, &["cannot be used with"]);
}

#[test]
fn the_command_line_wins_over_the_environment_also_by_what_options_are_set_to() {
    let command = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = receiver(&[&["--bind", "127.0.0.1:0", "--duration", "0.1"], arguments].concat());
        let variables = variables.iter().map(|(name, value)| (format!("SEGMENT_{name}"), value));
        Program::spawn(command.envs(variables)).end()
    };
    command(&["--display", "never"], &[("ALL", "1")]).expect(0, &["listening on 127.0.0.1:"]);
    // A window is asked for, and there is none here.
    command(&["--all"], &[("DISPLAY", "never")]).expect(1, &["DISPLAY"]);
    let named = ["'--all' is set by the environment variable SEGMENT_ALL", "'--display' is set by"];
    command(&[], &[("ALL", "1"), ("DISPLAY", "never")]).expect(2, &named);
    // A key is not left out for anything.
    let named = ["'--key-file' is set by the environment variable SEGMENT_KEY_FILE"];
    let mut fetching = receiver(&["--tcp", "127.0.0.1:1", "--display", "never"]);
    Program::spawn(fetching.env("SEGMENT_KEY_FILE", "stream.key")).end().expect(2, &named);
}
