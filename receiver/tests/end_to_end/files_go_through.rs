//! A file at the sender comes out as a recording at the receiver: every frame, and JPEG byte for byte.

// Where this crate is tested without default features, so is the sender, which then reads no video files.
#![cfg(feature = "window")]

use crate::programs;
use crate::scene::{Clip, Program, frames_in, probe};
use std::process::Command;

/// Length of the files, in frames of 25 a second.
const FRAMES: usize = 75;

fn ffmpeg(arguments: &[&str]) {
    let made = Command::new("ffmpeg").args(["-v", "error"]).args(arguments).output();
    let made = made.unwrap_or_else(|error| panic!("ffmpeg does not run: {error}; script/bootstrap installs it"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Streams a file into a recording; gives the receiver's totals.
fn stream(file: &str, recording: &str, sender_arguments: &[&str]) -> serde_json::Value {
    let receiver = Program::start(["--record", recording, "--stats", "json"]);
    let remote = receiver.address().to_string();
    let common = ["--source", file, "--remote", &remote];
    let mut sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &[&common, sender_arguments].concat());
    Program::spawn(&mut sender).end().expect(0, &[]);
    receiver.has_frames(FRAMES as u64);
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    ended.totals()
}

#[test]
fn h264_is_encoded_frame_by_frame() {
    let clip = Clip::of(FRAMES);
    let (file, recording) = (clip.argument("clip.mp4"), clip.argument("out.mkv"));
    let pictures = clip.folder().join("%06d.jpg");
    ffmpeg(&["-framerate", "25", "-i", pictures.to_str().unwrap(), "-c:v", "libx264", "-preset", "ultrafast", &file]);
    let totals = stream(&file, &recording, &["--quality", "50"]);
    assert_eq!((&totals["frames"], &totals["frames_lost"]), (&FRAMES.into(), &0.into()), "{totals}");
    let counted = probe(&clip.path("out.mkv"), &["-count_packets", "-show_entries", "stream=nb_read_packets"]);
    assert_eq!(counted, FRAMES.to_string());
    // At its own rate: the recording lasts as long as the file.
    let seconds: f64 = probe(&clip.path("out.mkv"), &["-show_entries", "format=duration"]).parse().unwrap();
    assert!((seconds - FRAMES as f64 / 25.0).abs() < 0.2, "{seconds}");
}

#[test]
fn motion_jpeg_is_passed_through_byte_for_byte() {
    let clip = Clip::of(FRAMES);
    let pictures = clip.folder().join("%06d.jpg");
    for name in ["clip.avi", "clip.mkv"] {
        let (file, recording) = (clip.argument(name), clip.argument(&format!("out-{name}.mkv")));
        ffmpeg(&["-framerate", "25", "-i", pictures.to_str().unwrap(), "-c", "copy", &file]);
        stream(&file, &recording, &[]);
        let found = frames_in(recording.as_ref(), 0.0, &clip);
        assert_eq!((found.pictures, found.rest), ((0..FRAMES).collect(), 0), "{name}");
    }
}
