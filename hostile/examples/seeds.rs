//! Writes what fuzzing begins with where no program's own output lies there already:
//! `cargo run -p hostile --example seeds`.

use bytes::Bytes;
use hostile::redis::base64;
use media::codec::Encoder;
use media::{Image, PixelFormat};
use segment::wire::control::{Ack, Announce, Bye, ByeReason, Control, Leave, Nack, Time};
use segment::{Label, Sequencer};
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    control()?;
    handshakes()?;
    sequenced()?;
    motion_jpeg()?;
    texts()
}

fn write(target: &str, name: &str, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// One datagram of each kind, as our programs say it.
fn control() -> Result<(), Box<dyn Error>> {
    let (stream_id, receiver_id, sent_at) = (0x0102_0304_0506_0708, 0x1112_1314_1516_1718, 1_700_000_000_000_000);
    let announce = Announce {
        stream_id,
        wants_ack: true,
        is_sequenced: false,
        sent_at,
        width: 1920,
        height: 1080,
        centi_fps: 3000,
        name: "front door".to_owned(),
    };
    let ack = Ack { stream_id, receiver_id, echoed: sent_at, held: 9000, sent_at, capabilities: 3, ..Ack::default() };
    write("control", "announce", Control::Announce(announce).to_vec())?;
    write("control", "ack", Control::Ack(ack).to_vec())?;
    write("control", "bye", Control::Bye(Bye { stream_id, reason: ByeReason::ShuttingDown }).to_vec())?;
    write("control", "leave", Control::Leave(Leave { stream_id, receiver_id }).to_vec())?;
    let time = Time { stream_id, receiver_id, echoed: sent_at, held: 0, sent_at };
    write("control", "time", Control::Time(time).to_vec())?;
    let nack = Nack { stream_id, receiver_id, number: 300, countdowns: vec![115, 114, 7, 1] };
    write("control", "nack", Control::Nack(nack).to_vec())?;
    Ok(())
}

/// What happens in the order in which it does. The numbers are those that the targets read.
fn handshakes() -> Result<(), Box<dyn Error>> {
    let ack = Control::Ack(Ack { stream_id: 7, receiver_id: 3, ..Ack::default() }).to_vec();
    let leave = Control::Leave(Leave { stream_id: 7, receiver_id: 3 }).to_vec();
    // Announce, two receivers, a nack, silence, and one leaves.
    let acks = [6, 0, 1, 1, 0x11, 0, 1, 2, 0x12, 0, 6, 19];
    let stream = [1, 1, 0x11, 0, 5, 1, 1, 0, 3, 1, 2, 3, 6, 19, 4, 2, 2];
    write("announcer", "a_group_of_two", [&[5, 2, 0][..], &acks, &stream].concat())?;
    write("announcer", "a_sequenced_group", [&[13, 1, 50][..], &acks, &stream, &[6, 21, 9, 4]].concat())?;
    write("announcer", "old_receivers", [3, 1, 50, 6, 0, 9, 5, 1, 6, 19, 1, 1, 1, 0, 6, 21])?;
    write("announcer", "nobody_answers", [1, 1, 2, 6, 17, 6, 17, 6, 17, 9, 3, 9, 4])?;
    write(
        "announcer",
        "a_crowd",
        [0x80, 1, 0, 9, 0, 1, 9, 0, 2, 9, 0, 3, 9, 0, 4, 9, 0, 5, 8, 0, 1, 3, 6, 21, 6, 21, 6, 21],
    )?;
    let datagrams = [&[0, 1, 60][..], &ack, &[0, 1, 18], &leave].concat();
    write("announcer", "datagrams", [&[5, 1, 9, 6, 0][..], &datagrams].concat())?;

    let announced = [&[1, 2, 1, 0, 4][..], b"door", &[7, 0, 15]].concat();
    write(
        "responder",
        "announced_and_timed",
        [&announced[..], &[2, 2, 0, 3, 9, 46, 7, 0, 20, 7, 0, 20, 3, 2]].concat(),
    )?;
    write("responder", "a_tag_then_silence", [4, 1, 1, 7, 0, 1, 7, 0, 20, 9, 0, 1, 7, 0, 21, 7, 0, 21])?;
    let many: Vec<u8> = (0..8).flat_map(|source| [5, source, 7, 0, 3, 9, source, 3]).collect();
    write("responder", "more_than_are_answered", [&many[..], &[7, 0, 20, 7, 0, 20]].concat())?;
    write("responder", "old_senders", [&[6, 1, 5][..], b"hello", &[7, 0, 1, 6, 2, 2], b"hi", &[7, 0, 1]].concat())?;
    let announce = Announce {
        stream_id: 0,
        wants_ack: true,
        is_sequenced: true,
        sent_at: 5,
        width: 640,
        height: 480,
        centi_fps: 2500,
        name: "cam".to_owned(),
    };
    let announce = Control::Announce(announce).to_vec();
    write("responder", "datagrams", [&[0, 3, announce.len() as u8][..], &announce, &[7, 0, 16, 7, 0, 20]].concat())?;

    let keep = |number: u8, to: u8| [0, 0x40, 0, 0x01, 0x00, number, to];
    let nack = [3, 1, 0, 12, 3, 0, 1, 2];
    write(
        "repeater",
        "asked_once_and_again",
        [&[0][..], &keep(1, 3), &[7, 15], &nack, &[6], &nack, &[6, 7, 16], &nack, &[6]].concat(),
    )?;
    write("repeater", "half_gone", [&[0][..], &keep(2, 1), &[2, 2, 0, 0, 9, 3, 2, 0, 3, 0, 6]].concat())?;
    let long = [0, 0xFF, 0xFF, 0, 0, 4, 1];
    write(
        "repeater",
        "more_than_is_kept",
        [&[0x80][..], &long, &long, &long, &long, &long, &long, &[3, 4, 0, 0, 0, 6]].concat(),
    )?;
    Ok(())
}

/// Two frames with parity, of which each has lost a datagram.
fn sequenced() -> Result<(), Box<dyn Error>> {
    let (k, m, s) = (3_u8, 2_u8, 8_usize);
    let mut script = Vec::new();
    for number in 0..2 {
        let jpeg = Bytes::from(vec![number; usize::from(k) * s - 4]);
        let label = Label { stream_id: 1, number: number.into(), captured_at: 0 };
        let frame = Sequencer::new().sequence(jpeg, label, 32 + s, |_| m.into())?;
        for (at, segment) in (0..).zip(frame.segments(0..usize::MAX)).filter(|(at, _)| *at != number + 1) {
            let place = if at < k { (k - 1 - at) << 1 } else { (m - 1 - (at - k)) << 1 | 1 };
            script.extend([(s as u8 / 2 - 1) << 6 | 1 << 2 | 1, number, m << 4 | (k - 1), place, 6 << 3]);
            script.extend(&segment.to_vec()[32..]);
        }
    }
    write("sequenced", "two_frames_that_parity_restores", &script)?;
    write("sequenced", "only_half_of_them", &script[..script.len() / 2])?;
    // All of a frame but what the fourth byte says, on this wire and on the plain one; and the datagrams that it says.
    let frame = |number: u8, lost: u8, wire: u8| [0xC5, number, 0x22, lost, 10 << 3 | wire];
    let frames = [frame(0, 1, 0x0A), frame(1, 0x18, 0x0A), frame(2, 0, 0x0C), frame(3, 0, 0x0C), frame(4, 2, 0x0A)];
    write("sequenced", "the_wire_changes", frames.concat())?;
    let places = [(0, 0), (0, 4), (0, 2), (1, 1), (1, 0), (1, 3)];
    write("sequenced", "one_by_one", places.map(|(number, place)| frame(number, place, 0x08)).concat())?;
    Ok(())
}

fn motion_jpeg() -> Result<(), Box<dyn Error>> {
    let mut image = Image::zeroed(16, 8, PixelFormat::Bgr)?;
    for (at, byte) in image.pixels_mut().iter_mut().enumerate() {
        *byte = (at * 7) as u8;
    }
    let jpeg = Encoder::new()?.encode(&image, 50)?;
    let part = [b"--!>\r\nContent-type: image/jpeg\r\n\r\n", &jpeg[..], b"\r\n"].concat();
    write("mjpeg", "parts_as_gateway_sends_them", [&part[..], &part].concat())?;
    write("mjpeg", "bare_and_cut_short", [&jpeg[..], &jpeg[..jpeg.len() - 9], &jpeg].concat())?;
    let without_tables = without(&jpeg, 0xC4);
    write("mjpeg", "without_huffman_tables", &without_tables)?;
    let thumbnail =
        [&jpeg[..2], &[0xFF, 0xE1], &(without_tables.len() as u16 + 2).to_be_bytes(), &without_tables].concat();
    write("mjpeg", "with_a_thumbnail", [&thumbnail[..], &jpeg[2..]].concat())?;

    // As cameras publish, and as we do.
    write("redis", "a_camera", format!("{{\"data\": \"{}\", \"size\": [8, 16]}}", base64(&jpeg)))?;
    let rest = "\"size\": [4, 2], \"time\": \"13:05:09.001234\", \"frame_number\": 7";
    write("redis", "our_pixels", format!("{{\"data\": \"{}\", {rest}}}", base64(&[7; 24])))?;
    let rest =
        "\"size\": [16, 8], \"time\": \"13:05:09.001234\", \"frame_number\": 7, \"captured_at\": 1700000000.123456";
    write("redis", "our_jpeg", format!("{{\"data\": \"{}\", {rest}}}", base64(&jpeg)))?;
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==";
    write("redis", "a_png", format!("{{\"data\": \"{png}\", \"more\": {{\"a\": [1, 2]}}}}"))?;
    // As data of a message that the target makes.
    write("redis", "a_jpeg_in_it", [&[0, 16, 8], &jpeg[..]].concat())?;
    write("redis", "pixels_in_it", [&[1, 4, 2][..], &[7; 24]].concat())?;
    Ok(())
}

/// The JPEG without its segments of one kind.
fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let (mut kept, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
    while let [0xFF, kind, high, low, ..] = *rest
        && kind != 0xDA
    {
        let len = 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind != marker {
            kept.extend(&rest[..len]);
        }
        rest = &rest[len..];
    }
    [&kept[..], rest].concat()
}

fn texts() -> Result<(), Box<dyn Error>> {
    write(
        "config",
        "the_beamlines",
        r#"{"sources": {"0.0.0.0:8000": {"input_uri": "test", "quality": 4, "format": "MPEG1", "hash": "", "size": [0, 0]}}}"#,
    )?;
    write(
        "config",
        "everything",
        r#"// Comments are allowed.
{"sources": {
  "camera:8001": {"input_uri": "http://ann:secret@camera/mjpeg", "quality": "7", "format": "MJPEG", "hash": "abc",
    "size": [640, 480], "v_flip": true, "redis": "localhost:6379", "redis_channel": "a", "in_redis_channel": null,
    "auth_config": {"type": "Digest", "username": "ann", "password": "secret"}, "allowed_origins": ["http://a"]},
  "[::1]:8002": {"input_uri": "redis://:secret@localhost/2", "more": 1},
}}"#,
    )?;
    write("config", "passwords", "ann:$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA\n# nobody\n")?;
    for (name, text) in [
        ("host", "robot:12345"),
        ("address", "[fe80::1%eth0]:12345"),
        ("group", "224.3.29.71"),
        ("size", "1280x720"),
        ("camera", "camera:1"),
        ("url", "http://ann:secret@camera/mjpeg?a=1"),
        ("redis", "redis://:secret@localhost/2"),
        ("udp", "udp://[ff15::71]:9"),
        ("pickle", "tcp+pickle://robot"),
        ("query", "fps=12.5&size=640x480&quality=50&times=1"),
        ("seconds", "0.25"),
        ("auto", "auto"),
        ("key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
    ] {
        write("options", name, text)?;
    }
    for (name, words) in [
        (
            "sender",
            "sender --source clip.mp4 --loop --remote 192.168.1.20:12345 --remote 192.168.1.21:12345 --fec auto",
        ),
        ("sender_group", "sender --multicast 224.3.29.71 --receivers 3 --interface eth0 --ttl 2 --pace 40 -v"),
        ("sender_doctor", "sender doctor --multicast 224.3.29.71"),
        ("receiver", "receiver --bind 0.0.0.0:12345 --display never --record out.mkv --timeout 2.5 --latency 80"),
        ("receiver_tcp", "receiver --tcp 192.168.1.30 --tcp-framing=pickle --stdout --stats json"),
        ("gateway", "gateway --source bench=camera:0 --source garden=http://ann:secret@camera/mjpeg --bind [::]:8000"),
        ("gateway_old", "gateway -uri test -hs localhost -p 8123 -q 4 -s 600,400 -of MPEG1 -id abc123 -vf -redis"),
    ] {
        write("command_line", name, words.replace(' ', "\n"))?;
    }
    Ok(())
}
