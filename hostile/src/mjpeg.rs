//! Motion JPEG as cameras and programs send it, with whatever lies between the pictures: however it is cut into pieces,
//! the same frames come out, each as it stands there; and what reads a JPEG's headers and decodes it takes any of them.

use bytes::Bytes;
use media::PixelFormat;
use media::codec::{Decoder, Scale};
use media::jpeg::{Headers, is_whole, whole_len, with_standard_huffman_tables};
use media::mjpeg::Splitter;

/// Pictures up to so many pixels are decoded: a larger one takes the fuzzer's time.
const DECODED_PIXELS: u32 = 64 * 64;

/// Takes the bytes for a stream of JPEGs.
pub fn run(stream: &[u8]) {
    let (frames, skipped, broken) = split(stream, <[u8]>::len);
    let piece = |rest: &[u8]| usize::from(rest[0]) % 37 + 1;
    assert_eq!(split(stream, piece), (frames.clone(), skipped, broken));
    assert_eq!(split(stream, |_| 1), (frames.clone(), skipped, broken));
    assert!(frames.iter().map(Bytes::len).sum::<usize>() as u64 + skipped <= stream.len() as u64);
    let mut rest = stream;
    for frame in frames {
        // It stands there, behind the one before it.
        let at = rest.windows(frame.len()).position(|bytes| bytes == frame).expect("a frame that was sent");
        rest = &rest[at + frame.len()..];
        assert!(is_whole(&frame));
        look(&frame);
    }
    look(stream);
    if let Some(len) = whole_len(stream) {
        assert!(len <= stream.len() && is_whole(&stream[..len]));
    }
}

/// The frames of a stream that comes in pieces, and how many bytes were passed over, and how many frames dropped.
fn split(mut stream: &[u8], piece: impl Fn(&[u8]) -> usize) -> (Vec<Bytes>, u64, u64) {
    let mut splitter = Splitter::new();
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let (bytes, rest) = stream.split_at(piece(stream).min(stream.len()));
        stream = rest;
        splitter.push(bytes);
        frames.extend(std::iter::from_fn(|| splitter.poll_frame()));
    }
    (frames, splitter.skipped_bytes(), splitter.broken_frames())
}

/// What is done with a JPEG of a stranger.
fn look(jpeg: &[u8]) {
    let Ok(headers) = Headers::read(jpeg) else { return };
    let complete = with_standard_huffman_tables(Bytes::copy_from_slice(jpeg));
    assert!(complete.len() >= jpeg.len() && with_standard_huffman_tables(complete.clone()) == complete);
    assert!(headers.width > 0 && headers.height > 0);
    if u32::from(headers.width) * u32::from(headers.height) > DECODED_PIXELS {
        return;
    }
    let mut decoder = Decoder::new().expect("memory for a decoder");
    for (format, scale) in [(PixelFormat::Bgr, Scale::Full), (PixelFormat::Rgb, Scale::Half)] {
        if let Ok(image) = decoder.decode(&complete, format, scale) {
            let (width, height) = headers.shown_size();
            assert_eq!((image.width(), image.height()), scale.size(width, height));
        }
    }
}
