//! One picture of several, at the size at which it is shown.

use super::bgrx::to_bgrx;
use super::{View, ViewerError};
use crate::codec::{Decoder, Scale};
use crate::place::Place;
use crate::scale::Scaler;
use crate::{Image, PictureRef, PixelFormat};
use std::fmt::Display;

/// What a picture is taken to be until one can be read.
const USUAL_SIZE: (u32, u32) = (16, 9);

/// Decodes pictures and brings them to their size, one after another in the same memory.
#[derive(Debug)]
pub(super) struct Developer {
    decoder: Decoder,
    scaler: Scaler,
    decoded: Image,
}

impl Developer {
    pub(super) fn new() -> Result<Self, ViewerError> {
        let decoded = Image::zeroed(1, 1, PixelFormat::Bgrx)?;
        Ok(Self { decoder: Decoder::new()?, scaler: Scaler::new(), decoded })
    }

    /// Makes `image` the picture at this size.
    fn develop(
        &mut self,
        picture: PictureRef<'_>,
        size: (u32, u32),
        inside: Place,
        image: &mut Image,
    ) -> Result<(), ViewerError> {
        match picture {
            PictureRef::Jpeg(jpeg) => self.develop_jpeg(jpeg, size, inside, image),
            PictureRef::Raw(raw) => self.develop_raw(raw, inside, image),
        }
    }

    /// Decoded at the smallest scale that covers it.
    fn develop_jpeg(
        &mut self,
        jpeg: &[u8],
        size: (u32, u32),
        inside: Place,
        image: &mut Image,
    ) -> Result<(), ViewerError> {
        let wanted = (inside.width, inside.height);
        self.decoder.decode_into(jpeg, PixelFormat::Bgrx, Scale::to_fit(size, wanted), &mut self.decoded)?;
        if (self.decoded.width(), self.decoded.height()) == wanted {
            std::mem::swap(image, &mut self.decoded);
        } else {
            self.scaler.scale_into(&self.decoded, inside.width, inside.height, image)?;
        }
        Ok(())
    }

    /// Scaled in its own layout, which has fewer bytes than that of the window.
    fn develop_raw(&mut self, raw: &Image, inside: Place, image: &mut Image) -> Result<(), ViewerError> {
        let is_shown = if (raw.width(), raw.height()) == (inside.width, inside.height) {
            to_bgrx(raw, image)?
        } else {
            self.scaler.scale_into(raw, inside.width, inside.height, &mut self.decoded)?;
            to_bgrx(&self.decoded, image)?
        };
        if is_shown { Ok(()) } else { Err(ViewerError::Layout(raw.format())) }
    }
}

/// What is on the screen of one view.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) id: u64,
    /// Width and height of the picture as it was sent.
    size: (u32, u32),
    cell: Place,
    inside: Place,
    /// The picture, as large as `inside`; before the first one, a single pixel.
    pub(super) image: Image,
    version: Option<u64>,
    caption: String,
    is_dark: bool,
    /// The caption has been written beside the picture, where it has to be wiped away.
    pub(super) is_caption_beside: bool,
    said_damaged: bool,
}

/// What has to be drawn of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Draw,
}

impl Tile {
    pub(super) fn new(id: u64) -> Result<Self, ViewerError> {
        Ok(Self {
            id,
            size: USUAL_SIZE,
            cell: Place::default(),
            inside: Place::default(),
            image: Image::zeroed(1, 1, PixelFormat::Bgrx)?,
            version: None,
            caption: String::new(),
            is_dark: false,
            is_caption_beside: false,
            said_damaged: false,
        })
    }

    pub(super) fn cell(&self) -> Place {
        self.cell
    }

    pub(super) fn inside(&self) -> Place {
        self.inside
    }

    /// Whether the view has a picture that has not been looked at.
    fn has_news(&self, view: &View<'_>) -> bool {
        self.version != Some(view.version)
    }

    /// The size of the view's picture, of which a place for it follows.
    pub(super) fn measure(&mut self, view: &View<'_>) -> (u32, u32) {
        if self.has_news(view) {
            match view.picture {
                PictureRef::Raw(image) => self.size = (image.width(), image.height()),
                PictureRef::Jpeg(jpeg) => match Decoder::header(jpeg) {
                    Ok(size) => self.size = size,
                    Err(error) => self.complain(&error),
                },
            }
        }
        self.size
    }

    /// Brings the tile to what the view shows, in this cell.
    ///
    /// What arrived but is no picture is said once; the picture before it stays.
    pub(super) fn update(
        &mut self,
        view: &View<'_>,
        cell: Place,
        developer: &mut Developer,
    ) -> Result<Change, ViewerError> {
        let inside = cell.fit(self.size);
        let is_elsewhere = (self.cell, self.inside) != (cell, inside);
        let is_resized = (self.inside.width, self.inside.height) != (inside.width, inside.height);
        let has_news = self.has_news(view);
        (self.cell, self.inside, self.version) = (cell, inside, Some(view.version));
        if has_news || is_resized {
            match developer.develop(view.picture, self.size, inside, &mut self.image) {
                Ok(()) => {}
                Err(error @ (ViewerError::Codec(_) | ViewerError::Layout(_))) => self.complain(&error),
                Err(error) => return Err(error),
            }
        }
        let is_said = self.caption == view.caption && self.is_dark == view.is_dark;
        if !is_said {
            view.caption.clone_into(&mut self.caption);
            self.is_dark = view.is_dark;
        }
        Ok(if has_news || is_elsewhere || !is_said { Change::Draw } else { Change::None })
    }

    fn complain(&mut self, error: &impl Display) {
        if !std::mem::replace(&mut self.said_damaged, true) {
            tracing::warn!("a frame arrived whole but cannot be shown: {error}");
        }
    }
}
