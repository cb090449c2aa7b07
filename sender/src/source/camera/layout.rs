//! What the bytes of a raw frame are, by what the driver calls them.
//!
//! OpenCV hands out a frame that it has not converted as the driver delivered it: 4:2:2 as two channels, 4:2:0 as a
//! single one that is half as high again as the picture (`v4l2_create_frame` in its `cap_v4l.cpp`).

use media::{Image, PixelFormat};

use super::range::to_full_range;

/// Four letters as V4L2 codes a layout (`videodev2.h`).
pub(super) type Coding = [u8; 4];

/// The camera's own JPEG.
pub(super) const MJPG: Coding = *b"MJPG";

/// Planes of 4:2:0, and 4:2:2. Asked for in this order where there is no JPEG: planes are encoded as they are, and
/// 4:2:2 has a third more to encode.
pub(super) const RAW: [Coding; 3] = [YU12, NV12, YUYV];

const YU12: Coding = *b"YU12";
const NV12: Coding = *b"NV12";
const YUYV: Coding = *b"YUYV";

/// The picture in a matrix of one channel: grey, or planes one below the other. `None` where it is neither.
pub(super) fn one_channel(image: Image, coding: Option<Coding>, size: Option<(u32, u32)>) -> Option<Image> {
    let (width, rows) = (image.width(), image.height());
    if size.is_none_or(|size| size == (width, rows)) {
        return Some(image);
    }
    let format = match &coding? {
        &YU12 | b"I420" | b"IYUV" => PixelFormat::I420,
        &NV12 => PixelFormat::Nv12,
        _ => return None,
    };
    let size = size.filter(|size| *size == (width, rows / 3 * 2))?;
    // Refused where a side is odd: how the planes then lie, drivers do not agree on.
    video_range(Image::new(width, size.1, format, image.into_pixels()).ok()?)
}

/// The picture in a matrix of two channels, taken for YUYV. `None` where it is UYVY, YVYU or unknown.
pub(super) fn two_channels(image: Image, coding: Option<Coding>) -> Option<Image> {
    match &coding? {
        &YUYV | b"YUY2" => video_range(image),
        _ => None,
    }
}

/// The picture in a matrix of three channels, taken for blue, green and red.
pub(super) fn three_channels(image: Image, coding: Option<Coding>) -> Option<Image> {
    match coding.as_ref() {
        // OpenCV reorders them only when it converts.
        Some(b"RGB3") => Image::new(image.width(), image.height(), PixelFormat::Rgb, image.into_pixels()).ok(),
        _ => Some(image),
    }
}

/// What V4L2 delivers as luma and chroma has video range unless the driver says otherwise
/// (`V4L2_MAP_QUANTIZATION_DEFAULT`), which OpenCV does not tell; JPEG has full range. OpenCV's own conversion assumes
/// the same.
fn video_range(mut image: Image) -> Option<Image> {
    to_full_range(&mut image);
    Some(image)
}
