//! A picture for tests, the same in every layout, in which no two corners and no two channels are alike.

use crate::{Image, PixelFormat};

/// What the picture of this size shows at one place, as red, green and blue.
///
/// Red grows to the right, green downwards, blue falls to the right: swapped channels, planes or axes all show. It is
/// smooth, so that neither chroma at half size nor the quality of a JPEG changes it much.
pub(crate) fn rgb(x: u32, y: u32, width: u32, height: u32) -> [u8; 3] {
    let part = |at: u32, of: u32| (f64::from(at) + 0.5) / f64::from(of);
    let (right, down) = (part(x, width), part(y, height));
    [30.0 + 200.0 * right, 20.0 + 150.0 * down, 200.0 - 150.0 * right].map(|value: f64| value.round() as u8)
}

/// The picture in the layout asked for.
pub(crate) fn gradient(width: u32, height: u32, format: PixelFormat) -> Image {
    let at = |x: u32, y: u32| rgb(x.min(width - 1), y.min(height - 1), width, height);
    let places = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pairs = || (0..height.div_ceil(2)).flat_map(|y| (0..width.div_ceil(2)).map(move |x| (2 * x, 2 * y)));
    let luma = || places().map(|(x, y)| ycc(at(x, y))[0]);
    let pixels: Vec<u8> = match format {
        PixelFormat::Gray => luma().collect(),
        PixelFormat::Rgb => places().flat_map(|(x, y)| at(x, y)).collect(),
        PixelFormat::Bgr => places().flat_map(|(x, y)| at(x, y).into_iter().rev().collect::<Vec<_>>()).collect(),
        PixelFormat::Bgrx => places()
            .flat_map(|(x, y)| {
                let [r, g, b] = at(x, y);
                // The fourth byte is of no meaning, so it must not matter.
                [b, g, r, (x * 7) as u8]
            })
            .collect(),
        PixelFormat::I420 => {
            luma().chain(pairs().map(|(x, y)| ycc(at(x, y))[1])).chain(pairs().map(|(x, y)| ycc(at(x, y))[2])).collect()
        }
        PixelFormat::Nv12 => luma().chain(pairs().flat_map(|(x, y)| [ycc(at(x, y))[1], ycc(at(x, y))[2]])).collect(),
        PixelFormat::Yuyv => places()
            .map(|(x, y)| if x % 2 == 0 { (x, y, 1) } else { (x - 1, y, 2) })
            .flat_map(|(x, y, chroma)| [ycc(at(x + chroma as u32 - 1, y))[0], ycc(at(x, y))[chroma]])
            .collect(),
    };
    Image::new(width, height, format, pixels).unwrap()
}

/// Red, green and blue as luma, U and V: the conversion of JFIF, full range.
pub(crate) fn ycc([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (f64::from(r), f64::from(g), f64::from(b));
    [
        0.299 * r + 0.587 * g + 0.114 * b,
        128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b,
        128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b,
    ]
    .map(|value| value.round() as u8)
}

/// Asserts that no byte of two pictures of one size and layout differs by more than `tolerance`; the fourth byte of
/// Bgrx is not looked at.
pub(crate) fn assert_alike(got: &Image, expected: &Image, tolerance: u8) {
    assert_eq!((got.width(), got.height(), got.format()), (expected.width(), expected.height(), expected.format()));
    let unused = |at: usize| got.format() == PixelFormat::Bgrx && at % 4 == 3;
    for (at, (&got, &expected)) in got.pixels().iter().zip(expected.pixels()).enumerate() {
        assert!(
            unused(at) || got.abs_diff(expected) <= tolerance,
            "byte {at} is {got}, expected {expected} ± {tolerance}"
        );
    }
}
