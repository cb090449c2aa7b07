//! Why a pickle is not read.

use super::machine::MAX_OPCODES;
use super::opcode;
use std::fmt;

/// Characters of a name that are kept for the message.
const MAX_NAME: usize = 64;

/// A pickle is not a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {what} (at byte {at} of the pickle)")]
pub struct Refused {
    /// What is not accepted.
    pub what: Refusal,
    /// Where the opcode stands that says so, in bytes from the beginning.
    pub at: usize,
}

/// What is not accepted of a pickle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not begin as pickles of protocols 2 to 5 do.
    #[error("no pickle of protocol 2 to 5")]
    Protocol,
    /// No array of numpy needs this opcode.
    #[error("opcode {}", opcode::Named(*.0))]
    Opcode(u8),
    /// No array of numpy needs this function or type. Escaped and shortened.
    #[error("global {module}.{name}")]
    Global {
        /// As the pickle names it.
        module: String,
        /// As the pickle names it.
        name: String,
    },
    /// It ends before its end.
    #[error("the pickle is cut short")]
    CutShort,
    /// Bytes follow its end.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// No array of numpy takes so many.
    #[error("more than {MAX_OPCODES} opcodes")]
    TooManyOpcodes,
    /// An opcode does not find what it works on.
    #[error("opcode {} without what it works on", opcode::Named(*.0))]
    Operands(u8),
    /// A function or type is used as numpy does not use it.
    #[error("{0} with arguments that no array of uint8 has")]
    Arguments(&'static str),
    /// Elements are not `uint8`.
    #[error("elements of type {0}, where only u1 (uint8) is read")]
    Element(String),
    /// The array is not a picture.
    #[error("an array of shape {0}, where (height, width, 3) or (height, width) is read, each side 1 to 65535")]
    Shape(Shape),
    /// There are more or fewer bytes than the shape says.
    #[error("{got} bytes in an array of shape {shape}")]
    Length {
        /// What the array says of itself.
        shape: Shape,
        /// Bytes that it has.
        got: usize,
    },
    /// Pixels written as text, as protocol 2 does, with a character that is no byte.
    #[error("pixels as text that is not latin1")]
    NotLatin1,
    /// It is something, but not an array.
    #[error("what the pickle holds is no array")]
    NotAnArray,
}

/// The sides of an array, as the pickle says them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(pub(super) Vec<i32>);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<_> = self.0.iter().map(i32::to_string).collect();
        let comma = if sides.len() == 1 { "," } else { "" };
        write!(f, "({}{comma})", sides.join(", "))
    }
}

/// A name from the network, for a message: shortened, and nothing in it that a terminal would obey.
pub(super) fn printable(name: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]).escape_debug().to_string();
    if name.len() > MAX_NAME { shown + "…" } else { shown }
}
