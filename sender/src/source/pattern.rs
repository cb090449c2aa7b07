//! The test card: a moving picture with nothing but this program.
//!
//! Its clock shows the time (UTC) at which the frame was drawn, so the difference to a clock beside the screen is the
//! delay from end to end; its number counts frames, so a jump shows a loss; the ball on the ring takes five seconds for
//! a round, so a stutter is seen at once. The blocks along the lower edge are the frame number for programs
//! ([`read_frame_number`]).

use std::f32::consts::{FRAC_PI_2, TAU};
use std::time::SystemTime;

use media::codec::MAX_SIDE;
use media::text::{Color, MIN_SIZE, Pen};
use media::{Image, ImageError, Picture, PixelFormat};

use super::pace::Pace;
use super::{Captured, DEFAULT_FPS, Format, Next, Source, SourceError, SourceOptions};

mod canvas;
mod card;
mod frame_number;
mod utc;

use canvas::{Area, Canvas, gray};
use card::{Caption, Card};
pub use frame_number::{MODULUS, read_frame_number};

/// Width and height in pixels where none is asked for.
pub const DEFAULT_SIZE: (u32, u32) = (1280, 720);

/// Time that the ball takes for a round and the marker for the way there and back, in seconds.
const ROUND_S: f64 = 5.0;

const BALL: Color = Color::rgb(255, 140, 0);

/// Draws the test card, at its rate.
#[derive(Debug)]
pub struct TestCard {
    card: Card,
    /// What stands still.
    still: Canvas,
    clock: Option<Line>,
    number: Option<Line>,
    fps: f64,
    realtime: bool,
    pace: Pace,
    frame_number: u64,
}

/// A line of text in the card's middle.
#[derive(Debug)]
struct Line {
    pen: Pen,
    at: Caption,
}

impl TestCard {
    /// A test card of the size and rate asked for, or of [`DEFAULT_SIZE`] at 30 frames a second.
    ///
    /// # Errors
    /// [`SourceError::Size`] and [`SourceError::Fps`] where there is no such picture or rate.
    pub fn new(options: &SourceOptions) -> Result<Self, SourceError> {
        options.check()?;
        let (width, height) = options.size.unwrap_or(DEFAULT_SIZE);
        let fps = options.fps_or(DEFAULT_FPS);
        let size = |source: ImageError| SourceError::Size { width, height, source };
        // Looked at before the card is laid out: its arithmetic is for sizes that a picture can have.
        let format = PixelFormat::I420;
        if width.max(height) > MAX_SIDE {
            return Err(size(ImageError::Size { width, height, format }));
        }
        Image::zeroed(width, height, format).map_err(size)?;
        let card = Card::new(width, height);
        let mut still = Canvas::shaded(width, height, |x, y| card.shade(x, y)).map_err(size)?;
        let format = Format { size: Some((width, height)), fps: Some(fps) };
        for (at, text) in [(card.title(), "segment".to_owned()), (card.format(), format.to_string())] {
            if let Some(mut line) = Line::new(at, &text) {
                line.write(&mut still, &text);
            }
        }
        Ok(Self {
            clock: Line::new(card.clock(), "00:00:00.000"),
            number: Line::new(card.number(), &number_text(&card, 0, SystemTime::UNIX_EPOCH)),
            card,
            still,
            fps,
            realtime: options.realtime,
            pace: Pace::at(fps),
            frame_number: 0,
        })
    }

    /// Frame `number`, counted from 0, as it looks at `time`.
    #[must_use]
    pub fn draw(&mut self, number: u64, time: SystemTime) -> Image {
        let mut canvas = self.still.clone();
        let turn = (number as f64 / self.fps / ROUND_S).fract() as f32;
        self.draw_marker(&mut canvas, turn);
        self.draw_ball(&mut canvas, turn);
        if let Some(line) = &mut self.clock {
            line.write(&mut canvas, &utc::clock(time));
        }
        if let Some(line) = &mut self.number {
            line.write(&mut canvas, &number_text(&self.card, number, time));
        }
        if let Some(blocks) = self.card.blocks() {
            let (width, code) = (self.card.width, (number % u64::from(MODULUS)) as u32);
            canvas.fill(blocks, |x, _| gray(if frame_number::is_white(code, x, width) { 235 } else { 16 }));
        }
        canvas.into_image()
    }

    /// A marker that swings along its track, slower at the ends.
    fn draw_marker(&self, canvas: &mut Canvas, turn: f32) {
        let Area { left, top, width, height } = self.card.track();
        let radius = height as f32 * 0.3;
        let reach = width as f32 / 2.0 - radius * 1.5;
        let x = left as f32 + width as f32 / 2.0 - (turn * TAU).cos() * reach;
        let y = top as f32 + height as f32 / 2.0;
        canvas.disc(x, y, radius, if self.card.ring().is_some() { Color::WHITE } else { BALL });
    }

    /// A ball that runs around the ring, from the top, clockwise.
    fn draw_ball(&self, canvas: &mut Canvas, turn: f32) {
        if let Some((x, y, radius)) = self.card.ring() {
            let angle = turn * TAU - FRAC_PI_2;
            let (x, y) = (x + angle.cos() * radius, y + angle.sin() * radius);
            let ball = (radius / 18.0).max(3.0);
            canvas.disc(x, y, ball, Color::BLACK);
            canvas.disc(x, y, ball * 0.8, BALL);
        }
    }
}

/// The line under the clock; on a small card, all that there is room for.
fn number_text(card: &Card, number: u64, time: SystemTime) -> String {
    let shown = number % 1_000_000;
    if card.ring().is_some() { format!("{} UTC  #{shown:06}", utc::date(time)) } else { format!("{shown:06}") }
}

impl Source for TestCard {
    fn next(&mut self) -> Result<Next, SourceError> {
        if self.realtime && !self.pace.sleep(self.pace.time_of(self.frame_number)) {
            return Ok(Next::Waiting);
        }
        let captured_at = SystemTime::now();
        let picture = Picture::Raw(self.draw(self.frame_number, captured_at));
        self.frame_number += 1;
        Ok(Next::Picture(Captured { picture, captured_at }))
    }

    fn format(&self) -> Format {
        Format { size: Some((self.card.width, self.card.height)), fps: Some(self.fps) }
    }

    fn is_live(&self) -> bool {
        self.realtime
    }

    fn describe(&self) -> String {
        format!("test card {}", self.format())
    }
}

impl Line {
    /// A line at this place, in letters small enough that `longest` fits the card there; none if nobody could read it.
    fn new(at: Option<Caption>, longest: &str) -> Option<Self> {
        let at = at?;
        let size = at.size.floor() as u32;
        (size >= MIN_SIZE).then(|| Self { pen: Pen::new(size), at }).filter(|line| {
            let (width, _) = line.pen.measure(longest);
            width as f32 <= line.at.x * 2.0
        })
    }

    fn write(&mut self, canvas: &mut Canvas, text: &str) {
        let (width, height) = self.pen.measure(text);
        let (left, top) = (self.at.x - width as f32 / 2.0, self.at.y - height as f32 / 2.0);
        self.pen.draw(canvas.image_mut(), left.round() as i32, top.round() as i32, text);
    }
}

#[cfg(test)]
mod tests;
