//! A frame as it is written to a receiver.

use std::sync::Arc;

use bytes::Bytes;
use media::Image;
use segment::wire::pickle::{PictureSizeError, Template};
use segment::wire::stream::{Framing, HEADER_LEN, LengthError};

/// A frame with all that stands around it. What it shows is shared, never copied.
#[derive(Debug, Clone)]
pub(super) enum Parcel {
    Jpeg { header: [u8; HEADER_LEN], jpeg: Bytes },
    Picture { template: Arc<Template>, image: Arc<Image> },
}

impl Parcel {
    pub(super) fn jpeg(jpeg: &Bytes) -> Result<Self, LengthError> {
        Ok(Self::Jpeg { header: Framing::Upstream.header(jpeg.len())?, jpeg: jpeg.clone() })
    }

    /// `template` must be for pictures of this size.
    pub(super) fn picture(template: &Arc<Template>, image: &Arc<Image>) -> Self {
        Self::Picture { template: Arc::clone(template), image: Arc::clone(image) }
    }

    /// All of it, to be written one after another.
    pub(super) fn pieces(&self) -> Result<[&[u8]; 3], PictureSizeError> {
        match self {
            Self::Jpeg { header, jpeg } => Ok([header, jpeg, &[]]),
            Self::Picture { template, image } => template.frame(image.pixels()),
        }
    }
}
