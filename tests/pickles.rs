//! Pickles as several versions of numpy wrote them: every one is read, and nothing that differs from one by a few bytes
//! does harm. `tests/pickles/make.py` made them.

use bytes::Bytes;
use proptest::prelude::*;
use segment::wire::pickle::{Picture, Pixel, Refusal};
use std::path::Path;
use std::sync::LazyLock;

static PICKLES: LazyLock<Vec<(String, Bytes)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pickles");
    let mut pickles: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pkl"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap().into()))
        .collect();
    pickles.sort();
    pickles
});

/// The picture that make.py put into the pickle of this name.
fn expected(name: &str) -> Picture {
    let (width, height, pixel) = match name.rsplit('-').next() {
        Some("wide") => (300, 1, Pixel::Gray),
        Some("gray") => (5, 4, Pixel::Gray),
        _ => (5, 4, Pixel::Bgr),
    };
    let places = width as usize * height as usize * pixel.len();
    let pixels = (0..places).map(|place| (place * 37 % 256) as u8).collect();
    Picture { width, height, pixel, pixels }
}

#[test]
fn every_picture_that_numpy_writes_is_read() {
    for (writer, count) in [("python2", 3), ("numpy117", 12), ("numpy1", 29), ("numpy2", 29)] {
        let of_writer = PICKLES.iter().filter(|(name, _)| name.split('-').next() == Some(writer));
        assert_eq!(of_writer.count(), count, "{writer}");
    }
    for (name, pickle) in PICKLES.iter() {
        let picture = Picture::read(pickle).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(picture, expected(name), "{name}");
    }
}

#[test]
fn cut_short_at_any_byte_all_are_refused() {
    for (name, pickle) in PICKLES.iter() {
        for len in 0..pickle.len() {
            let error = Picture::read(&pickle.slice(..len)).expect_err(name);
            let what = if len < 2 { Refusal::Protocol } else { Refusal::CutShort };
            assert_eq!(error.what, what, "{name} cut to {len} bytes");
        }
    }
}

/// Protocols 4 and 5 mostly write the pixels as they are: nothing is copied then.
#[test]
fn pixels_in_order_are_not_copied() {
    for (name, pickle) in PICKLES.iter() {
        let is_in_order = ["c", "frames", "gray", "wide", "cut"].contains(&name.rsplit('-').next().unwrap());
        let is_text = name.contains("protocol2") && !name.contains("python2");
        let picture = Picture::read(pickle).unwrap();
        let stays = pickle.as_ptr_range().contains(&picture.pixels.as_ptr());
        if is_in_order {
            assert_eq!(stays, !is_text, "{name}");
        }
    }
}

/// Whatever a byte is changed to: refused, or a picture whose bytes are as many as its size says.
#[test]
fn every_byte_may_be_wrong() {
    for (name, pickle) in PICKLES.iter().filter(|(name, _)| !name.ends_with("wide")) {
        let mut changed = pickle.to_vec();
        for at in 0..changed.len() {
            for byte in [0, 1, b'.', b'R', b'b', b'(', b't', 0x7F, 0x80, 0x88, 0xFF, changed[at] ^ 1] {
                let was = std::mem::replace(&mut changed[at], byte);
                is_right_or_refused(&Bytes::copy_from_slice(&changed), name);
                changed[at] = was;
            }
        }
    }
}

fn is_right_or_refused(pickle: &Bytes, name: &str) {
    if let Ok(Picture { width, height, pixel, pixels }) = Picture::read(pickle) {
        assert_eq!(pixels.len(), width as usize * height as usize * pixel.len(), "{name}");
    }
}

proptest! {
    #[test]
    fn pieces_of_several_put_together_do_no_harm(
        pieces in prop::collection::vec((0..PICKLES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)
    ) {
        let mut pickle = Vec::new();
        for (of, from, to) in pieces {
            let of = &PICKLES[of].1;
            let (from, to) = (from.index(of.len()), to.index(of.len()));
            pickle.extend_from_slice(&of[from.min(to)..=from.max(to)]);
        }
        is_right_or_refused(&pickle.clone().into(), "as it is");
        pickle.splice(..0, *b"\x80\x04");
        is_right_or_refused(&pickle.into(), "with a right beginning");
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_right_or_refused(&bytes.into(), "any bytes");
    }
}
