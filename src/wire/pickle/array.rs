//! An array of numpy, and the picture in it.

use super::refused::{Refusal, Refused, Shape};
use super::value::Content;
use super::{MAX_SIDE, Picture, Pixel};
use bytes::Bytes;

/// How the bytes of an array follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The last axis runs fastest.
    C,
    /// The first axis runs fastest.
    Fortran,
    /// As in C, and then this axis of the result is that of what was written. Numpy 2 writes so what is in neither
    /// order.
    Axes([usize; 3]),
}

/// An array that is a picture: its sides are possible, and its content has the length that they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Array<'a> {
    height: usize,
    width: usize,
    pixel: Pixel,
    /// Bytes from one row, one column and one colour to the next.
    strides: [usize; 3],
    content: Content<'a>,
}

impl<'a> Array<'a> {
    pub(super) fn new(written: &Shape, order: Order, content: Content<'a>) -> Result<Self, Refusal> {
        let sides = sides(written, order).ok_or_else(|| Refusal::Shape(written.clone()))?;
        let [height, width, colors] = sides;
        // Each fits in 16 bits: no overflow in 64.
        let len = height as u64 * width as u64 * colors as u64;
        let got = content.len();
        if got as u64 != len {
            return Err(Refusal::Length { shape: written.clone(), got });
        }
        let strides = match order {
            Order::C => [width * colors, colors, 1],
            Order::Fortran => [1, height, height * width],
            Order::Axes(axes) => {
                let mut written = [1; 3];
                axes.iter().zip(sides).for_each(|(axis, side)| written[*axis] = side);
                let strides = [written[1] * written[2], written[2], 1];
                axes.map(|axis| strides[axis])
            }
        };
        let pixel = if colors == 1 { Pixel::Gray } else { Pixel::Bgr };
        Ok(Self { height, width, pixel, strides, content })
    }

    /// The picture, whose pixels stay where they are in `pickle` if they are right there.
    pub(super) fn into_picture(self, pickle: &Bytes) -> Result<Picture, Refused> {
        let pixels = match self.content {
            Content::Bytes(bytes) if self.is_in_order() => pickle.slice_ref(bytes),
            Content::Bytes(bytes) => self.in_order(bytes).into(),
            Content::Latin1(text) => {
                let bytes =
                    decoded(text, self.len()).ok_or(Refused { what: Refusal::NotLatin1, at: offset(pickle, text) })?;
                if self.is_in_order() { bytes } else { self.in_order(&bytes) }.into()
            }
        };
        // Both were checked to fit in 16 bits.
        Ok(Picture { width: self.width as u32, height: self.height as u32, pixel: self.pixel, pixels })
    }

    /// Whether the bytes follow each other as in a [`Picture`]. The stride of a side of 1 does not matter.
    fn is_in_order(&self) -> bool {
        let colors = self.pixel.len();
        let wanted = [(self.height, self.width * colors), (self.width, colors), (colors, 1)];
        wanted.iter().zip(self.strides).all(|((side, wanted), stride)| *side == 1 || *wanted == stride)
    }

    /// Bytes of the picture.
    fn len(&self) -> usize {
        self.height * self.width * self.pixel.len()
    }

    fn in_order(&self, bytes: &[u8]) -> Vec<u8> {
        let [down, right, color] = self.strides;
        let mut pixels = Vec::with_capacity(bytes.len());
        for row in (0..self.height).map(|y| y * down) {
            for place in (0..self.width).map(|x| row + x * right) {
                pixels.extend((0..self.pixel.len()).filter_map(|at| bytes.get(place + at * color)));
            }
        }
        pixels
    }
}

impl Content<'_> {
    /// Bytes of the array. Of text, the characters: all bytes but those that continue one (RFC 3629).
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Latin1(text) => text.iter().filter(|byte| **byte & 0xC0 != 0x80).count(),
        }
    }
}

/// Height, width and colours of the array as it is to be, if it is a picture.
fn sides(written: &Shape, order: Order) -> Option<[usize; 3]> {
    let side = |side: &i32| usize::try_from(*side).ok().filter(|side| (1..=MAX_SIDE as usize).contains(side));
    let written: Vec<usize> = written.0.iter().map(side).collect::<Option<_>>()?;
    let at = |place: usize| match order {
        Order::Axes(axes) => written.get(axes[place]).copied(),
        Order::C | Order::Fortran => written.get(place).copied(),
    };
    match written.len() {
        2 => Some([at(0)?, at(1)?, 1]),
        3 => Some([at(0)?, at(1)?, at(2).filter(|colors| *colors == 3)?]),
        _ => None,
    }
}

/// The `len` bytes that text in UTF-8 stands for, if each of its characters is one.
fn decoded(text: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            ..0x80 => byte,
            0xC2 | 0xC3 => byte << 6 | rest.next().filter(|next| *next & 0xC0 == 0x80)? & 0x3F,
            _ => return None,
        });
    }
    Some(bytes)
}

/// Where `part` stands in `pickle`.
fn offset(pickle: &Bytes, part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(pickle.as_ptr().addr())
}
