//! The newest frame in a window, with a line of figures over it.

use super::snapshot::save_one;
use crate::overlay::Overlay;
use crate::{Downstream, Frame};
use media::codec::{CodecError, Decoder, Scale};
use media::mailbox::{Reader, Taken};
use media::scale::{ScaleError, Scaler};
use media::window::{Key, Window, WindowError};
use media::{Image, ImageError, PixelFormat};
use std::path::Path;
use std::time::{Duration, Instant};

/// Size of the window until somebody changes it: fits on any screen, and a picture of 720 lines fits in it.
const OPEN_SIZE: (u32, u32) = (1280, 720);

/// Without a new frame the picture is drawn again so often, as the line over it tells how long that has been.
const REDRAW: Duration = Duration::from_millis(500);

/// Shows a stream. To be stepped by the main thread: windowing systems want that.
#[derive(Debug)]
pub struct Viewer {
    window: Window,
    frames: Reader<Frame>,
    decoder: Decoder,
    overlay: Overlay,
    newest: Option<Frame>,
    /// The picture as decoded, and as it is shown: fitted into the window, with the line over it.
    decoded: Image,
    image: Image,
    scaler: Scaler,
    drawn: Option<Instant>,
    said_damaged: bool,
}

/// Why the stream cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// The window.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The decoder could not be started.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The picture could not be fitted into the window.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// A picture of that size cannot be.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To go on.
    GoOn,
    /// To end.
    Quit,
}

impl Viewer {
    /// Opens a window that shows what `downstream` receives.
    ///
    /// # Errors
    /// [`ViewerError::Window`] where there is no display.
    pub fn open(downstream: &Downstream) -> Result<Self, ViewerError> {
        let title = format!("receiver {}", downstream.local_addr());
        let window = Window::open(&title, OPEN_SIZE.0, OPEN_SIZE.1)?;
        Ok(Self {
            window,
            decoder: Decoder::new()?,
            overlay: Overlay::new(downstream.local_addr(), Instant::now()),
            newest: None,
            decoded: Image::zeroed(1, 1, PixelFormat::Bgrx)?,
            image: Image::zeroed(1, 1, PixelFormat::Bgrx)?,
            scaler: Scaler::new(),
            drawn: None,
            said_damaged: false,
            frames: downstream.newest("window"),
        })
    }

    /// Does what keys ask for, and shows the newest frame. Waits at most `wait` for one.
    ///
    /// # Errors
    /// [`ViewerError`] where the window is lost.
    pub fn step(&mut self, downstream: &Downstream, wait: Duration) -> Result<Step, ViewerError> {
        for key in self.window.poll()? {
            match key {
                Key::Quit => return Ok(Step::Quit),
                Key::Snapshot => self.save_snapshot(),
                Key::Figures => {
                    self.overlay.switch();
                    self.drawn = None;
                }
            }
        }
        let now = match self.frames.take(wait) {
            Taken::Value(frame) => {
                let now = Instant::now();
                self.overlay.count(now, &frame, downstream);
                self.newest = Some(frame);
                self.drawn = None;
                now
            }
            Taken::TimedOut | Taken::Closed => Instant::now(),
        };
        if self.overlay.note_end(downstream.has_source_ended()) {
            self.drawn = None;
        }
        if self.drawn.is_none_or(|at| now.saturating_duration_since(at) >= REDRAW) {
            self.draw(now)?;
        }
        Ok(Step::GoOn)
    }

    fn draw(&mut self, now: Instant) -> Result<(), ViewerError> {
        self.drawn = Some(now);
        let window = self.window.size();
        let Some(frame) = &self.newest else {
            self.image = Image::zeroed(window.0, window.1, PixelFormat::Bgrx)?;
            self.overlay.draw_waiting(&mut self.image);
            return Ok(self.window.show(&self.image)?);
        };
        if let Err(error) = decode(&mut self.decoder, &frame.jpeg, window, &mut self.decoded) {
            // The picture before stays; the sender sends something that is whole, but no picture.
            if !std::mem::replace(&mut self.said_damaged, true) {
                tracing::warn!("a frame arrived whole but cannot be shown: {error}");
            }
            return Ok(());
        }
        // The line is drawn in the window's own pixels, so that it can be read however small the picture is.
        let (width, height) = fit((self.decoded.width(), self.decoded.height()), window);
        if (width, height) == (self.decoded.width(), self.decoded.height()) {
            std::mem::swap(&mut self.image, &mut self.decoded);
        } else {
            self.scaler.scale_into(&self.decoded, width, height, &mut self.image)?;
        }
        self.overlay.draw(now, &mut self.image);
        Ok(self.window.show(&self.image)?)
    }

    fn save_snapshot(&self) {
        let Some(frame) = &self.newest else {
            tracing::warn!("no snapshot, as there is no picture yet");
            return;
        };
        match save_one(Path::new("."), &frame.jpeg) {
            Ok(path) => tracing::info!("saved {}", path.display()),
            Err(error) => tracing::error!("no snapshot: {error}"),
        }
    }
}

/// The largest size of the picture's aspect that fits into the window.
fn fit(picture: (u32, u32), window: (u32, u32)) -> (u32, u32) {
    let [pw, ph, ww, wh] = [picture.0, picture.1, window.0, window.1].map(|side| u64::from(side.max(1)));
    let side = |side: u64| u32::try_from(side).unwrap_or(u32::MAX).max(1);
    if pw * wh > ph * ww { (side(ww), side(ph * ww / pw)) } else { (side(pw * wh / ph), side(wh)) }
}

/// Decodes at the smallest scale that still fills the window.
fn decode(decoder: &mut Decoder, jpeg: &[u8], window: (u32, u32), image: &mut Image) -> Result<(), CodecError> {
    let scale = Scale::to_fit(Decoder::header(jpeg)?, window);
    decoder.decode_into(jpeg, PixelFormat::Bgrx, scale, image)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn pictures_touch_the_window_on_two_sides() {
        assert_eq!(fit((640, 480), (1280, 720)), (960, 720));
        assert_eq!(fit((1920, 1080), (1280, 1000)), (1280, 720));
        assert_eq!(fit((1, 65_535), (300, 200)), (1, 200));
        assert_eq!(fit((1280, 720), (0, 0)), (1, 1));
    }
}
