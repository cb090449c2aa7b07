//! Pixels to JPEG.

use bytes::Bytes;
use turbojpeg::{Compressor, OutputBuf, Subsamp, YuvPlanesImage, compressed_buf_len};

use super::{CodecError, check_size};
use crate::planes::{Planes, extend};
use crate::{Image, PixelFormat};

/// Encodes pictures, one after another, with one handle and one output buffer.
///
/// Colour goes to 4:2:0, the rate at which JPEG video is sent: half the chroma of 4:2:2 for a difference that
/// moving pictures do not show. [`PixelFormat::Yuyv`] stays the 4:2:2 that the camera delivered, since averaging rows
/// would cost more than it saves, and [`PixelFormat::Gray`] becomes a JPEG of one component.
#[derive(Debug)]
pub struct Encoder {
    compressor: Compressor,
    /// Planes taken out of interleaved pictures.
    scratch: Vec<u8>,
    /// Luma of pictures of odd size.
    luma: Vec<u8>,
    output: Vec<u8>,
}

impl Encoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`CodecError::Start`] where memory is short.
    pub fn new() -> Result<Self, CodecError> {
        let compressor = Compressor::new().map_err(|error| CodecError::Start { reason: error.to_string() })?;
        Ok(Self { compressor, scratch: Vec::new(), luma: Vec::new(), output: Vec::new() })
    }

    /// Encodes `image` as a baseline JPEG of `quality` 1 (worst) to 100 (best), on the scale of libjpeg.
    ///
    /// # Errors
    /// [`CodecError::Quality`], [`CodecError::TooLarge`], and [`CodecError::Encode`] with what the library says,
    /// as where a side has more than [`MAX_SIDE`](super::MAX_SIDE) pixels.
    pub fn encode(&mut self, image: &Image, quality: u8) -> Result<Bytes, CodecError> {
        if !(1..=100).contains(&quality) {
            return Err(CodecError::Quality(quality));
        }
        check_size(image.width(), image.height())?;
        let len = self.compress(image, quality).map_err(|error| CodecError::Encode {
            width: image.width(),
            height: image.height(),
            format: image.format(),
            reason: error.to_string(),
        })?;
        // The output buffer has room for the worst case, some 20 times what a JPEG takes: what is handed on is a copy
        // of its own size, which takes a few microseconds.
        Ok(crate::memory::copy(&self.output[..len]))
    }

    /// Encodes into `self.output` and tells how many bytes that took.
    fn compress(&mut self, image: &Image, quality: u8) -> turbojpeg::Result<usize> {
        use turbojpeg::PixelFormat as Packed;

        self.compressor.set_quality(i32::from(quality))?;
        match image.format() {
            PixelFormat::Gray => self.compress_packed(image, Packed::GRAY, Subsamp::Gray),
            PixelFormat::Bgr => self.compress_packed(image, Packed::BGR, Subsamp::Sub2x2),
            PixelFormat::Rgb => self.compress_packed(image, Packed::RGB, Subsamp::Sub2x2),
            PixelFormat::Bgrx => self.compress_packed(image, Packed::BGRX, Subsamp::Sub2x2),
            PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv => self.compress_planes(image),
        }
    }

    fn compress_packed(
        &mut self,
        image: &Image,
        format: turbojpeg::PixelFormat,
        subsamp: Subsamp,
    ) -> turbojpeg::Result<usize> {
        self.compressor.set_subsamp(subsamp)?;
        let (width, height) = (image.width() as usize, image.height() as usize);
        let pitch = width * format.size();
        let packed = turbojpeg::Image { pixels: image.pixels(), width, pitch, height, format };
        let mut output = room(&mut self.output, width, height, subsamp)?;
        self.compressor.compress(packed, &mut output)?;
        Ok(output.len())
    }

    /// The library takes the planes as they are, so that the conversion of colours, a third of the work, falls away.
    fn compress_planes(&mut self, image: &Image) -> turbojpeg::Result<usize> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (planes, subsamp) = match image.format() {
            PixelFormat::Yuyv => (Planes::yuyv(image, &mut self.scratch), Subsamp::Sub2x1),
            PixelFormat::Nv12 => (Planes::nv12(image, &mut self.scratch), Subsamp::Sub2x2),
            _ => (Planes::i420(image), Subsamp::Sub2x2),
        };
        // The library wants a luma plane of whole pairs of columns, and for 4:2:0 of rows, also where the picture has
        // none.
        let luma_width = planes.chroma_width * subsamp.width();
        let luma_height = planes.chroma_height * subsamp.height();
        let luma = if (luma_width, luma_height) == (width, height) {
            planes.y
        } else {
            extend(planes.y, width, luma_width, luma_height, &mut self.luma);
            &self.luma
        };
        let planes = YuvPlanesImage {
            y_plane: luma,
            u_plane: planes.u,
            v_plane: planes.v,
            width,
            height,
            y_stride: luma_width,
            u_stride: planes.chroma_width,
            v_stride: planes.chroma_width,
            subsamp,
        };
        let mut output = room(&mut self.output, width, height, subsamp)?;
        self.compressor.compress_yuv_planes(&planes, &mut output)?;
        Ok(output.len())
    }
}

/// The output buffer, with room for the worst case, so that the library never has to make it larger.
fn room(output: &mut Vec<u8>, width: usize, height: usize, subsamp: Subsamp) -> turbojpeg::Result<OutputBuf<'_>> {
    let len = compressed_buf_len(width, height, subsamp)?;
    if output.len() < len {
        // Fresh zeroed memory is not backed by pages until it is written to; growing the old one would copy it.
        *output = vec![0; len];
    }
    Ok(OutputBuf::borrowed(output))
}
