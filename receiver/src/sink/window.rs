//! The newest frame in a window, with a line of figures over it.

use super::snapshot::save_one;
use crate::overlay::Overlay;
use crate::{Downstream, Frame};
use media::codec::{CodecError, Decoder, Scale};
use media::mailbox::{Reader, Taken};
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
    image: Image,
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
            image: Image::zeroed(1, 1, PixelFormat::Bgrx)?,
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
        let (width, height) = self.window.size();
        let decoded =
            self.newest.as_ref().map(|frame| decode(&mut self.decoder, &frame.jpeg, (width, height), &mut self.image));
        match decoded {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                // The picture before stays; the sender sends something that is whole, but no picture.
                if !std::mem::replace(&mut self.said_damaged, true) {
                    tracing::warn!("a frame arrived whole but cannot be shown: {error}");
                }
                return Ok(());
            }
            None => self.image = Image::zeroed(width, height, PixelFormat::Bgrx)?,
        }
        self.overlay.draw(now, &mut self.image, (width, height));
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

/// Decodes at the smallest scale that still fills the window.
fn decode(decoder: &mut Decoder, jpeg: &[u8], window: (u32, u32), image: &mut Image) -> Result<(), CodecError> {
    let scale = Scale::to_fit(Decoder::header(jpeg)?, window);
    decoder.decode_into(jpeg, PixelFormat::Bgrx, scale, image)
}
