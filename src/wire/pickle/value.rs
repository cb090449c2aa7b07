//! What can stand on the stack while a picture is put together.

use super::array::Array;

/// A function or type that a picture is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// Makes an array without content, to be built.
    Reconstruct,
    /// The type `numpy.ndarray`.
    Ndarray,
    /// The type `numpy.dtype`.
    Dtype,
    /// Makes an array of bytes; protocol 5.
    FromBuffer,
    /// Makes bytes of text; protocol 2, which has no opcode for bytes.
    Encode,
}

impl Global {
    /// Numpy 1 has `core`, numpy 2 `_core`; each reads both.
    pub(super) fn find(module: &[u8], name: &[u8]) -> Option<Self> {
        Some(match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Self::Reconstruct,
            (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Self::FromBuffer,
            (b"numpy", b"ndarray") => Self::Ndarray,
            (b"numpy", b"dtype") => Self::Dtype,
            (b"_codecs", b"encode") => Self::Encode,
            _ => return None,
        })
    }

    /// For messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reconstruct => "_reconstruct",
            Self::Ndarray => "numpy.ndarray",
            Self::Dtype => "numpy.dtype",
            Self::FromBuffer => "_frombuffer",
            Self::Encode => "_codecs.encode",
        }
    }
}

/// One thing on the stack, or in the memo. None owns memory, so copying one costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i32),
    /// `str` in Python 3, `unicode` in Python 2.
    Text(&'a [u8]),
    /// `str` in Python 2, where it stands for text as well as for bytes.
    Str(&'a [u8]),
    Bytes(&'a [u8]),
    /// What [`Global::Encode`] made of this text.
    Latin1(&'a [u8]),
    Global(Global),
    Tuple(Span),
    /// `numpy.dtype('u1')`, built or not: for one byte there is nothing to build.
    Uint8,
    /// What [`Global::Reconstruct`] makes.
    Unbuilt,
    Array(Array<'a>),
}

/// The items of a tuple, in the machine's list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// The bytes of an array, as they stand in the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Bytes(&'a [u8]),
    /// Each character is a byte: UTF-8 of U+0000 to U+00FF.
    Latin1(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn is_text(&self, text: &[u8]) -> bool {
        matches!(self, Self::Text(found) | Self::Str(found) if *found == text)
    }

    /// A bool, for which numpy before 1.18 and Python 2 write 0 and 1.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(value @ 0..=1) => Some(*value == 1),
            _ => None,
        }
    }

    pub(super) fn as_content(&self) -> Option<Content<'a>> {
        match self {
            Self::Bytes(bytes) | Self::Str(bytes) => Some(Content::Bytes(bytes)),
            Self::Latin1(text) => Some(Content::Latin1(text)),
            _ => None,
        }
    }
}
