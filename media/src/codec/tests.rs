use super::*;
use crate::Image;
use crate::gradient::{assert_alike, gradient};
use crate::jpeg::orientation_tests::app1;

const EVERY_FORMAT: [PixelFormat; 7] = [
    PixelFormat::Gray,
    PixelFormat::Bgr,
    PixelFormat::Rgb,
    PixelFormat::Bgrx,
    PixelFormat::I420,
    PixelFormat::Nv12,
    PixelFormat::Yuyv,
];

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    Encoder::new().unwrap().encode(&gradient(width, height, PixelFormat::Bgr), 90).unwrap().to_vec()
}

#[test]
fn every_layout_and_odd_sizes_come_back_as_the_same_picture() {
    let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
    // One encoder for all of them, large before small, so that what one picture leaves behind would show in the next.
    for (width, height) in [(161, 97), (160, 96), (37, 23), (38, 23), (37, 24), (2, 2), (1, 1)] {
        for format in EVERY_FORMAT {
            if format.len(width, height).is_none() {
                continue;
            }
            let jpeg = encoder.encode(&gradient(width, height, format), 95).unwrap();
            // Where the whole picture has one sample of chroma, its colours cannot come back.
            let gray = format == PixelFormat::Gray || width <= 2;
            let to = if gray { PixelFormat::Gray } else { PixelFormat::Bgr };
            let decoded = decoder.decode(&jpeg, to, Scale::Full).unwrap();
            assert_alike(&decoded, &gradient(width, height, to), 14);
        }
    }
}

#[test]
fn every_layout_is_decoded_with_its_channels_in_place() {
    let jpeg = jpeg(64, 48);
    let mut decoder = Decoder::new().unwrap();
    for format in [PixelFormat::Bgr, PixelFormat::Rgb, PixelFormat::Bgrx, PixelFormat::Gray] {
        assert_alike(&decoder.decode(&jpeg, format, Scale::Full).unwrap(), &gradient(64, 48, format), 10);
    }
    for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv] {
        assert_eq!(decoder.decode(&jpeg, format, Scale::Full), Err(CodecError::Layout(format)));
    }
}

#[test]
fn a_picture_that_lies_on_its_side_is_set_upright_at_every_scale() {
    let mut decoder = Decoder::new().unwrap();
    let upright = decoder.decode(&jpeg(64, 48), PixelFormat::Bgr, Scale::Full).unwrap();
    // Its columns, each from the bottom up, are stored as rows.
    let pixel = |row: u32, column: u32| &upright.pixels()[((47 - column) * 64 + row) as usize * 3..][..3];
    let stored = (0..64).flat_map(|row| (0..48).flat_map(move |column| pixel(row, column)).copied()).collect();
    let stored = Image::new(48, 64, PixelFormat::Bgr, stored).unwrap();
    // Exif 2.32, 4.6.4: orientation 8 has the first row at the left and the first column at the bottom.
    let jpeg = Encoder::new().unwrap().encode(&stored, 95).unwrap();
    let on_its_side = [&jpeg[..2], &app1(8, false), &jpeg[2..]].concat();
    assert_eq!((Decoder::header(&jpeg).unwrap(), Decoder::header(&on_its_side).unwrap()), ((48, 64), (64, 48)));
    for (format, scale) in [(PixelFormat::Bgr, Scale::Full), (PixelFormat::Bgrx, Scale::Half)] {
        let decoded = decoder.decode(&on_its_side, format, scale).unwrap();
        let (width, height) = scale.size(64, 48);
        assert_alike(&decoded, &gradient(width, height, format), 14);
    }
    assert_alike(&decoder.decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap(), &stored, 14);
}

#[test]
fn a_picture_for_print_has_the_colours_of_a_screen() {
    // The inks of the gradient without black. The library stores them as YCCK, and puts Adobe's segment before it.
    let inks: Vec<u8> = gradient(64, 48, PixelFormat::Rgb)
        .pixels()
        .chunks(3)
        .flat_map(|rgb| [255 - rgb[0], 255 - rgb[1], 255 - rgb[2], 0])
        .collect();
    let encode = |inks: &[u8]| {
        let (width, height, format) = (64, 48, turbojpeg::PixelFormat::CMYK);
        let image = turbojpeg::Image { pixels: inks, width, pitch: 4 * width, height, format };
        turbojpeg::compress(image, 95, turbojpeg::Subsamp::None).unwrap().to_vec()
    };
    let inverted = encode(&inks.iter().map(|ink| 255 - ink).collect::<Vec<_>>());
    let on_its_side = [&inverted[..2], &app1(3, true), &inverted[2..]].concat();
    let mut decoder = Decoder::new().unwrap();
    for format in [PixelFormat::Bgr, PixelFormat::Rgb, PixelFormat::Bgrx, PixelFormat::Gray] {
        let decoded = decoder.decode(&inverted, format, Scale::Full).unwrap();
        assert_alike(&decoded, &gradient(64, 48, format), 10);
        let half = decoder.decode(&inverted, format, Scale::Half).unwrap();
        assert_alike(&half, &gradient(32, 24, format), 14);
        let mut turned = decoder.decode(&on_its_side, format, Scale::Full).unwrap();
        let bytes = turned.pixels().len() / (64 * 48);
        turned.pixels_mut().reverse();
        turned.pixels_mut().chunks_mut(bytes).for_each(<[u8]>::reverse);
        assert_alike(&turned, &decoded, 0);
    }
}

#[test]
fn chroma_is_4_2_0_except_where_there_is_none_or_the_camera_has_more() {
    for format in EVERY_FORMAT {
        let jpeg = Encoder::new().unwrap().encode(&gradient(16, 16, format), 80).unwrap();
        let expected = match format {
            PixelFormat::Gray => turbojpeg::Subsamp::Gray,
            PixelFormat::Yuyv => turbojpeg::Subsamp::Sub2x1,
            _ => turbojpeg::Subsamp::Sub2x2,
        };
        assert_eq!(turbojpeg::read_header(&jpeg).unwrap().subsamp, expected, "{format:?}");
    }
}

#[test]
fn quality_changes_the_size_and_what_is_no_quality_is_refused() {
    let mut encoder = Encoder::new().unwrap();
    let image = gradient(320, 240, PixelFormat::Bgr);
    let mut len = |quality| encoder.encode(&image, quality).map(|jpeg| jpeg.len());
    assert!(len(1).unwrap() < len(50).unwrap() && len(50).unwrap() < len(100).unwrap());
    assert_eq!(len(0), Err(CodecError::Quality(0)));
    assert_eq!(len(101), Err(CodecError::Quality(101)));
}

#[test]
fn smaller_scales_show_the_whole_picture_in_fewer_pixels() {
    let jpeg = jpeg(163, 101);
    let mut decoder = Decoder::new().unwrap();
    for (scale, width, height) in [(Scale::Half, 82, 51), (Scale::Quarter, 41, 26), (Scale::Eighth, 21, 13)] {
        let decoded = decoder.decode(&jpeg, PixelFormat::Bgr, scale).unwrap();
        assert_alike(&decoded, &gradient(width, height, PixelFormat::Bgr), 20);
    }
    // The scale of one picture does not stick to the next.
    assert_eq!(decoder.decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap().width(), 163);
}

#[test]
fn the_scale_is_the_smallest_that_covers_the_window() {
    assert_eq!(Scale::to_fit((1920, 1080), (1920, 1080)), Scale::Full);
    assert_eq!(Scale::to_fit((1920, 1080), (961, 541)), Scale::Full);
    assert_eq!(Scale::to_fit((1920, 1080), (960, 540)), Scale::Half);
    assert_eq!(Scale::to_fit((1920, 1080), (481, 271)), Scale::Half);
    assert_eq!(Scale::to_fit((1920, 1080), (10, 10)), Scale::Eighth);
    // A tall window: the picture is fitted to its width.
    assert_eq!(Scale::to_fit((1920, 1080), (480, 4000)), Scale::Quarter);
    assert_eq!(Scale::to_fit((640, 480), (4000, 4000)), Scale::Full);
}

#[test]
fn memory_of_another_picture_is_used_again() {
    let mut decoder = Decoder::new().unwrap();
    let mut image = Image::zeroed(200, 100, PixelFormat::Bgrx).unwrap();
    let memory = image.pixels().as_ptr();
    decoder.decode_into(&jpeg(64, 48), PixelFormat::Rgb, Scale::Full, &mut image).unwrap();
    assert_alike(&image, &gradient(64, 48, PixelFormat::Rgb), 10);
    assert_eq!(image.pixels().as_ptr(), memory);
}

#[test]
fn a_header_that_claims_a_huge_picture_is_refused_before_memory_is_taken() {
    let mut jpeg = jpeg(16, 16);
    // T.81 B.2.2: SOF0, length, precision, then height and width in 16 bits each.
    let sof = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    assert_eq!(Decoder::header(&jpeg), Ok((65_500, 65_500)));
    let refused = Decoder::new().unwrap().decode(&jpeg, PixelFormat::Bgr, Scale::Eighth);
    assert_eq!(refused, Err(CodecError::TooLarge { width: 65_500, height: 65_500 }));
    let image = Image::zeroed(65_535, 1025, PixelFormat::Gray).unwrap();
    let refused = Encoder::new().unwrap().encode(&image, 50);
    assert_eq!(refused, Err(CodecError::TooLarge { width: 65_535, height: 1025 }));
}

/// A gray progressive JPEG of this width and height, a multiple of 64, with so many scans, of which each after the first
/// refines nothing, in a few bytes: the cheapest that there is.
fn of_scans(size: u16, scans: usize) -> Vec<u8> {
    let segment = |code: u8, payload: &[u8]| {
        let len = (payload.len() + 2) as u16;
        [&[0xFF, code][..], &len.to_be_bytes(), payload].concat()
    };
    let scan = |band: [u8; 3], coded: &[u8]| [&segment(0xDA, &[&[1, 1, 0][..], &band].concat()), coded].concat();
    let [high, low] = size.to_be_bytes();
    // One code of one bit in each Huffman table: a difference of nothing, and a band that ends for 2^14 blocks and more.
    let table = |class: u8, symbol: u8| segment(0xC4, &[&[class, 1][..], &[0; 15], &[symbol]].concat());
    let blocks = usize::from(size / 8).pow(2);
    // The code, and 14 bits that say how many more: all of them.
    let run = "011111111111111".repeat(blocks.div_ceil((1 << 15) - 1));
    let ended = format!("{run:1<width$}", width = run.len().next_multiple_of(8));
    let mut coded = Vec::new();
    for byte in ended.as_bytes().chunks(8) {
        let byte = byte.iter().fold(0, |byte, &bit| byte << 1 | (bit - b'0'));
        coded.push(byte);
        if byte == 0xFF {
            coded.push(0);
        }
    }
    let mut jpeg = vec![0xFF, 0xD8];
    jpeg.extend(segment(0xDB, &[&[0][..], &[1; 64]].concat()));
    jpeg.extend(segment(0xC2, &[8, high, low, high, low, 1, 1, 0x11, 0]));
    jpeg.extend([table(0x00, 0), table(0x10, 0xE0)].concat());
    jpeg.extend(scan([0, 0, 0], &vec![0; blocks / 8]));
    jpeg.extend(scan([1, 63, 0x01], &coded));
    let refining = scan([1, 63, 0x10], &coded);
    (2..scans).for_each(|_| jpeg.extend(&refining));
    jpeg.extend([0xFF, 0xD9]);
    jpeg
}

#[test]
fn scans_cost_a_pass_over_the_picture_each_and_are_limited_by_its_size() {
    let mut decoder = Decoder::new().unwrap();
    let mut image = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
    for (size, most) in [(8192, 16), (4096, 64), (64, 100)] {
        let mut decode = |scans| {
            let decoded = decoder.decode_into(&of_scans(size, scans), PixelFormat::Gray, Scale::Eighth, &mut image);
            decoded.map_err(|error| error.to_string())
        };
        assert_eq!(decode(most), Ok(()), "{size}");
        let refused = decode(most + 1).unwrap_err();
        assert!(refused.contains(&format!("more than {most} scans")), "{size}: {refused}");
    }
}

#[test]
fn progressive_jpegs_as_encoders_write_them_are_decoded_up_to_the_largest() {
    let (mut compressor, mut decoder) = (turbojpeg::Compressor::new().unwrap(), Decoder::new().unwrap());
    compressor.set_progressive(true).unwrap();
    let mut progressive = |image: &Image, pitch, format, subsamp| {
        compressor.set_subsamp(subsamp).unwrap();
        let (width, height) = (image.width() as usize, image.height() as usize);
        let jpeg = compressor
            .compress_to_vec(turbojpeg::Image { pixels: image.pixels(), width, pitch, height, format })
            .unwrap();
        assert!(turbojpeg::read_header(&jpeg).unwrap().is_progressive);
        jpeg
    };
    let colours = gradient(512, 256, PixelFormat::Bgr);
    let jpeg = progressive(&colours, 3 * 512, turbojpeg::PixelFormat::BGR, turbojpeg::Subsamp::Sub2x2);
    assert_alike(&decoder.decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap(), &colours, 10);

    // Darker from the top down.
    let mut largest = Image::zeroed(8192, 8192, PixelFormat::Gray).unwrap();
    largest.pixels_mut().chunks_mut(8192).zip(0..).for_each(|(row, y)| row.fill(255 - (y / 32) as u8));
    let jpeg = progressive(&largest, 8192, turbojpeg::PixelFormat::GRAY, turbojpeg::Subsamp::Gray);
    let decoded = decoder.decode(&jpeg, PixelFormat::Gray, Scale::Eighth).unwrap();
    let expected = (0..1024).flat_map(|y| [255 - (y / 4) as u8; 1024]).collect();
    assert_alike(&decoded, &Image::new(1024, 1024, PixelFormat::Gray, expected).unwrap(), 3);
}

#[test]
fn damage_that_the_library_gets_over_is_counted_and_the_rest_shown() {
    let mut decoder = Decoder::new().unwrap();
    let whole = jpeg(64, 64);
    // Stray bytes before EOI, as webcams send them: the picture is as good as new.
    let mut stray = whole.clone();
    stray.splice(whole.len() - 2..whole.len() - 2, [0, 0, 0]);
    let decoded = decoder.decode(&stray, PixelFormat::Bgr, Scale::Full).unwrap();
    assert_alike(&decoded, &gradient(64, 64, PixelFormat::Bgr), 10);
    assert_eq!(decoder.damaged(), 1);
    // Cut off: what is there is shown.
    let scan = whole.windows(2).position(|marker| marker == [0xFF, 0xDA]).unwrap();
    let cut = scan + (whole.len() - scan) * 3 / 4;
    let decoded = decoder.decode(&whole[..cut], PixelFormat::Bgr, Scale::Full).unwrap();
    assert_eq!(decoder.damaged(), 2);
    let rows = 16 * 64 * 3;
    let top = Image::new(64, 16, PixelFormat::Bgr, decoded.pixels()[..rows].to_vec()).unwrap();
    let expected = gradient(64, 64, PixelFormat::Bgr).pixels()[..rows].to_vec();
    assert_alike(&top, &Image::new(64, 16, PixelFormat::Bgr, expected).unwrap(), 10);
}

#[test]
fn what_is_no_picture_is_an_error_that_says_so() {
    let mut decoder = Decoder::new().unwrap();
    let whole = jpeg(32, 32);
    let tables_only = [&whole[..2], &[0xFF, 0xD9]].concat();
    for bytes in [&b""[..], b"\xFF", b"\xFF\xD8", b"no JPEG at all", &whole[..whole.len() / 8], &tables_only] {
        // A good picture first: nothing of it may be told of the next one.
        decoder.decode(&whole, PixelFormat::Bgr, Scale::Full).unwrap();
        assert!(matches!(Decoder::header(bytes), Err(CodecError::Decode { .. })), "{bytes:?}");
        let refused = decoder.decode(bytes, PixelFormat::Bgr, Scale::Full).unwrap_err();
        assert!(matches!(refused, CodecError::Decode { .. }), "{bytes:?}: {refused}");
    }
    let refused = decoder.decode(b"GIF89a", PixelFormat::Bgr, Scale::Full).unwrap_err().to_string();
    assert!(refused.starts_with("cannot decode 6 bytes as a JPEG: "), "{refused}");
}

#[test]
fn no_damage_to_one_picture_panics_or_harms_the_next() {
    let mut decoder = Decoder::new().unwrap();
    let whole = jpeg(33, 17);
    let mut image = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
    for at in 0..whole.len() {
        let mut jpeg = whole.clone();
        jpeg[at] = !jpeg[at];
        // Whether this is a picture or an error is all the same here.
        let _ = decoder.decode_into(&jpeg, PixelFormat::Bgr, Scale::Half, &mut image);
        decoder.decode_into(&whole, PixelFormat::Bgr, Scale::Full, &mut image).unwrap();
        assert_alike(&image, &gradient(33, 17, PixelFormat::Bgr), 14);
    }
}
