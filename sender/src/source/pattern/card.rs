//! What the test card shows: the part that stands still, and where the rest goes.

use media::text::{Color, MIN_SIZE};

use super::canvas::{Area, Yuv, gray, mix};
use super::frame_number;

/// A card for pictures of one size. Everything is placed by shares of the width and height, save the gratings, whose
/// lines are as wide as they say: 1, 2, 3 … pixels.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) width: u32,
    pub(super) height: u32,
    bars: [Yuv; 8],
    layout: Layout,
}

/// Where things are.
#[derive(Debug, Clone)]
enum Layout {
    /// A circle in the middle, with bands in it.
    Full { x: f32, y: f32, radius: f32, margin: u32, cell: f32 },
    /// Bars above, a ramp below them, room for what moves at the bottom.
    Small,
}

/// Bands of the circle: their upper edges, as shares of the radius from its centre.
mod band {
    pub(super) const BARS: f32 = -0.72;
    pub(super) const GRATINGS: f32 = -0.38;
    pub(super) const CLOCK: f32 = -0.20;
    pub(super) const STEPS: f32 = 0.22;
    pub(super) const RAMP: f32 = 0.36;
    pub(super) const TRACK: f32 = 0.50;
    pub(super) const FOOT: f32 = 0.68;
}

const INK: Yuv = gray(16);
const PAPER: Yuv = gray(235);
const GROUND: u8 = 84;
const GRID: u8 = 132;

/// The smallest width and height that the full layout is readable at.
const FULL: u32 = 120;

/// What the number has of the width on a small card; the rest is for what moves.
const SMALL_NUMBER_SHARE: f32 = 0.6;

/// Steps of grey, black to white.
const STEPS: f32 = 11.0;

/// Width in pixels of the lines of each grating.
const LINES: [u32; 6] = [6, 4, 3, 2, 1, 1];

/// Text that stands on the card: where its middle is, and how high its lines are, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Caption {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
}

impl Card {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let bars = [
            Color::gray(235),
            Color::rgb(235, 235, 16),
            Color::rgb(16, 235, 235),
            Color::rgb(16, 235, 16),
            Color::rgb(235, 16, 235),
            Color::rgb(235, 16, 16),
            Color::rgb(16, 16, 235),
            Color::gray(16),
        ]
        .map(Color::yuv);
        let layout = if width.min(height) < FULL {
            Layout::Small
        } else {
            let shorter = width.min(height) as f32;
            Layout::Full {
                x: width as f32 / 2.0,
                y: height as f32 / 2.0,
                radius: 0.44 * shorter,
                margin: frame_number::height(width, height),
                cell: (shorter / 18.0).round().max(6.0),
            }
        };
        Self { width, height, bars, layout }
    }

    /// What the still part shows at this pixel.
    pub(super) fn shade(&self, x: u32, y: u32) -> Yuv {
        let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
        match self.layout {
            Layout::Full { x: cx, y: cy, radius, margin, cell } => {
                let (dx, dy) = (px - cx, py - cy);
                let distance = dx.hypot(dy);
                let ring = self.ring_width();
                let under = if distance < radius {
                    self.inside(x, dx / radius, dy / radius)
                } else {
                    self.outside(x, y, (dx, dy), (margin, cell))
                };
                let covered = (ring / 2.0 + 0.5 - (distance - radius).abs()).clamp(0.0, 1.0);
                if covered > 0.0 { gray(mix(under[0], 235, covered)) } else { under }
            }
            Layout::Small => {
                let (across, down) = (px / self.width as f32, py / self.height as f32);
                match down {
                    ..0.5 => self.bar(across),
                    ..0.65 => gray((across * 255.0) as u8),
                    _ => INK,
                }
            }
        }
    }

    /// Inside the circle; `across` and `down` run from -1 to 1.
    fn inside(&self, x: u32, across: f32, down: f32) -> Yuv {
        let share = (across + 1.0) / 2.0;
        match down {
            ..band::BARS => INK,
            // Drawn in a little, so that the circle leaves enough of the first and the last.
            ..band::GRATINGS => self.bar((across / 0.86 + 1.0) / 2.0),
            ..band::CLOCK => {
                let line = LINES[((share * LINES.len() as f32) as usize).min(LINES.len() - 1)];
                stripe(x / line)
            }
            ..band::STEPS => INK,
            ..band::RAMP => gray(((share * STEPS).floor() * 255.0 / (STEPS - 1.0)) as u8),
            ..band::TRACK => gray((share * 255.0) as u8),
            ..band::FOOT => {
                let from_tick = (across * 8.0 - (across * 8.0).round()).abs();
                let tick = from_tick < 0.03 && down > band::FOOT - 0.05;
                gray(if tick { GRID } else { 48 })
            }
            _ => INK,
        }
    }

    /// Outside it: a grid, gratings in the corners, a border of black and white.
    fn outside(&self, x: u32, y: u32, (dx, dy): (f32, f32), (margin, cell): (u32, f32)) -> Yuv {
        let from_right = self.width - 1 - x;
        let from_bottom = self.height - 1 - y;
        if y < margin || from_bottom < margin {
            return stripe(x * 32 / self.width);
        }
        if x < margin || from_right < margin {
            let blocks = (self.height as f32 / (self.width as f32 / 32.0) / 2.0).round().max(1.0) * 2.0 + 1.0;
            return stripe((y as f32 / self.height as f32 * blocks) as u32);
        }
        if let Some(shade) = self.corner_grating(x.min(from_right), y.min(from_bottom), (x, y), margin) {
            return shade;
        }
        let line = (cell / 24.0).max(1.0);
        let on_line = |d: f32| (d.abs() + cell / 2.0 + line / 2.0) % cell < line;
        gray(if on_line(dx) || on_line(dy) { GRID } else { GROUND })
    }

    /// A square in each corner, one half with lines down, one with lines across, 1 and 2 pixels wide.
    fn corner_grating(&self, from_side: u32, from_end: u32, (x, y): (u32, u32), margin: u32) -> Option<Yuv> {
        let shorter = self.width.min(self.height);
        let side = (shorter / 9) & !3;
        let start = margin + shorter / 24;
        let room = self.width.max(self.height) - shorter > 2 * (side + start) - shorter / 8;
        let (column, row) = (from_side.checked_sub(start)?, from_end.checked_sub(start)?);
        if !room || column >= side || row >= side {
            return None;
        }
        let lines_down = column < side / 2;
        let width = if row < side / 2 { 1 } else { 2 };
        let along = if lines_down { x } else { y };
        Some(stripe(along / width))
    }

    fn bar(&self, share: f32) -> Yuv {
        self.bars[((share * 8.0) as usize).min(7)]
    }

    pub(super) fn ring_width(&self) -> f32 {
        match self.layout {
            Layout::Full { radius, .. } => (radius / 70.0).max(1.5),
            Layout::Small => 0.0,
        }
    }

    /// Where the name of the card goes.
    pub(super) fn title(&self) -> Option<Caption> {
        self.caption(-0.855, 0.13)
    }

    /// Where the time goes.
    pub(super) fn clock(&self) -> Option<Caption> {
        self.caption(-0.065, 0.26)
    }

    /// Where the frame number goes.
    pub(super) fn number(&self) -> Option<Caption> {
        match self.layout {
            Layout::Full { .. } => self.caption(0.13, 0.145),
            Layout::Small => {
                let Area { top, height, .. } = self.room();
                let x = self.width as f32 * SMALL_NUMBER_SHARE / 2.0;
                let size = (height as f32).min(x / 1.6);
                (size >= MIN_SIZE as f32).then(|| Caption { x, y: top as f32 + height as f32 / 2.0, size })
            }
        }
    }

    /// Where size and rate go.
    pub(super) fn format(&self) -> Option<Caption> {
        self.caption(0.80, 0.105)
    }

    fn caption(&self, down: f32, size: f32) -> Option<Caption> {
        match self.layout {
            Layout::Full { x, y, radius, .. } => Some(Caption { x, y: y + down * radius, size: size * radius }),
            Layout::Small => None,
        }
    }

    /// The ring that a ball runs on: its centre and radius in pixels.
    pub(super) fn ring(&self) -> Option<(f32, f32, f32)> {
        match self.layout {
            Layout::Full { x, y, radius, .. } => Some((x, y, radius)),
            Layout::Small => None,
        }
    }

    /// The track that a marker glides along.
    pub(super) fn track(&self) -> Area {
        match self.layout {
            Layout::Full { x, y, radius, .. } => {
                let top = (y + band::TRACK * radius) as u32;
                let bottom = (y + band::FOOT * radius) as u32;
                let half = 0.70 * radius;
                Area { left: (x - half) as u32, top, width: (2.0 * half) as u32, height: bottom - top }
            }
            Layout::Small => {
                let room = self.room();
                let left = if self.number().is_some() { (self.width as f32 * SMALL_NUMBER_SHARE) as u32 } else { 0 };
                Area { left, width: self.width - left, ..room }
            }
        }
    }

    /// What the small layout leaves free: below the ramp, above the blocks of the frame number.
    fn room(&self) -> Area {
        let top = (self.height as f32 * 0.65).ceil() as u32;
        let bottom = self.height - self.blocks().map_or(0, |blocks| blocks.height);
        Area { left: 0, top, width: self.width, height: bottom.saturating_sub(top) }
    }

    /// Where the frame number stands as blocks.
    pub(super) fn blocks(&self) -> Option<Area> {
        let (least_width, least_height) = frame_number::MIN_SIZE;
        let height = frame_number::height(self.width, self.height);
        (self.width >= least_width && self.height >= least_height).then(|| Area {
            left: 0,
            top: self.height - height,
            width: self.width,
            height,
        })
    }
}

/// Black and white by turns.
fn stripe(number: u32) -> Yuv {
    if number.is_multiple_of(2) { PAPER } else { INK }
}
