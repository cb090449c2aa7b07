//! A window on the screen that shows pictures, through X11.
//!
//! All of it happens on the thread that opened the window. That thread calls [`Window::show`] for each picture and
//! [`Window::poll`] in between, at least some ten times a second, for the keys and for what the screen asks.
//!
//! Xlib ends the process, with status 1, when the connection to the X server is lost: when the server ends, or somebody
//! kills the window with `xkill`. That is not to be prevented without unsafe code.

mod framebuffer;
mod keys;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use framebuffer::Framebuffer;
use keys::{Keyboard, Pressed};

pub use keys::Key;

use crate::place::Place;
use crate::scale::ScaleError;
use crate::{Image, PixelFormat};

/// The largest size in pixels (width, height) at which a window opens; the picture is fitted into it. What a stream
/// claims to be decides the size, and X11 ends the program that asks for more than 32,767.
const MAX_OPEN: (u32, u32) = (3840, 2160);

/// After so long without a new picture the last one is put on the screen again, since X11 forgets what was covered by
/// another window and the library does not tell. Four times a second is seen as at once and costs little.
const REFRESH: Duration = Duration::from_millis(250);

/// Why there is no window, or no picture in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// There is no display at all.
    #[error("no window, since there is no display: DISPLAY is not set")]
    NoDisplay,
    /// There should be a display, but it gives no window.
    #[error("no window on display {display}: {reason}; check that DISPLAY is right")]
    Open {
        /// What DISPLAY says.
        display: String,
        /// What the library says.
        reason: String,
    },
    /// The picture is not in the layout of the screen.
    #[error("the window shows Bgrx pictures, not {0:?}")]
    Layout(PixelFormat),
    /// The picture could not be brought to the size of the window.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// The window did not take the picture.
    #[error("cannot show a picture in the window: {reason}")]
    Show {
        /// What the library says.
        reason: String,
    },
}

/// A resizable window. Pictures are fitted into it with their aspect kept, between black bars.
#[derive(Debug)]
pub struct Window {
    window: minifb::Window,
    framebuffer: Framebuffer,
    pressed: Rc<RefCell<Pressed>>,
    /// When the framebuffer was last put on the screen; `None` as long as it holds nothing.
    shown: Option<Instant>,
    /// Whether the keyboard was at this window when it was last looked at.
    active: bool,
}

impl Window {
    /// Opens a window whose inside is `width` x `height` pixels, or less if that is very large. A window manager may
    /// make it another size at once.
    ///
    /// # Errors
    /// [`WindowError::NoDisplay`] and [`WindowError::Open`].
    pub fn open(title: &str, width: u32, height: u32) -> Result<Self, WindowError> {
        let display = std::env::var_os("DISPLAY").unwrap_or_default();
        if display.is_empty() {
            return Err(WindowError::NoDisplay);
        }
        let (width, height) = (width.max(1), height.max(1));
        let (width, height) = if width > MAX_OPEN.0 || height > MAX_OPEN.1 {
            let inside = Place::whole(MAX_OPEN).fit((width, height));
            (inside.width, inside.height)
        } else {
            (width, height)
        };
        let options = minifb::WindowOptions {
            resize: true,
            // The framebuffer always has the size of the window; the library's own scaling takes the nearest pixel.
            scale_mode: minifb::ScaleMode::UpperLeft,
            ..minifb::WindowOptions::default()
        };
        let window = minifb::Window::new(&one_line(title), width as usize, height as usize, options);
        let mut window = window.map_err(|error| WindowError::Open {
            display: display.to_string_lossy().into_owned(),
            reason: error.to_string(),
        })?;
        // No waiting in the library: pictures come at their own pace.
        window.set_target_fps(0);
        let pressed = Rc::new(RefCell::new(Pressed::default()));
        window.set_input_callback(Box::new(Keyboard::new(Rc::clone(&pressed))));
        Ok(Self { window, framebuffer: Framebuffer::default(), pressed, shown: None, active: false })
    }

    /// Width and height of the inside of the window, in pixels: what a picture that is to fill it should have.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.window.get_size();
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX).max(1);
        (side(width), side(height))
    }

    /// Shows a [`PixelFormat::Bgrx`] picture, as large as the window allows.
    ///
    /// # Errors
    /// [`WindowError::Layout`] for another format, [`WindowError::Scale`] and [`WindowError::Show`].
    pub fn show(&mut self, picture: &Image) -> Result<(), WindowError> {
        if picture.format() != PixelFormat::Bgrx {
            return Err(WindowError::Layout(picture.format()));
        }
        self.framebuffer.draw(picture, self.size())?;
        self.put()
    }

    /// What was pressed since the last call, in that order. [`Key::Quit`] comes with every call once the window is
    /// closed.
    ///
    /// # Errors
    /// [`WindowError::Scale`] and [`WindowError::Show`], where the last picture was to be shown again and was not.
    pub fn poll(&mut self) -> Result<Vec<Key>, WindowError> {
        self.window.update();
        if let Some(shown) = self.shown {
            let resized = self.framebuffer.redraw(self.size())?;
            if resized || shown.elapsed() >= REFRESH {
                self.put()?;
            }
        }
        let mut pressed = self.pressed.borrow_mut();
        let active = self.window.is_active();
        if self.active && !active {
            pressed.release_all();
        }
        self.active = active;
        let mut keys = pressed.take();
        if !self.window.is_open() && !keys.contains(&Key::Quit) {
            keys.push(Key::Quit);
        }
        Ok(keys)
    }

    /// Puts another title on the window.
    pub fn set_title(&mut self, title: &str) {
        self.window.set_title(&one_line(title));
    }

    fn put(&mut self) -> Result<(), WindowError> {
        let (pixels, width, height) = self.framebuffer.pixels();
        let updated = self.window.update_with_buffer(pixels, width as usize, height as usize);
        updated.map_err(|error| WindowError::Show { reason: error.to_string() })?;
        self.shown = Some(Instant::now());
        Ok(())
    }
}

/// A title without what a title cannot hold. The library prints a complaint about a zero byte.
fn one_line(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_without_zero_bytes() {
        assert_eq!(one_line("10.0.0.1:5000\0\n – 25 fps"), "10.0.0.1:5000   – 25 fps");
    }
}
