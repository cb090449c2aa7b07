use super::*;
use crate::PixelFormat;
use crate::codec::{Decoder, Scale};
use crate::mjpeg::Splitter;

/// A real picture with a gradient and noise, so that its scan has stuffed bytes.
fn encoded() -> Vec<u8> {
    let (width, height) = (97, 61);
    let mut noise = 1u32;
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|i| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (i % 251) as u8 ^ (noise >> 27) as u8
        })
        .collect();
    let image =
        turbojpeg::Image { pixels: &pixels[..], width, pitch: width * 3, height, format: turbojpeg::PixelFormat::BGR };
    turbojpeg::compress(image, 90, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

/// The same without its DHT segments, as a USB camera would send it.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut stripped = jpeg.to_vec();
    let mut markers = Markers::default();
    let mut removed = 0;
    loop {
        match markers.find(jpeg) {
            Found::Segment { code: DHT, at, payload } => {
                stripped.drain(at - removed..payload.end - removed);
                removed += payload.end - at;
            }
            Found::Segment { .. } => {}
            Found::End { .. } => return stripped,
            other => panic!("{other:?}"),
        }
    }
}

fn decoded(jpeg: &[u8]) -> Vec<u8> {
    turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::BGR).unwrap().pixels
}

#[test]
fn the_headers_of_a_real_jpeg_are_read() {
    let headers = Headers::read(&encoded()).unwrap();
    assert_eq!((headers.width, headers.height, headers.huffman_tables), (97, 61, true));
    assert_eq!(headers.shown_size(), (97, 61));
}

#[test]
fn a_picture_with_stray_bytes_among_its_headers_is_whole_and_decodes_to_the_same() {
    let jpeg = encoded();
    let tables = jpeg.windows(2).position(|marker| marker == [0xFF, 0xDB]).unwrap();
    let stray = [&jpeg[..tables], &[0, 0], &jpeg[tables..]].concat();
    assert!(is_whole(&stray));
    let headers = Headers::read(&stray).unwrap();
    assert_eq!((headers.width, headers.height, headers.huffman_tables), (97, 61, true));
    let image = |jpeg: &[u8]| Decoder::new().unwrap().decode(jpeg, PixelFormat::Bgr, Scale::Full).unwrap();
    assert_eq!(image(&stray), image(&jpeg));
    assert_eq!(Decoder::header(&stray).unwrap(), (97, 61));
    assert_eq!((with_mended_headers(&stray), with_mended_headers(&jpeg)), (Some(jpeg.clone()), None));
    // In a stream it cannot be told from one that was cut short.
    let mut splitter = Splitter::new();
    splitter.push(&[&stray[..], &jpeg].concat());
    assert_eq!(splitter.poll_frame().unwrap(), jpeg);
}

/// Where the segment with this marker lies in a JPEG that has it.
fn segment(jpeg: &[u8], code: u8) -> std::ops::Range<usize> {
    let at = jpeg.windows(2).position(|marker| marker == [0xFF, code]).unwrap();
    at..at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]))
}

#[test]
fn versions_that_are_not_known_cost_no_picture() {
    let jpeg = encoded();
    let image = |jpeg: &[u8]| Decoder::new().unwrap().decode(jpeg, PixelFormat::Bgr, Scale::Full).unwrap();
    let jfif = segment(&jpeg, 0xE0);
    let mut newer = jpeg.clone();
    newer[jfif.start + 9] = 2;
    assert_eq!(image(&newer), image(&jpeg));
    assert_eq!(Decoder::header(&newer).unwrap(), (97, 61));
    for transform in [3, 255] {
        let adobe = [&[0xFF, 0xEE, 0, 14][..], b"Adobe", &[0, 100, 0, 0, 0, 0, transform]].concat();
        let unknown = [&jpeg[..jfif.start], &adobe, &jpeg[jfif.end..]].concat();
        assert_eq!(image(&unknown), image(&jpeg), "transform {transform}");
    }
}

#[test]
fn fill_bytes_before_a_restart_are_of_the_picture() {
    let jpeg = encoded();
    let scan = segment(&jpeg, 0xDA).end;
    // No restarts were asked for: where they stand libjpeg takes them for damage, but the picture is as long.
    let filled = [&jpeg[..scan + 10], &[0xFF, 0xFF, 0xFF, 0xD0, 0xFF, 0xFF, 0], &jpeg[scan + 10..]].concat();
    assert_eq!((whole_len(&filled), is_whole(&filled)), (Some(filled.len()), true));
    for at in 0..filled.len() {
        let mut splitter = Splitter::new();
        splitter.push(&filled[..at]);
        assert_eq!(splitter.poll_frame(), None);
        splitter.push(&filled[at..]);
        assert_eq!(splitter.poll_frame().unwrap(), filled, "cut at {at}");
    }
}

#[test]
fn the_first_exif_that_states_an_orientation_counts() {
    let jpeg = encoded();
    // Where no number of Exif's stands, as in XMP, nothing is stated.
    let segments =
        [orientation::tests::app1(9, true), orientation::tests::app1(6, true), orientation::tests::app1(1, true)];
    let headers = Headers::read(&[&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()).unwrap();
    assert_eq!((headers.width, headers.height, headers.shown_size()), (97, 61, (61, 97)));
}

#[test]
fn a_jpeg_with_tables_is_handed_back_as_it_is() {
    let jpeg = Bytes::from(encoded());
    assert_eq!(with_standard_huffman_tables(jpeg.clone()).as_ptr(), jpeg.as_ptr());
}

#[test]
fn a_jpeg_without_tables_decodes_to_the_same_picture_once_they_are_put_in() {
    let jpeg = encoded();
    let stripped = without_tables(&jpeg);
    assert!(stripped.len() + 420 <= jpeg.len() + 16, "the encoder did not use the standard tables");
    assert!(!Headers::read(&stripped).unwrap().huffman_tables);
    let mended = with_standard_huffman_tables(stripped.into());
    assert!(Headers::read(&mended).unwrap().huffman_tables);
    assert!(is_whole(&mended));
    assert_eq!(decoded(&mended), decoded(&jpeg));
}

#[test]
fn a_progressive_jpeg_is_left_alone() {
    let mut stripped = without_tables(&encoded());
    let frame_header = stripped.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    stripped[frame_header + 1] = 0xC2;
    let stripped = Bytes::from(stripped);
    assert_eq!(with_standard_huffman_tables(stripped.clone()), stripped);
}

#[test]
fn whole_means_from_soi_to_eoi_and_nothing_after() {
    let jpeg = encoded();
    assert!(is_whole(&jpeg));
    for len in 0..jpeg.len() {
        assert!(!is_whole(&jpeg[..len]), "{len} of {} bytes", jpeg.len());
    }
    let padded = [&jpeg[..], &[0; 7]].concat();
    assert!(!is_whole(&padded));
    assert_eq!(whole_len(&padded), Some(jpeg.len()));
    assert!(!is_whole(&[0xFF, 0xD8, 0xFF, 0xD9]));
}

#[test]
fn each_defect_has_its_own_error() {
    let jpeg = encoded();
    assert_eq!(Headers::read(b"\x89PNG\r\n"), Err(JpegError::NotJpeg));
    assert_eq!(Headers::read(&jpeg[..100]), Err(JpegError::CutShort { len: 100 }));
    assert_eq!(Headers::read(&[]), Err(JpegError::CutShort { len: 0 }));
    assert_eq!(Headers::read(&[0xFF, 0xD8, 0xFF, 0xD9]), Err(JpegError::NoFrameHeader));
    assert_eq!(Headers::read(&[0xFF, 0xD8, 0x00, 0x00]), Err(JpegError::Broken { at: 2 }));
    let mut flat = jpeg;
    let frame_header = flat.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    flat[frame_header + 5..frame_header + 7].fill(0);
    assert_eq!(Headers::read(&flat), Err(JpegError::NoSize { width: 97, height: 0 }));
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let marked = [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 2][..], &bytes].concat();
            let _ = Headers::read(&marked);
            prop_assert!(whole_len(&marked).is_none_or(|len| len <= marked.len()));
            let _ = with_standard_huffman_tables(marked.into());
        }

        #[test]
        fn a_damaged_jpeg_is_survived(at in 0usize..1000, value in any::<u8>()) {
            let mut jpeg = encoded();
            let at = at % jpeg.len();
            jpeg[at] = value;
            prop_assert!(whole_len(&jpeg).is_none_or(|len| len <= jpeg.len()));
            let _ = with_standard_huffman_tables(jpeg.into());
        }
    }
}
