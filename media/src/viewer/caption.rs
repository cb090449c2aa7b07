//! Lines over pictures that can be read, however small the picture.

use std::collections::HashMap;

use crate::Image;
use crate::place::Place;
use crate::text::Pen;

/// Height of a line where there is room for it, in pixels.
pub(super) const LINE: u32 = 22;

/// Letters get no smaller than this. What does not fit then is cut.
const MIN_LINE: u32 = 12;

/// A line takes at most this part of the height that the picture has.
const PART: u32 = 14;

/// Opacity of the dark box behind a caption, 0 to 255.
const BACKING: u8 = 200;

/// Stands for what is cut.
const ELLIPSIS: char = '…';

/// Writes lines, and keeps the pens of the few sizes that they take.
#[derive(Debug, Default)]
pub(super) struct Captions {
    pens: HashMap<u32, Pen>,
}

/// A caption as it is written.
#[derive(Debug, PartialEq, Eq)]
struct Fitted {
    line_height: u32,
    text: String,
}

impl Captions {
    /// Writes `text`, which may have several lines, over the upper left of a picture that lies at `picture`, inside of
    /// `cell`. True if it reaches beyond the picture.
    pub(super) fn draw(&mut self, image: &mut Image, picture: Place, cell: Place, text: &str) -> bool {
        let wanted = (picture.height / PART).clamp(MIN_LINE, LINE);
        // Beside a narrow picture there is room, too.
        let reaches_beyond = picture.width < cell.width && self.columns(wanted, picture.width) < longest(text);
        let (left, width) = if reaches_beyond { (cell.x, cell.width) } else { (picture.x, picture.width) };
        let fitted = self.fit(text, wanted, (width, cell.y + cell.height - picture.y));
        let (x, y, margin) = (position(left), position(picture.y), position(fitted.line_height / 2));
        self.pen(fitted.line_height).draw(image, x + margin, y + margin, &fitted.text);
        reaches_beyond
    }

    /// Fills an empty window: the first line is larger, the others are below it.
    pub(super) fn draw_in_the_middle(&mut self, image: &mut Image, lines: &[String]) {
        let size = (image.width(), image.height());
        let mut top = position(size.1) / 2 - position(LINE) * 2;
        for (at, line) in lines.iter().enumerate() {
            let wanted = if at == 0 { LINE * 3 / 2 } else { LINE };
            let fitted = self.fit(line, wanted, size);
            let mut pen = Pen::new(fitted.line_height);
            let left = size.0.saturating_sub(pen.measure(&fitted.text).0) / 2;
            pen.draw(image, position(left), top, &fitted.text);
            top += position(LINE) * 2;
        }
    }

    /// The text in the largest letters, up to `wanted`, in which it fits into so many pixels with a margin of half a
    /// line; or in the smallest, cut.
    fn fit(&mut self, text: &str, wanted: u32, (width, height): (u32, u32)) -> Fitted {
        let longest = longest(text);
        let heights = (MIN_LINE..=wanted.max(MIN_LINE)).rev();
        let mut fitting = heights.filter(|&height| self.columns(height, width) >= longest);
        let line_height = fitting.next().unwrap_or(MIN_LINE);
        let columns = self.columns(line_height, width);
        let rows = (height / line_height) as usize;
        let lines: Vec<_> = text.lines().take(rows).map(|line| cut(line, columns)).collect();
        Fitted { line_height, text: lines.join("\n") }
    }

    /// How many characters of this height, with the margin, are not wider than so many pixels.
    fn columns(&mut self, line_height: u32, width: u32) -> usize {
        let advance = self.pen(line_height).measure("0").0.max(1);
        (width.saturating_sub(line_height) / advance) as usize
    }

    fn pen(&mut self, line_height: u32) -> &mut Pen {
        self.pens.entry(line_height).or_insert_with(|| Pen::new(line_height).backing(BACKING))
    }
}

fn longest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// At most so many characters of a line. That there were more is to be seen.
fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let Some(kept) = columns.checked_sub(1) else { return String::new() };
    let kept: String = line.chars().take(kept).collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

/// A place that no window has is out of sight in any case.
fn position(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelFormat;
    use proptest::prelude::*;

    const LONG: &str = "no picture from [2001:db8:1234:5678:9abc:def0:1234:5678]:54570 for 3600 s, waiting";

    #[test]
    fn letters_shrink_before_anything_is_cut() {
        let mut captions = Captions::default();
        assert_eq!(captions.fit(LONG, LINE, (1280, 720)), Fitted { line_height: LINE, text: LONG.to_owned() });
        let smaller = captions.fit(LONG, LINE, (800, 450));
        assert!((MIN_LINE..LINE).contains(&smaller.line_height) && smaller.text == LONG, "{smaller:?}");
        let cut = captions.fit(LONG, LINE, (200, 100));
        assert!(cut.line_height == MIN_LINE && cut.text.starts_with("no picture from [2001:db8"), "{cut:?}");
        assert!(cut.text.ends_with(ELLIPSIS), "{cut:?}");
    }

    #[test]
    fn lines_are_cut_at_their_ends_and_left_out_where_there_is_no_room() {
        assert_eq!(cut("30.0 fps   2 ms", 15), "30.0 fps   2 ms");
        assert_eq!(cut("30.0 fps   2 ms", 11), "30.0 fps…");
        assert_eq!((cut("ab", 1).as_str(), cut("ab", 0).as_str()), ("…", ""));
        let fitted = Captions::default().fit("one\ntwo\nthree", LINE, (400, 2 * LINE));
        assert_eq!(fitted.text, "one\ntwo");
    }

    #[test]
    fn a_caption_reaches_beyond_a_narrow_picture_only_where_it_must() {
        let mut image = Image::zeroed(640, 360, PixelFormat::Bgrx).unwrap();
        let cell = Place::whole((640, 360));
        let narrow = cell.fit((9, 16));
        let mut captions = Captions::default();
        assert!(!captions.draw(&mut image, narrow, cell, "30 fps"));
        assert!(captions.draw(&mut image, narrow, cell, "30 fps of 192.0.2.7:50000"));
        assert!(!captions.draw(&mut image, cell, cell, LONG));
    }

    proptest! {
        #[test]
        fn a_line_is_never_wider_than_its_place(
            width in 0u32..900, height in 0u32..300, wanted in 0u32..40, text in "(\\PC|\n){0,60}",
        ) {
            let mut captions = Captions::default();
            let fitted = captions.fit(&text, wanted, (width, height));
            let (needed, lines) = captions.pen(fitted.line_height).measure(&fitted.text);
            prop_assert!(needed == 0 || needed + fitted.line_height <= width, "{fitted:?}");
            prop_assert!(lines <= height, "{fitted:?}");
        }
    }
}
