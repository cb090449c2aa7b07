//! Over a link that loses packets at random, as many frames come whole as the arithmetic allows, and no other.

use crate::network::Network;
use crate::programs;
use crate::scene::{Clip, Program, receiver};
use std::io::Read;
use std::process::ChildStdout;

const FRAMES: u64 = 5_000;

/// How far the share of whole frames may be from the expected one: more than four times the standard deviation, which
/// is 0.0045 where a third of 5,000 frames comes whole.
const MARGIN: f64 = 0.02;

/// Beside the stream's own, datagrams for the handshake come: a few a second, and the byes.
const CONTROLS: u64 = 500;

/// Bytes of receive buffer: a second of the stream, as it is the link that is to lose datagrams and not a busy machine.
const RECEIVE_BUFFER: &str = "67108864";

/// Reads frames to the end. Gives how many there were; fails where one is no picture of the clip.
fn count_frames(mut stdout: ChildStdout, clip: &Clip) -> u64 {
    let longest = clip.jpegs().iter().map(Vec::len).max().unwrap();
    let (mut count, mut unread, mut part) = (0, Vec::new(), vec![0; 1 << 16]);
    loop {
        let len = stdout.read(&mut part).unwrap();
        unread.extend_from_slice(&part[..len]);
        let (found, rest) = clip.split(&unread);
        assert!(
            rest < longest,
            "after frame {} come {rest} bytes that are no picture sent",
            count + found.len() as u64
        );
        count += found.len() as u64;
        unread.drain(..unread.len() - rest);
        if len == 0 {
            assert_eq!(rest, 0, "frame {} is cut short", count + 1);
            return count;
        }
    }
}

fn as_many_frames_come_whole_as_can(lost_per_mille: u32) {
    let Some(network) = Network::new(2) else { return };
    let Some(link) = network.link(1, lost_per_mille) else { return };
    // About 160 KB each.
    let clip = Clip::drawn("testsrc2=size=1280x720,noise=alls=12:allf=t", 10);
    assert!(clip.bytes() / clip.jpegs().len() > 150_000);

    let arguments = ["--bind", "0.0.0.0:12345", "--display", "never", "--stdout", "--stats", "json"];
    let arguments = [&arguments[..], &["--receive-buffer", RECEIVE_BUFFER]].concat();
    let mut receiver = Program::spawn_unread(&mut network.at(1, &receiver(&arguments)));
    let stdout = receiver.stdout();
    let (sent, written, received) = std::thread::scope(|scope| {
        let written = scope.spawn(|| count_frames(stdout, &clip));
        receiver.says("listening on ");
        let (folder, frames) = (clip.folder(), FRAMES.to_string());
        // What the plain wire keeps, which repairs nothing, is arithmetic.
        let arguments =
            ["--source", folder.to_str().unwrap(), "--loop", "--fps", "250", "--frames", &frames, "--wire", "plain"];
        let arguments = [&arguments[..], &["--remote", "10.77.0.2:12345", "--stats", "json"]].concat();
        let sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments);
        let sender = Program::spawn(&mut network.at(0, &sender));
        // Each step gets the patience that a test has for one thing.
        (500..FRAMES).step_by(500).for_each(|frames| sender.has_frames(frames));
        let sent = sender.end().totals();
        receiver.says("has ended the stream");
        receiver.signal("INT");
        let written = written.join().unwrap();
        let ended = receiver.end();
        ended.expect(0, &["showing 10.77.0.1:"]);
        (sent, written, ended.totals())
    });

    // The path itself lost nothing, and nft saw datagrams one by one.
    let datagrams = sent["datagrams"].as_u64().unwrap();
    assert_eq!((&sent["frames"], &sent["send_errors"]), (&FRAMES.into(), &0.into()), "{sent}");
    assert_eq!(received["kernel_drops"], 0, "{received}");
    let passed = link.passed();
    assert!((datagrams..datagrams + CONTROLS).contains(&passed.packets), "{datagrams} sent, {passed:?}");
    assert_eq!((passed.fragments, passed.lengths.last()), (0, Some(&1500)), "{passed:?}");

    let lost = passed.lost as f64 / passed.packets as f64;
    let expected = (1.0 - lost).powf(datagrams as f64 / FRAMES as f64);
    let frames = received["frames"].as_u64().unwrap();
    let share = frames as f64 / FRAMES as f64;
    println!("lost {:.3} % of {} packets; whole: {share:.4}, expected {expected:.4}", lost * 100.0, passed.packets);
    assert!(passed.lost > 0 && (share - expected).abs() < MARGIN, "{share} is not {expected}: {received}");
    // All that were received were written, but for what overflowed the queue where this test was slow to read.
    assert_eq!(frames, written + received["replaced"]["stdout"].as_u64().unwrap_or(0), "{received}");
}

#[test]
fn a_packet_of_a_thousand_is_lost() {
    as_many_frames_come_whole_as_can(1);
}

#[test]
fn a_packet_of_a_hundred_is_lost() {
    as_many_frames_come_whole_as_can(10);
}
