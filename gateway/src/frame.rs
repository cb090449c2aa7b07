//! One picture on its way to viewers.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use media::{Image, Picture};

/// One picture of a stream: as a JPEG, as raw pixels, or both. Shared by all who look, and never copied for one.
///
/// Which of the two is there depends on what the source delivers and what is asked for ([`Want`](crate::stream::Want)).
#[derive(Debug)]
pub struct Frame {
    jpeg: Option<Bytes>,
    image: Option<Image>,
    /// The message that it came in, where it came through Redis.
    published: Option<Bytes>,
    /// When the picture was captured, by this machine's clock as far as the offset of the sender's is known.
    pub captured_at: SystemTime,
    /// When it was ready here.
    pub arrived_at: Instant,
    /// Its number among those of this stream that were made ready, from 0.
    pub number: u64,
    head: OnceLock<Bytes>,
}

impl Frame {
    /// A frame; at least one of `jpeg` and `image` is there.
    pub(crate) fn new(jpeg: Option<Bytes>, image: Option<Image>, captured_at: SystemTime, number: u64) -> Self {
        Self { jpeg, image, published: None, captured_at, arrived_at: Instant::now(), number, head: OnceLock::new() }
    }

    /// The same frame, which came through Redis in this message.
    pub(crate) fn with_published(self, published: Option<Bytes>) -> Self {
        Self { published, ..self }
    }

    /// The same moment in another form, with its number among those.
    pub(crate) fn rendered(&self, jpeg: Bytes, number: u64) -> Self {
        Self {
            jpeg: Some(jpeg),
            image: None,
            published: None,
            captured_at: self.captured_at,
            arrived_at: self.arrived_at,
            number,
            head: OnceLock::new(),
        }
    }

    /// The picture as a JPEG. There for whoever asked for [`Want::Jpeg`](crate::stream::Want::Jpeg).
    #[must_use]
    pub fn jpeg(&self) -> Option<&Bytes> {
        self.jpeg.as_ref()
    }

    /// The raw picture. There where the source delivers raw pictures, or had to be decoded anyway.
    #[must_use]
    pub fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// The message that it came in, where it came through Redis and nothing was asked of it: to be passed on as it is.
    #[must_use]
    pub fn published(&self) -> Option<&Bytes> {
        self.published.as_ref()
    }

    /// The picture in the form that takes least work to go on with: raw if it is there, else the JPEG.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        match (&self.image, &self.jpeg) {
            (Some(image), _) => Some(Picture::Raw(image.clone())),
            (None, Some(jpeg)) => Some(Picture::Jpeg(jpeg.clone())),
            (None, None) => None,
        }
    }

    /// What `make` makes of this frame, made once for all viewers: the header of its part in a multipart stream.
    pub(crate) fn head(&self, make: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.head.get_or_init(|| make(self))
    }
}
