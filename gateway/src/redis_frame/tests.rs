use std::time::Duration;

use media::codec::Encoder;
use proptest::prelude::*;

use super::*;

fn image() -> Image {
    let mut image = Image::zeroed(16, 8, PixelFormat::Bgr).unwrap();
    for (i, byte) in image.pixels_mut().iter_mut().enumerate() {
        *byte = (i * 7) as u8;
    }
    image
}

fn jpeg() -> Bytes {
    Encoder::new().unwrap().encode(&image(), 80).unwrap()
}

fn camera(data: &[u8], rest: &str) -> Vec<u8> {
    format!("{{\"data\": \"{}\"{rest}}}", STANDARD.encode(data)).into_bytes()
}

#[test]
fn what_is_published_is_as_old_subscribers_expect_it() {
    let time = UNIX_EPOCH + Duration::new(86_400 + 3600 * 13 + 60 * 5 + 9, 1_234_000);
    let message = Writer::new().unwrap().raw(&Picture::Raw(image()), time, 7).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&message).unwrap();
    assert_eq!(value["size"], serde_json::json!([16, 8]));
    assert_eq!(value["time"], time_of_day(time, &TimeZone::system()));
    assert_eq!(value["frame_number"], 7);
    assert_eq!(value.as_object().unwrap().len(), 4);
    let pixels = STANDARD.decode(value["data"].as_str().unwrap()).unwrap();
    // Red comes first.
    assert_eq!(pixels.len(), 16 * 8 * 3);
    assert_eq!(pixels[..3], [14, 7, 0]);
}

#[test]
fn the_time_of_day_is_that_of_the_zone_to_the_microsecond() {
    let time = UNIX_EPOCH + Duration::new(86_400 + 3600 * 13 + 60 * 5 + 9, 1_234_999);
    assert_eq!(time_of_day(time, &TimeZone::UTC), "13:05:09.001234");
    assert_eq!(time_of_day(time, &TimeZone::posix("IST-5:30").unwrap()), "18:35:09.001234");
    assert_eq!(
        time_of_day(time + Duration::from_secs(6 * 3600), &TimeZone::posix("IST-5:30").unwrap()),
        "00:35:09.001234"
    );
}

#[test]
fn the_pixels_of_a_jpeg_are_those_of_the_picture() {
    let message = Writer::new().unwrap().raw(&Picture::Jpeg(jpeg()), UNIX_EPOCH, 0).unwrap();
    let (Picture::Raw(read), _) = read(&message, UNIX_EPOCH).unwrap() else { panic!("no pixels") };
    let expected = Decoder::new().unwrap().decode(&jpeg(), PixelFormat::Rgb, Scale::Full).unwrap();
    assert_eq!((read.width(), read.height(), read.pixels()), (16, 8, expected.pixels()));
}

#[test]
fn a_jpeg_comes_through_as_it_is_with_its_time() {
    let captured_at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
    let message = Writer::new().unwrap().jpeg(&jpeg(), captured_at, 3).unwrap();
    let (Picture::Jpeg(read), time) = read(&message, SystemTime::now()).unwrap() else { panic!("no JPEG") };
    assert_eq!(read, jpeg());
    let off = time.duration_since(captured_at).unwrap_or_else(|error| error.duration());
    assert!(off < Duration::from_micros(2), "{off:?}");
}

#[test]
fn what_cameras_publish_is_read() {
    let now = SystemTime::now();
    let (picture, time) = read(&camera(&jpeg(), ", \"size\": [8, 16]"), now).unwrap();
    assert!(matches!(picture, Picture::Jpeg(_)));
    assert_eq!(time, now);
    assert!(read(&camera(&jpeg(), ", \"more\": {\"a\": [1, 2]}"), now).is_ok());
}

#[test]
fn a_jpeg_that_claims_to_be_too_large_is_left_out() {
    let mut large = jpeg().to_vec();
    let frame = large.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    // Height and width, after the length of the segment and the precision (T.81 B.2.2).
    large[frame + 5..frame + 9].copy_from_slice(&[0x40, 0, 0x40, 0]);
    let error = read(&camera(&large, ""), SystemTime::now()).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { width: 16_384, height: 16_384 }), "{error}");
}

#[test]
#[cfg(feature = "opencv")]
fn other_images_are_decoded_and_too_large_ones_are_not() {
    // One white pixel.
    let png = STANDARD
        .decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")
        .unwrap();
    let read = |png: &[u8]| read(&camera(png, ""), SystemTime::now());
    if let Err(error) = read(&png) {
        panic!("{error}");
    }
    let mut large = png;
    large[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    assert!(matches!(read(&large), Err(FrameError::TooLarge { width: 65_536, height: 65_536 })));
}

#[test]
fn what_is_no_picture_says_why() {
    let now = SystemTime::now();
    let reason = |payload: &[u8]| read(payload, now).unwrap_err().to_string();
    for (payload, said) in [
        (&b""[..], "the message is not JSON: it ends too early"),
        (b"{\"data\": \"AAAA", "the message is not JSON: it ends too early"),
        (b"\xFF\xD8\xFF", "the message is not JSON: expected value at line 1 column 1"),
        (b"{\"data\": \"\"} x", "the message is not JSON: trailing characters at line 1 column 14"),
        (b" [1, 2]", "the message is JSON, but no object: it has to be {\"data\": …}"),
        (b"5", "the message is JSON, but no object: it has to be {\"data\": …}"),
        (b"[\"\", null, null, null]", "the message is JSON, but no object: it has to be {\"data\": …}"),
        (b"{\"size\": [1, 1]}", "the message has no \"data\", which is to be the picture in base64"),
        (b"{\"data\": null}", "the message has no \"data\", which is to be the picture in base64"),
        (b"{\"data\": 5}", "the message has another form: \"data\" is not a text: it has to be the picture in base64"),
        (
            b"{\"data\": \"\xFF\"}",
            "the message has another form: \"data\" is not a text: it has to be the picture in base64",
        ),
        (b"{\"data\": \"\", \"data\": \"\"}", "the message has another form: duplicate field `data`"),
        (
            b"{\"data\": \"\", \"size\": [-1, 2]}",
            "the message has another form: \"size\" is not two whole numbers, such as [480, 640]",
        ),
        (
            b"{\"data\": \"\", \"size\": \"640x480\"}",
            "the message has another form: \"size\" is not two whole numbers, such as [480, 640]",
        ),
        (
            b"{\"data\": \"\", \"size\": [1, 2, 3]}",
            "the message has another form: \"size\" is not two whole numbers, such as [480, 640]",
        ),
        (
            b"{\"frame_number\": 1.5, \"data\": \"\"}",
            "the message has another form: \"frame_number\" is not a whole number",
        ),
        (
            b"{\"captured_at\": \"now\", \"data\": \"\"}",
            "the message has another form: \"captured_at\" is not a number: it has to be seconds since 1970",
        ),
        (b"{\"data\": \"?\"}", "\"data\" is not base64: Invalid symbol 63, offset 0."),
    ] {
        assert_eq!(reason(payload), said, "{}", String::from_utf8_lossy(payload));
    }
    assert!(reason(&camera(b"\xFF\xD8\xFF", "")).contains("JPEG"));
    assert!(reason(&camera(b"abc", ", \"size\": [1, 2]")).contains("neither"));
    assert!(reason(&vec![b' '; MAX_MESSAGE_BYTES + 1]).contains("longer"));
    let misplaced = format!("{{\"data\": \"\", \"size\": \"{}\"}}", "A".repeat(100_000));
    assert!(reason(misplaced.as_bytes()).len() < 200, "a picture in the wrong place is not quoted");
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(reason(&deep).contains("no object"));
    assert!(reason(&[&b"{\"size\": "[..], &deep, b"}"].concat()).contains("two whole numbers"));
}

#[test]
fn what_else_stands_in_a_message_and_what_is_null_is_left_out() {
    let nulls = ", \"size\": null, \"frame_number\": null, \"captured_at\": null, \"more\": 1, \"more\": {}";
    assert!(read(&camera(&jpeg(), nulls), SystemTime::now()).is_ok());
    // As some programs write a slash.
    let escaped = String::from_utf8(camera(&jpeg(), "")).unwrap().replace('/', "\\/");
    assert!(escaped.contains("\\/") && read(escaped.as_bytes(), SystemTime::now()).is_ok());
}

proptest! {
    #[test]
    fn any_data_is_read_or_refused(data: Vec<u8>, size: Option<[u32; 2]>) {
        let size = size.map_or(String::new(), |[a, b]| format!(", \"size\": [{a}, {b}]"));
        let _ = read(&camera(&data, &size), SystemTime::now());
        let _ = read(&data, SystemTime::now());
    }
}
