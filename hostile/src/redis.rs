//! Pictures that somebody publishes through Redis: any message is refused, or is a picture that is what it says.

use gateway::redis_frame::read;
use media::Picture;
use media::jpeg::Headers;
use std::time::UNIX_EPOCH;

/// Takes the bytes for a message.
pub fn run(message: &[u8]) {
    match read(message, UNIX_EPOCH) {
        Ok((Picture::Jpeg(jpeg), captured_at)) => {
            assert!(captured_at >= UNIX_EPOCH && Headers::read(&jpeg).is_ok());
        }
        Ok((Picture::Raw(image), captured_at)) => {
            assert!(captured_at >= UNIX_EPOCH);
            assert_eq!(image.format().len(image.width(), image.height()), Some(image.pixels().len()));
        }
        // It goes to the log of whoever runs the gateway.
        Err(error) => assert!(error.to_string().len() < 1000, "{error}"),
    }
}
