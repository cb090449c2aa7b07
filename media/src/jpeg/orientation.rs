//! How a picture is to be turned before it is shown, as cameras write it into their JPEGs.
//!
//! References are to Exif 2.32 (4.5.4, 4.6.4: the tag) and TIFF 6.0 (section 2: how a directory of tags lies in memory).

/// What an APP1 segment of Exif begins with.
const EXIF: &[u8] = b"Exif\0\0";

/// Tag of the orientation, and the type that it has: a SHORT.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// Bytes of one entry of a directory.
const ENTRY: usize = 12;

/// How the rows and columns of a JPEG lie in the picture that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Its rows are columns of the picture. This comes last: mirrored is what is stored.
    pub swaps_axes: bool,
    /// Its columns (as they are stored) go from right to left, or from the bottom up.
    pub mirrors_columns: bool,
    /// The same of its rows.
    pub mirrors_rows: bool,
}

impl Orientation {
    /// Of the payload of an APP1 segment; `None` where it says nothing of it.
    pub(crate) fn of_app1(payload: &[u8]) -> Option<Self> {
        let tiff = payload.strip_prefix(EXIF)?;
        let number: fn([u8; 2]) -> u16 = match tiff.get(..4)? {
            b"II*\0" => u16::from_le_bytes,
            b"MM\0*" => u16::from_be_bytes,
            _ => return None,
        };
        let short = |bytes: &[u8], at: usize| Some(number([*bytes.get(at)?, *bytes.get(at + 1)?]));
        // A segment is shorter than 64 KiB: an offset with anything in its upper half leads out of it.
        let (low, high) = if tiff.starts_with(b"II") { (4, 6) } else { (6, 4) };
        let directory = tiff.get(usize::from(short(tiff, low)?)..).filter(|_| short(tiff, high) == Some(0))?;
        let count = usize::from(short(directory, 0)?);
        let mut entries = directory[2..].chunks_exact(ENTRY).take(count);
        let entry = entries.find(|entry| short(entry, 0) == Some(ORIENTATION) && short(entry, 2) == Some(SHORT))?;
        Self::of_number(short(entry, 8)?)
    }

    /// As Exif numbers them: where the first row and the first column are.
    fn of_number(number: u16) -> Option<Self> {
        let (swaps_axes, mirrors_columns, mirrors_rows) = match number {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self { swaps_axes, mirrors_columns, mirrors_rows })
    }

    /// Whether the picture is shown as it is stored.
    #[must_use]
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// Width and height of the picture that is shown, of what is stored.
    #[must_use]
    pub fn shown(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_axes { (height, width) } else { (width, height) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An APP1 segment, marker and all, that states this orientation after another tag.
    pub(crate) fn app1(number: u16, is_big_endian: bool) -> Vec<u8> {
        let two = |value: u16| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let four = |value: u32| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let entry = |tag, value| [&two(tag)[..], &two(SHORT), &four(1), &two(value), &[0, 0]].concat();
        let header: &[u8] = if is_big_endian { b"MM\0*" } else { b"II*\0" };
        let tiff = [header, &four(8), &two(2), &entry(0x0103, 6), &entry(ORIENTATION, number), &four(0)].concat();
        let len = (2 + EXIF.len() + tiff.len()) as u16;
        [&[0xFF, 0xE1], &len.to_be_bytes()[..], EXIF, &tiff].concat()
    }

    #[test]
    fn it_is_read_in_both_byte_orders_and_nothing_is_made_of_anything_else() {
        for number in 1..=8 {
            for is_big_endian in [false, true] {
                let read = Orientation::of_app1(&app1(number, is_big_endian)[4..]);
                assert_eq!((read, read.unwrap().is_upright()), (Orientation::of_number(number), number == 1));
            }
        }
        for number in [0, 9, 0x0600] {
            assert_eq!(Orientation::of_app1(&app1(number, true)[4..]), None);
        }
        let whole = app1(6, true);
        let until_value = whole.len() - 4 - 4;
        for len in 4..until_value {
            assert_eq!(Orientation::of_app1(&whole[4..len]), None, "cut short to {len} bytes");
        }
        let mut far = whole;
        far[4 + EXIF.len() + 4] = 1;
        assert_eq!(Orientation::of_app1(&far[4..]), None);
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_as_wide_as_it_is_stored_high() {
        let shown = [1, 3, 6, 8].map(|number| Orientation::of_number(number).unwrap().shown(64, 48));
        assert_eq!(shown, [(64, 48), (64, 48), (48, 64), (48, 64)]);
    }
}
