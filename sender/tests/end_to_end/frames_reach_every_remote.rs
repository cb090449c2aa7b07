//! What the program sends is what it was asked to send, frame for frame and byte for byte, to everybody named.

use crate::scene::{self, Peer, Program, Receiver, jpeg};
use bytes::Bytes;
use media::PixelFormat;
use media::codec::{Decoder, Scale};

#[test]
fn jpegs_on_standard_input_arrive_byte_for_byte_at_every_remote() {
    let receivers = [Receiver::new(), Receiver::new()];
    let jpegs: Vec<Bytes> = (0..50).map(jpeg).collect();
    let [one, two] = receivers.each_ref().map(Receiver::address);
    let arguments = ["--source", "-", "--remote", &one, "--remote", &two, "--remote", &one, "--stats", "json"];
    let ended = Program::start_with_input(&arguments, jpegs.concat()).wait();
    ended.expect(0, &[&format!("to {one} in datagrams of 65473 bytes, {two} in datagrams of 65473 bytes\n")]);
    let mut streams = Vec::new();
    for receiver in &receivers {
        for ((number, jpeg), frame) in (0..).zip(&jpegs).zip(receiver.exactly(50)) {
            assert_eq!(frame.jpeg, jpeg);
            let tag = frame.tag.unwrap();
            assert_eq!((tag.number, tag.flags), (number, 1));
            streams.push(tag.stream_id);
        }
    }
    assert!(streams.iter().all(|id| *id == streams[0]));
    let totals = ended.totals();
    assert_eq!((totals["frames"].as_u64(), totals["datagrams"].as_u64()), (Some(50), Some(100)));
    let bytes: usize = jpegs.iter().map(|jpeg| 1 + 42 + jpeg.len()).sum();
    assert_eq!(totals["bytes"].as_u64(), Some(2 * bytes as u64));
    assert!(totals["encode_ms"].is_null());
}

#[test]
fn quality_or_size_given_encodes_jpegs_anew() {
    let original = jpeg(1);
    let small = ["--quality", "5"];
    let scaled = ["--size", "32x20"];
    for (asked, size) in [(small, (64, 48)), (scaled, (32, 20))] {
        let receiver = Receiver::new();
        let address = receiver.address();
        let arguments = [&["--source", "-", "--remote", &address][..], &asked].concat();
        Program::start_with_input(&arguments, original.to_vec()).wait().expect(0, &["encode"]);
        let frame = receiver.frame();
        assert_eq!(Decoder::header(&frame.jpeg).unwrap(), size);
        assert!(frame.jpeg.len() < original.len());
    }
}

#[test]
fn the_test_card_has_the_size_and_the_number_of_frames_asked_for_and_goes_at_its_rate() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let asked = ["--source", "test", "--size", "320x240", "--fps", "100", "--frames", "37"];
    let ended = Program::start(&[&asked[..], &["--remote", &address, "--stats", "json"]].concat()).wait();
    ended.expect(0, &[]);
    let frames = receiver.exactly(37);
    for (number, frame) in (0..).zip(&frames) {
        assert_eq!(Decoder::header(&frame.jpeg).unwrap(), (320, 240));
        assert_eq!(frame.tag.unwrap().number, number);
    }
    let totals = ended.totals();
    assert_eq!(totals["frames"], 37);
    assert!(totals["encode_ms"].as_f64().unwrap() > 0.0);
    // It is drawn by deadlines: a busy machine leaves frames out, but never hurries.
    let fps = totals["fps"].as_f64().unwrap();
    assert!(fps > 0.0 && fps < 110.0, "{fps}");
    let times: Vec<_> = frames.iter().map(|frame| frame.tag.unwrap().captured_at).collect();
    assert!(times.is_sorted());
}

#[test]
fn as_fast_as_it_goes_no_frame_is_replaced() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let asked = ["--source", "test", "--size", "320x240", "--no-realtime", "--frames", "200"];
    let ended = Program::start(&[&asked[..], &["--remote", &address, "--stats", "json"]].concat()).wait();
    receiver.exactly(200);
    let totals = ended.totals();
    assert_eq!(totals["replaced"], serde_json::json!({ "source": 0, "encoder": 0, "transmitter": 0 }));
    assert!(totals["fps"].as_f64().unwrap() > 30.0, "{totals}");
}

#[test]
fn without_a_tag_and_with_a_fixed_size_the_wire_is_as_asked_for() {
    let receiver = Receiver::new();
    let address = receiver.address();
    let original = jpeg(3);
    let asked = ["--source", "-", "--no-tag", "--datagram-size", "100", "--remote", &address, "--stats", "json"];
    let ended = Program::start_with_input(&asked, original.to_vec()).wait();
    ended.expect(0, &["in datagrams of 100 bytes"]);
    let frame = receiver.frame();
    assert_eq!((&frame.jpeg, frame.tag), (&original, None));
    let datagrams = original.len().div_ceil(99) as u64;
    assert_eq!(receiver.datagrams(), (datagrams, 100));
    assert_eq!(ended.totals()["datagrams"].as_u64(), Some(datagrams));
}

#[test]
fn settings_come_from_the_environment_too() {
    let receivers = [Receiver::new(), Receiver::new()];
    let remotes = receivers.each_ref().map(Receiver::address).join(",");
    let settings = [("REMOTE", &*remotes), ("SOURCE", "test"), ("SIZE", "160x120"), ("FRAMES", "2"), ("NO_TAG", "yes")];
    let settings = settings.map(|(name, value)| (format!("SEGMENT_{name}"), value));
    assert!(scene::sender().envs(settings).output().unwrap().status.success());
    for receiver in &receivers {
        assert!(receiver.exactly(2).iter().all(|frame| frame.tag.is_none()));
    }
}

/// A peer that shares no code with ours checks every byte.
#[test]
fn every_byte_on_the_wire_is_as_the_wire_format_says() {
    for (size, datagram_size, largest) in [("1920x1080", "auto", "65473"), ("640x480", "1472", "1472")] {
        let peer = Peer::start(
            "wire_check.py",
            &["--frames", "30", "--from-zero", "--feedback", "1", "--datagram-size", largest],
        );
        let asked = ["--source", "test", "--size", size, "--datagram-size", datagram_size, "--frames", "30"];
        Program::start(&[&asked[..], &["--remote", &peer.address]].concat())
            .wait()
            .expect(0, &["total: 30 frames in "]);
        let verdict = peer.finish();
        assert!(verdict.contains(r#""faulty": 0"#), "{verdict}");
    }
}

/// A peer that knows the countdown byte and nothing else.
#[test]
fn an_old_receiver_gets_pictures() {
    for (size, quality) in [((640, 480), "50"), ((640, 480), "95"), ((1920, 1080), "50")] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        let peer = Peer::start("old_receiver.py", &["--frames", "10", "--out", out]);
        let wanted = format!("{}x{}", size.0, size.1);
        // The first frame tells it where the second begins.
        let asked = ["--source", "test", "--size", &wanted, "--quality", quality, "--fps", "10", "--frames", "11"];
        Program::start(&[&asked[..], &["--remote", &peer.address]].concat()).wait().expect(0, &[]);
        peer.finish();
        let mut decoder = Decoder::new().unwrap();
        for number in 1..=10 {
            let jpeg = std::fs::read(folder.path().join(format!("{number:06}.jpg"))).unwrap();
            let image = decoder.decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap();
            assert_eq!((image.width(), image.height()), size);
        }
        assert_eq!(decoder.damaged(), 0);
    }
}
