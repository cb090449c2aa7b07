//! One picture of several, at the size at which it is shown.

use super::bgrx::to_bgrx;
use super::{View, ViewerError};
use crate::codec::{Decoder, Scale};
use crate::place::Place;
use crate::scale::Scaler;
use crate::{Image, PictureRef, PixelFormat};
use std::borrow::Cow;
use std::fmt::Display;

/// What a picture is taken to be until one can be read.
const USUAL_SIZE: (u32, u32) = (16, 9);

/// Said over a picture as long as those after it are none: nobody is to take it for the newest.
const CANNOT_BE_SHOWN: &str = "what comes cannot be shown";

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

    /// Brings a picture that is there already to another size.
    fn fit(&mut self, image: &mut Image, inside: Place) -> Result<(), ViewerError> {
        if (image.width(), image.height()) != (inside.width, inside.height) {
            self.scaler.scale_into(image, inside.width, inside.height, &mut self.decoded)?;
            std::mem::swap(image, &mut self.decoded);
        }
        Ok(())
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
    /// Width and height, as it was sent, of the picture that `image` was made of.
    size: (u32, u32),
    /// What the view's picture says it has; it is taken over once that could be decoded.
    claimed: (u32, u32),
    /// Whether `image` was made of a picture at all.
    has_picture: bool,
    /// The view's picture cannot be decoded; `image` is of one before.
    is_damaged: bool,
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
            claimed: USUAL_SIZE,
            has_picture: false,
            is_damaged: false,
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

    /// The size of the view's picture, of which a place for it follows. Where that cannot be decoded: of the one
    /// before.
    pub(super) fn measure(&mut self, view: &View<'_>) -> (u32, u32) {
        self.claimed = self.size;
        if self.has_news(view) {
            match view.picture {
                PictureRef::Raw(image) => self.claimed = (image.width(), image.height()),
                PictureRef::Jpeg(jpeg) => match Decoder::header(jpeg) {
                    Ok(size) => self.claimed = size,
                    Err(error) => self.complain(&error),
                },
            }
        }
        self.claimed
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
        let before = (self.cell, self.inside);
        let has_news = self.has_news(view);
        (self.cell, self.inside, self.version) = (cell, cell.fit(self.claimed), Some(view.version));
        let is_resized = (before.1.width, before.1.height) != (self.inside.width, self.inside.height);
        if has_news || is_resized && !self.is_damaged {
            match developer.develop(view.picture, self.claimed, self.inside, &mut self.image) {
                Ok(()) => (self.size, self.has_picture, self.is_damaged) = (self.claimed, true, false),
                Err(error @ (ViewerError::Codec(_) | ViewerError::Layout(_))) => {
                    self.complain(&error);
                    self.is_damaged = true;
                }
                Err(error) => return Err(error),
            }
        }
        if self.is_damaged {
            self.inside = cell.fit(self.size);
            if self.has_picture {
                developer.fit(&mut self.image, self.inside)?;
            }
        }
        let is_elsewhere = before != (self.cell, self.inside);
        let is_said = self.caption == view.caption && self.is_dark == view.is_dark;
        if !is_said {
            view.caption.clone_into(&mut self.caption);
            self.is_dark = view.is_dark;
        }
        Ok(if has_news || is_elsewhere || !is_said { Change::Draw } else { Change::None })
    }

    /// What is said over it.
    pub(super) fn caption<'a>(&self, view: &View<'a>) -> Cow<'a, str> {
        match (self.is_damaged, view.caption) {
            (false, caption) => caption.into(),
            (true, "") => CANNOT_BE_SHOWN.into(),
            (true, caption) => format!("{caption}\n{CANNOT_BE_SHOWN}").into(),
        }
    }

    fn complain(&mut self, error: &impl Display) {
        if !std::mem::replace(&mut self.said_damaged, true) {
            tracing::warn!("a frame arrived whole but cannot be shown: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoder;
    use crate::gradient::gradient;

    /// As a viewer of one picture does it. Gives what is shown: its place, and whether there is a picture that fills
    /// it.
    fn show(
        tile: &mut Tile,
        developer: &mut Developer,
        jpeg: &[u8],
        version: u64,
        window: (u32, u32),
    ) -> (Place, bool) {
        let view = View { id: 1, picture: PictureRef::Jpeg(jpeg), version, caption: "", is_dark: false };
        tile.measure(&view);
        tile.update(&view, Place::whole(window), developer).unwrap();
        let inside = tile.inside();
        (inside, (tile.image.width(), tile.image.height()) == (inside.width, inside.height))
    }

    #[test]
    fn a_damaged_picture_of_another_size_leaves_the_one_before() {
        let mut encoder = Encoder::new().unwrap();
        let wide = encoder.encode(&gradient(80, 40, PixelFormat::Bgr), 90).unwrap();
        let tall = encoder.encode(&gradient(40, 80, PixelFormat::Bgr), 90).unwrap();
        // It has a size, and cannot be decoded: its first component asks for a quantization table that is not there.
        let mut damaged = tall.to_vec();
        let frame_header = damaged.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
        damaged[frame_header + 12] = 3;
        assert_eq!(Decoder::header(&damaged).unwrap(), (40, 80));

        let (mut tile, mut developer) = (Tile::new(1).unwrap(), Developer::new().unwrap());
        let mut show = |jpeg: &[u8], version, window| show(&mut tile, &mut developer, jpeg, version, window);
        assert!(!show(&damaged, 0, (80, 80)).1, "nothing is there to be shown");
        let before = show(&wide, 1, (80, 80));
        assert_eq!(before, (Place { x: 0, y: 20, width: 80, height: 40 }, true));
        assert_eq!(show(&damaged, 2, (80, 80)), before);
        assert_eq!(show(&damaged, 2, (80, 80)), before);
        // Also in a window that has got another size meanwhile.
        assert_eq!(show(&damaged, 2, (40, 40)), (Place { x: 0, y: 10, width: 40, height: 20 }, true));
        assert_eq!(show(&tall, 3, (80, 80)), (Place { x: 20, y: 0, width: 40, height: 80 }, true));
    }

    #[test]
    fn a_picture_that_cannot_be_shown_is_said_until_one_can() {
        let jpeg = Encoder::new().unwrap().encode(&gradient(80, 40, PixelFormat::Bgr), 90).unwrap();
        let (mut tile, mut developer) = (Tile::new(1).unwrap(), Developer::new().unwrap());
        let mut said = |jpeg: &[u8], version, caption| {
            show(&mut tile, &mut developer, jpeg, version, (80, 80));
            tile.caption(&View { id: 1, picture: PictureRef::Jpeg(jpeg), version, caption, is_dark: false })
                .into_owned()
        };
        assert_eq!(said(&jpeg, 1, "30.0 fps"), "30.0 fps");
        assert_eq!(said(b"nothing", 2, "30.0 fps"), "30.0 fps\nwhat comes cannot be shown");
        assert_eq!(said(b"nothing", 3, ""), "what comes cannot be shown");
        assert_eq!(said(&jpeg, 4, "30.0 fps"), "30.0 fps");
    }
}
