//! Text from elsewhere (the network, names of files) as it may stand on a terminal.

use std::fmt;

/// Writes control characters as escapes, as `\n` or `\u{1b}`: what comes from elsewhere must neither drive the terminal,
/// nor begin a line of its own, nor turn the rest of the line around.
#[derive(Debug)]
pub(crate) struct Escaping<W>(pub(crate) W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(drives) {
            match piece.char_indices().next_back() {
                Some((at, last)) if drives(last) => write!(self.0, "{}{}", &piece[..at], last.escape_default())?,
                _ => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// Whether it is a control character, or one of those that say in which direction text runs.
fn drives(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmt::Write as _;

    #[test]
    fn what_drives_a_terminal_is_escaped_and_all_else_left_as_it_is() {
        let mut escaped = String::new();
        write!(Escaping(&mut escaped), "Küche \x1b[31m\x07\n\u{9b}2J \u{202e}gpj\u{202c}.\u{2066}x\u{2069} שלום\\n")
            .unwrap();
        let expected = r"Küche \u{1b}[31m\u{7}\n\u{9b}2J \u{202e}gpj\u{202c}.\u{2066}x\u{2069} שלום\n";
        assert_eq!(escaped, expected);
    }
}
