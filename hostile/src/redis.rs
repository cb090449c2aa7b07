//! Pictures that somebody publishes through Redis: any message is refused, or is a picture that is what it says.

use gateway::redis_frame::read;
use media::Picture;
use media::jpeg::Headers;
use std::time::UNIX_EPOCH;

/// Takes the bytes for a message, and, unless they begin as one, for what is in its data, behind three bytes for the
/// rest.
pub fn run(bytes: &[u8]) {
    let _ = picture(bytes);
    let Some((&[kind, width, height], data)) = bytes.split_first_chunk().filter(|_| bytes[0] != b'{') else { return };
    let len = usize::from(width) * usize::from(height) * 3;
    let picture = picture(message(kind, width, height, data).as_bytes());
    if let Some(Picture::Raw(image)) = picture.filter(|_| data.len() == len) {
        assert_eq!(image.pixels(), data);
        assert_eq!((image.width(), image.height()), (width.into(), height.into()));
    }
}

/// A message as cameras publish it, or, by `kind`, as we do.
fn message(kind: u8, width: u8, height: u8, data: &[u8]) -> String {
    let (size, number) = match kind & 1 {
        0 => ([height, width], ""),
        _ => ([width, height], ", \"frame_number\": 7"),
    };
    format!("{{\"data\": \"{}\", \"size\": {size:?}{number}}}", base64(data))
}

/// The picture in a message.
fn picture(message: &[u8]) -> Option<Picture> {
    match read(message, UNIX_EPOCH) {
        Ok((picture, captured_at)) => {
            assert!(captured_at >= UNIX_EPOCH);
            match &picture {
                Picture::Jpeg(jpeg) => assert!(Headers::read(jpeg).is_ok()),
                Picture::Raw(image) => {
                    assert_eq!(image.format().len(image.width(), image.height()), Some(image.pixels().len()));
                }
            }
            Some(picture)
        }
        // It goes to the log of whoever runs the gateway.
        Err(error) => {
            assert!(error.to_string().len() < 1000, "{error}");
            None
        }
    }
}

/// Bytes as they stand in a message.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > three.len() { '=' } else { digit.into() });
        }
    }
    text
}
