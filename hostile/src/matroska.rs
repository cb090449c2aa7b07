//! Recordings: whatever stands in a file, reading it ends, gives no byte that is not there, and says where it is
//! broken; and what was cut off or appended does not change the frames before.

use media::matroska::{ReadError, Reader, RecordedFrame};

/// Runs it on the bytes of the fuzzer.
pub fn run(file: &[u8]) {
    let (frames, cut_short) = read(file);
    let half = &file[..file.len() / 2];
    let (before, _) = read(half);
    assert!(before.len() <= frames.len() && frames[..before.len()] == before[..]);
    if cut_short {
        return;
    }
    // Nothing that is beyond the end of a whole file is read as a part of what came before it.
    let (after, _) = read(&[file, &[0xA3, 0x85, 0x81, 0, 0, 0x80, 7]].concat());
    assert!(after[..frames.len()] == frames[..]);
}

/// All frames up to the end, or to where it is broken, and whether it was found to end too soon.
fn read(file: &[u8]) -> (Vec<RecordedFrame>, bool) {
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => {
            is_within(&error, file);
            return (Vec::new(), false);
        }
    };
    let mut frames = Vec::new();
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break,
            Err(error) => {
                is_within(&error, file);
                break;
            }
        }
    }
    // Each has a header and the head of a block before it.
    assert!(frames.iter().map(|frame| frame.jpeg.len() + 6).sum::<usize>() <= file.len());
    assert!(reader.next_frame().expect("the end stays the end").is_none());
    (frames, reader.is_cut_short())
}

fn is_within(error: &ReadError, file: &[u8]) {
    match *error {
        ReadError::EndsEarly { offset }
        | ReadError::Damaged { offset, .. }
        | ReadError::TooLarge { offset, .. }
        | ReadError::Lacing { offset, .. } => assert!(offset <= file.len() as u64, "{error}"),
        ReadError::NotMotionJpeg { ref codec } => assert!(codec.len() <= 160, "{error}"),
        ReadError::Read { .. } => panic!("memory fails: {error}"),
        _ => {}
    }
}
