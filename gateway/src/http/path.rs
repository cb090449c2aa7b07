//! The paths that streams are found at.

use std::fmt::Write;

/// A stream's id as it stands in a path (RFC 3986 section 3.3), for people to copy: letters and digits of all languages stay
/// readable, and what would end the path, or begin another part of it, is written out.
pub(crate) fn segment(id: &str) -> String {
    let mut segment = String::new();
    for letter in id.chars() {
        if letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~') {
            segment.push(letter);
        } else {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String does not fail.
                let _ = write!(segment, "%{byte:02X}");
            }
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
