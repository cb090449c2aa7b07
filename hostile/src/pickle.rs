//! Pickles: whatever the bytes are, they are refused, or they are a picture with as many pixels as its size says, which
//! comes out the same when it is written again.

use bytes::Bytes;
use segment::wire::pickle::{Picture, Pixel, Refused, Template};

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    // A copy, so that reading beyond the end is found.
    let pickle = Bytes::copy_from_slice(bytes);
    match Picture::read(&pickle) {
        Ok(picture) => is_whole(&picture),
        Err(Refused { what, at }) => {
            assert!(at <= bytes.len());
            // The message is short, and no terminal obeys what stands in it.
            let message = what.to_string();
            assert!(message.len() < 4000 && !message.contains(char::is_control), "{message:?}");
        }
    }
}

fn is_whole(picture: &Picture) {
    let places = picture.width as usize * picture.height as usize;
    assert_eq!(picture.pixels.len(), places * picture.pixel.len());
    if picture.pixel == Pixel::Bgr {
        let template = Template::new(picture.width, picture.height).expect("a size that was read");
        let frame = template.frame(&picture.pixels).expect("as many pixels").concat();
        assert_eq!(Picture::read(&Bytes::from(frame).slice(8..)).as_ref(), Ok(picture));
    }
}
