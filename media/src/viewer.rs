//! Live pictures in a window: one that fills it, or several in a grid, each with a caption over it.
//!
//! What the pictures are of, and what is said about them, is the caller's concern. All of it happens on the thread that
//! opened the window, see [`window`](crate::window). That thread asks for [`keys`](Viewer::keys) and calls
//! [`show`](Viewer::show), again and again: only what has changed is decoded and drawn.

mod bgrx;
mod caption;
mod grid;
mod tile;

use std::time::{Duration, Instant};

use crate::codec::CodecError;
use crate::place::Place;
use crate::reshape::reshape;
use crate::scale::ScaleError;
use crate::window::{Key, Window, WindowError};
use crate::{Image, ImageError, PictureRef, PixelFormat};
use caption::Captions;
use tile::{Change, Developer, Tile};

/// Size of the window until somebody changes it: fits on any screen, and a picture of 720 lines fits in it.
const OPEN_SIZE: (u32, u32) = (1280, 720);

/// Several pictures are not drawn more often than this: theirs come at any time, each would cost a screen full of
/// pixels, and no screen shows more than some sixty a second. A single one is drawn as soon as it comes.
const GRID_INTERVAL: Duration = Duration::from_millis(16);

const BYTES_PER_PIXEL: usize = 4;

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewerError {
    /// The window.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The decoder could not be started.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A picture could not be brought to its size.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// A picture of that size cannot be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A raw picture has planes.
    #[error("a raw picture in {0:?} is not shown; Gray, Bgr, Rgb and Bgrx are")]
    Layout(PixelFormat),
}

/// One picture, as it is to be shown now.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Which one it is, of all that are shown.
    pub id: u64,
    /// The picture: a JPEG, or packed pixels. A raw one in planes is taken for one that cannot be shown.
    pub picture: PictureRef<'a>,
    /// Another number for another picture: as long as it is the same, the picture is not decoded again.
    pub version: u64,
    /// What is written over it, in one or more lines; may be empty.
    pub caption: &'a str,
    /// Whether it is shown darkened, so that nobody takes a picture that has stopped for a live one.
    pub is_dark: bool,
}

/// A window with live pictures in it.
#[derive(Debug)]
pub struct Viewer {
    window: Window,
    /// What the window shows, pixel by pixel.
    canvas: Image,
    tiles: Vec<Tile>,
    developer: Developer,
    captions: Captions,
    /// What an empty window says; `None` as long as there are pictures.
    notice: Option<Vec<String>>,
    drawn: Option<Instant>,
}

impl Viewer {
    /// Opens a window of 1280 x 720 pixels.
    ///
    /// # Errors
    /// [`ViewerError::Window`] where there is no display.
    pub fn open(title: &str) -> Result<Self, ViewerError> {
        let window = Window::open(title, OPEN_SIZE.0, OPEN_SIZE.1)?;
        Ok(Self {
            window,
            canvas: Image::zeroed(1, 1, PixelFormat::Bgrx)?,
            tiles: Vec::new(),
            developer: Developer::new()?,
            captions: Captions::default(),
            notice: None,
            drawn: None,
        })
    }

    /// What was pressed since the last call; see [`Window::poll`].
    ///
    /// # Errors
    /// [`ViewerError::Window`] where the window is lost.
    pub fn keys(&mut self) -> Result<Vec<Key>, ViewerError> {
        Ok(self.window.poll()?)
    }

    /// Shows these pictures, in this order; or, where there are none, these lines.
    ///
    /// # Errors
    /// [`ViewerError`] where the window is lost. A picture that cannot be decoded is no error: it is said once, and the
    /// one before stays.
    pub fn show(&mut self, views: &[View<'_>], notice: &[String]) -> Result<(), ViewerError> {
        if views.is_empty() {
            return self.show_notice(notice);
        }
        let now = Instant::now();
        if views.len() > 1 && self.drawn.is_some_and(|at| now.saturating_duration_since(at) < GRID_INTERVAL) {
            return Ok(());
        }
        let is_new = self.match_tiles(views)? | self.fit_canvas(self.window.size())? | self.notice.take().is_some();
        let sizes: Vec<_> = self.tiles.iter_mut().zip(views).map(|(tile, view)| tile.measure(view)).collect();
        let cells = grid::cells(&sizes, (self.canvas.width(), self.canvas.height()));
        let is_rearranged = self.tiles.iter().map(Tile::cell).ne(cells.iter().copied());
        if is_new || is_rearranged {
            self.canvas.pixels_mut().fill(0);
        }
        let mut has_changed = false;
        for ((tile, view), cell) in self.tiles.iter_mut().zip(views).zip(cells) {
            let before = tile.inside();
            let change = tile.update(view, cell, &mut self.developer)?;
            if change == Change::None && !is_new && !is_rearranged {
                continue;
            }
            if before != tile.inside() || tile.is_caption_beside {
                clear(&mut self.canvas, cell);
            }
            draw(&mut self.canvas, &tile.image, tile.inside(), view.is_dark);
            tile.is_caption_beside = self.captions.draw(&mut self.canvas, tile.inside(), cell, &tile.caption(view));
            has_changed = true;
        }
        if has_changed {
            self.drawn = Some(now);
            self.window.show(&self.canvas)?;
        }
        Ok(())
    }

    fn show_notice(&mut self, lines: &[String]) -> Result<(), ViewerError> {
        self.tiles.clear();
        let is_resized = self.fit_canvas(self.window.size())?;
        if is_resized || self.notice.as_deref() != Some(lines) {
            self.canvas.pixels_mut().fill(0);
            self.captions.draw_in_the_middle(&mut self.canvas, lines);
            self.notice = Some(lines.to_vec());
            self.window.show(&self.canvas)?;
        }
        Ok(())
    }

    /// Makes the tiles those of `views`. True if they were not.
    fn match_tiles(&mut self, views: &[View<'_>]) -> Result<bool, ViewerError> {
        if self.tiles.iter().map(|tile| tile.id).eq(views.iter().map(|view| view.id)) {
            return Ok(false);
        }
        let mut before = std::mem::take(&mut self.tiles);
        for view in views {
            let known = before.iter().position(|tile| tile.id == view.id);
            self.tiles.push(known.map_or_else(|| Tile::new(view.id), |at| Ok(before.swap_remove(at)))?);
        }
        Ok(true)
    }

    /// Makes the canvas as large as the window. True if it was not.
    fn fit_canvas(&mut self, (width, height): (u32, u32)) -> Result<bool, ViewerError> {
        let is_resized = (self.canvas.width(), self.canvas.height()) != (width, height);
        reshape(&mut self.canvas, width, height, PixelFormat::Bgrx)?;
        Ok(is_resized)
    }
}

/// Makes a part of the canvas black.
fn clear(canvas: &mut Image, place: Place) {
    for row in rows(canvas, place) {
        row.fill(0);
    }
}

/// Draws a picture that is as large as its place. One that has not that size, as nothing could be decoded, is left out.
fn draw(canvas: &mut Image, picture: &Image, place: Place, is_dark: bool) {
    if (picture.width(), picture.height()) != (place.width, place.height) {
        return clear(canvas, place);
    }
    let pixels = picture.pixels().chunks_exact(place.width as usize * BYTES_PER_PIXEL);
    for (row, pixels) in rows(canvas, place).zip(pixels) {
        // What lies outside of the window is not seen.
        let seen = row.len().min(pixels.len());
        row[..seen].copy_from_slice(&pixels[..seen]);
        if is_dark {
            row.iter_mut().for_each(|value| *value /= 2);
        }
    }
}

/// The bytes of a part of the canvas, row by row, as far as it lies on it.
fn rows(canvas: &mut Image, place: Place) -> impl Iterator<Item = &mut [u8]> {
    let width = canvas.width() as usize;
    let left = (place.x as usize).min(width);
    let right = left.saturating_add(place.width as usize).min(width);
    let rows = canvas.pixels_mut().chunks_exact_mut(width * BYTES_PER_PIXEL);
    let rows = rows.skip(place.y as usize).take(place.height as usize);
    rows.map(move |row| &mut row[left * BYTES_PER_PIXEL..right * BYTES_PER_PIXEL])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_in_its_place_and_what_lies_outside_is_left_out() {
        let mut canvas = Image::zeroed(4, 3, PixelFormat::Bgrx).unwrap();
        let picture = Image::new(2, 2, PixelFormat::Bgrx, vec![200; 16]).unwrap();
        let lit = |canvas: &Image, value| -> Vec<usize> {
            canvas.pixels().chunks(4).enumerate().filter(|(_, pixel)| pixel[0] == value).map(|(at, _)| at).collect()
        };
        draw(&mut canvas, &picture, Place { x: 1, y: 0, width: 2, height: 2 }, false);
        assert_eq!(lit(&canvas, 200), [1, 2, 5, 6]);
        draw(&mut canvas, &picture, Place { x: 3, y: 2, width: 2, height: 2 }, true);
        assert_eq!(lit(&canvas, 100), [11]);
        draw(&mut canvas, &picture, Place { x: 9, y: 9, width: 2, height: 2 }, false);
        clear(&mut canvas, Place { x: 1, y: 0, width: 1, height: 9 });
        assert_eq!(lit(&canvas, 200), [2, 6]);
    }
}
