use super::*;

fn image(width: u32, height: u32) -> Image {
    let pixels = (0..width * height).flat_map(|at| [(at / width * 40) as u8, 0, 0]).collect();
    Image::new(width, height, PixelFormat::Bgr, pixels).unwrap()
}

fn jpeg(width: u32, height: u32) -> Bytes {
    Encoder::new().unwrap().encode(&image(width, height), 95).unwrap()
}

fn shaped(shape: Shape, picture: Picture) -> Shaped {
    Shaper::new(shape, DEFAULT_JPEG_QUALITY).shape(picture, true).unwrap()
}

#[test]
fn a_jpeg_of_which_nothing_is_asked_passes_byte_for_byte() {
    let jpeg = jpeg(16, 6);
    for size in [None, Some((16, 6))] {
        let out = shaped(Shape { size, ..Shape::default() }, Picture::Jpeg(jpeg.clone()));
        assert_eq!(out.jpeg.unwrap().as_ptr(), jpeg.as_ptr());
        assert!(out.image.is_none());
    }
}

#[test]
fn size_quality_and_flip_make_another_jpeg() {
    let original = jpeg(64, 48);
    let smaller = shaped(Shape { size: Some((20, 10)), ..Shape::default() }, Picture::Jpeg(original.clone()));
    assert_eq!(Decoder::header(&smaller.jpeg.unwrap()).unwrap(), (20, 10));
    let worse = shaped(Shape { quality: Some(5), ..Shape::default() }, Picture::Jpeg(original.clone()));
    assert!(worse.jpeg.unwrap().len() < original.len());
    let flipped = shaped(Shape { flip: true, ..Shape::default() }, Picture::Raw(image(16, 6)));
    let (image, flipped) = (image(16, 6), flipped.image.unwrap());
    let rows = |image: &Image| image.pixels().chunks(48).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(rows(&flipped), rows(&image).into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn whoever_wants_no_jpeg_costs_no_encoding() {
    let mut shaper = Shaper::new(Shape { size: Some((8, 8)), ..Shape::default() }, DEFAULT_JPEG_QUALITY);
    let out = shaper.shape(Picture::Jpeg(jpeg(16, 16)), false).unwrap();
    assert!(out.jpeg.is_none() && out.image.unwrap().width() == 8);
    let out = Shaper::new(Shape::default(), 80).shape(Picture::Raw(image(8, 8)), false).unwrap();
    assert!(out.jpeg.is_none());
}

#[test]
fn sizes_that_no_screen_has_are_none() {
    assert!(Shape::is_size(1, 1) && Shape::is_size(7680, 4320) && Shape::is_size(65_500, 16));
    assert!(!Shape::is_size(0, 5) && !Shape::is_size(65_501, 1) && !Shape::is_size(20_000, 20_000));
}
