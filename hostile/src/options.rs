//! The values of options and addresses, as somebody writes them: each is refused with a reason, or reads the same when
//! it is written again.

use clap::ValueEnum;
use gateway::config::OutputFormat;
use gateway::http::PictureQuery;
use gateway::input::{InputSpec, Scheme};
use segment::seal::Key;
use sender::source::SourceSpec;
use sender::{DatagramSize, Fec, Pace, Wire};
use std::fmt::{Debug, Display};
use std::str::FromStr;
use terminal::{HostPort, Size};

/// Takes the bytes for what stands behind an option.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    reads_again::<HostPort>(text);
    reads_again::<Size>(text);
    reads_again::<SourceSpec>(text);
    reads_again::<Fec>(text);
    reads_again::<Pace>(text);
    reads_again::<DatagramSize>(text);
    let _ = (text.parse::<receiver::SourceFilter>(), text.parse::<OutputFormat>(), text.parse::<Scheme>());
    let _ = (HostPort::remote(text), HostPort::with_default_port(text, 1), HostPort::group(text, 1, "that"));
    let _ = (Wire::from_str(text, true), terminal::seconds::positive(text));
    if let Ok(input) = text.parse::<InputSpec>() {
        crate::config::shows_no_password(&input);
    }
    if let Ok(PictureQuery { fps: Some(fps), .. }) = PictureQuery::read(text) {
        assert!(fps.is_finite() && fps > 0.0);
    }
    // A passphrase takes a tenth of a second on purpose.
    if !text.trim_start().starts_with("passphrase:")
        && let Ok(key) = Key::from_text(text)
    {
        assert_eq!(key.to_text().trim(), text.trim().to_ascii_lowercase());
    }
}

fn reads_again<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let written = value.to_string();
            match written.parse::<T>() {
                Ok(again) => assert_eq!(again, value),
                Err(error) => panic!("{text:?} is written {written:?}, which is refused: {error}"),
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
