//! The paths that streams are found at.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is written out of what is no letter and no digit: all but the unreserved marks (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A stream's id as it stands in a path (RFC 3986 section 3.3), for people to copy: letters and digits of all languages stay
/// readable, and what would end the path, or begin another part of it, is written out.
pub(crate) fn segment(id: &str) -> String {
    let mut segment = String::new();
    for letter in id.chars() {
        if letter.is_alphanumeric() {
            segment.push(letter);
        } else {
            segment.extend(utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), RESERVED));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_at_the_path_that_is_printed() {
        for (id, printed) in [
            ("cam-1", "cam-1"),
            ("K\u{fc}che", "K\u{fc}che"),
            ("a/b", "a%2Fb"),
            ("a?b#c%d e", "a%3Fb%23c%25d%20e"),
            ("\u{2026}", "%E2%80%A6"),
        ] {
            assert_eq!(segment(id), printed);
        }
    }
}
