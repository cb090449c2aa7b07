//! Several pictures in one window.

use crate::place::Place;

/// Black between two cells, in pixels.
const GAP: u32 = 4;

/// A cell for each picture, in rows from the upper left; the pictures of a last row that is not full are in its middle.
///
/// Cells are alike. Of all numbers of columns, that is taken by which the pictures, fitted in, cover most of the
/// window.
pub(super) fn cells(pictures: &[(u32, u32)], window: (u32, u32)) -> Vec<Place> {
    let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
    let covered = |columns: u32| -> u64 {
        let cell = cell_size(columns, count.div_ceil(columns), window);
        let area = |&picture| {
            let inside = Place::whole(cell).fit(picture);
            u64::from(inside.width) * u64::from(inside.height)
        };
        pictures.iter().map(area).sum()
    };
    // Where two numbers are as good, the one with fewer empty cells, then with fewer columns.
    let empty = |columns: u32| count.div_ceil(columns) * columns - count;
    let best = (1..=count).rev().max_by_key(|&columns| (covered(columns), u32::MAX - empty(columns)));
    best.map(|columns| arrange(count, columns, window)).unwrap_or_default()
}

/// Width and height of a cell; at least a pixel, also where the window has none left.
fn cell_size(columns: u32, rows: u32, window: (u32, u32)) -> (u32, u32) {
    let side = |of: u32, parts: u32| (of.saturating_sub(GAP * (parts - 1)) / parts).max(1);
    (side(window.0, columns), side(window.1, rows))
}

fn arrange(count: u32, columns: u32, window: (u32, u32)) -> Vec<Place> {
    let rows = count.div_ceil(columns);
    let (width, height) = cell_size(columns, rows, window);
    let place = |at: u32| {
        let (row, column) = (at / columns, at % columns);
        let in_row = columns.min(count - row * columns);
        let left = window.0.saturating_sub(in_row * (width + GAP) - GAP) / 2;
        let top = window.1.saturating_sub(rows * (height + GAP) - GAP) / 2;
        Place { x: left + column * (width + GAP), y: top + row * (height + GAP), width, height }
    };
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HD: (u32, u32) = (1280, 720);

    fn corners(cells: &[Place]) -> Vec<(u32, u32)> {
        cells.iter().map(|cell| (cell.x, cell.y)).collect()
    }

    #[test]
    fn one_picture_has_the_whole_window_and_none_has_nothing() {
        assert_eq!(cells(&[HD], (1000, 900)), [Place::whole((1000, 900))]);
        assert_eq!(cells(&[], HD), []);
    }

    #[test]
    fn the_shape_of_the_window_decides_how_many_are_in_a_row() {
        let columns = |count: usize, window| {
            let cells = cells(&vec![HD; count], window);
            cells.iter().filter(|cell| cell.y == cells[0].y).count()
        };
        assert_eq!([1, 2, 3, 4, 5, 6, 9, 10, 17].map(|count| columns(count, HD)), [1, 2, 2, 2, 3, 3, 3, 4, 5]);
        assert_eq!((columns(2, (720, 1280)), columns(3, (720, 1280))), (1, 1));
        assert_eq!((columns(3, (4000, 300)), columns(17, (20_000, 300))), (3, 17));
    }

    #[test]
    fn tall_pictures_stand_beside_each_other() {
        let cells = cells(&[(1080, 1920); 3], HD);
        assert_eq!(corners(&cells), [(0, 0), (428, 0), (856, 0)]);
        assert_eq!((cells[0].width, cells[0].height), (424, 720));
    }

    #[test]
    fn the_last_row_is_in_the_middle() {
        assert_eq!(corners(&cells(&[HD; 3], HD)), [(0, 0), (642, 0), (321, 362)]);
    }

    proptest! {
        #[test]
        fn cells_neither_overlap_nor_leave_a_window_that_has_room_for_them(
            pictures in prop::collection::vec((1u32..5000, 1u32..5000), 1..18),
            window in (200u32..5000, 200u32..5000),
        ) {
            let cells = cells(&pictures, window);
            prop_assert_eq!(cells.len(), pictures.len());
            for (at, one) in cells.iter().enumerate() {
                prop_assert!(one.x + one.width <= window.0 && one.y + one.height <= window.1, "{one:?}");
                for other in &cells[..at] {
                    let apart = one.x >= other.x + other.width + GAP || one.y >= other.y + other.height + GAP
                        || other.x >= one.x + one.width + GAP;
                    prop_assert!(apart, "{one:?} {other:?}");
                }
            }
        }

        #[test]
        fn any_window_is_survived(
            pictures in prop::collection::vec((1u32..=65_535, 1u32..=65_535), 0..18),
            window in (1u32..=65_535, 1u32..100),
        ) {
            prop_assert!(cells(&pictures, window).iter().all(|cell| cell.width > 0 && cell.height > 0));
        }
    }
}
