//! A recording whose program was killed can be played up to its last whole frame.

use crate::scene::{Clip, Peer, Program, frames_in, probe, wait_for};

#[test]
fn up_to_the_last_whole_frame() {
    let clip = Clip::of(60);
    let recording = clip.path("a.mkv");
    let receiver = Program::start(["--record", recording.to_str().unwrap()]);
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    let len = || std::fs::metadata(&recording).unwrap().len();
    // Long enough for a second cluster.
    let enough = clip.jpegs()[..40].iter().map(|jpeg| jpeg.len() as u64).sum();
    wait_for("most of the clip in the recording", || (len() > enough).then_some(()));
    receiver.signal("KILL");
    assert_eq!(receiver.end().status, None);

    let bytes = std::fs::read(&recording).unwrap();
    let mut rest = &bytes[..];
    let is_next = |jpeg: &&Vec<u8>| {
        let found = rest.windows(jpeg.len()).position(|window| window == *jpeg);
        found.inspect(|at| rest = &rest[at + jpeg.len()..]).is_some()
    };
    let whole: Vec<_> = (0..clip.jpegs().iter().take_while(is_next).count()).collect();
    assert!(whole.len() >= 40, "only {} frames are in the file", whole.len());
    assert_eq!(frames_in(&recording, 0.0, &clip).pictures, whole);
    let arguments = ["-count_packets", "-show_entries", "stream=codec_name,width,height,nb_read_packets"];
    let probed = probe(&recording, &arguments);
    assert!(probed.starts_with("mjpeg,1280,720,"), "{probed}");
}
