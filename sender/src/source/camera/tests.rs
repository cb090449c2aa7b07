use std::collections::VecDeque;

use bytes::Bytes;
use media::Image;
use media::codec::Encoder;

use super::*;

/// A camera that delivers what it has in the mode that it is in.
struct Fake {
    coding: Coding,
    /// Codings that it can be asked for, besides.
    others: Vec<Coding>,
    /// Whether it can be asked not to convert.
    raw: bool,
    converting: bool,
    /// Frames before conversion, of which the last comes again and again.
    frames: VecDeque<fn() -> Retrieved>,
    asked: Vec<(i32, f64)>,
}

impl Fake {
    fn new(coding: [u8; 4], frames: impl IntoIterator<Item = fn() -> Retrieved>) -> Self {
        Self {
            coding,
            others: Vec::new(),
            raw: true,
            converting: true,
            frames: frames.into_iter().collect(),
            asked: Vec::new(),
        }
    }
}

impl Driver for Fake {
    fn set(&mut self, property: i32, value: f64) -> bool {
        self.asked.push((property, value));
        if property == CAP_PROP_FOURCC {
            // Like V4L2 in OpenCV: it says yes even where it stays with what it has.
            self.coding =
                self.others.iter().copied().find(|&other| f64::from(fourcc(other)) == value).unwrap_or(self.coding);
            return true;
        }
        if property == CAP_PROP_CONVERT_RGB {
            self.converting = !self.raw || value != 0.0;
            return self.raw || value != 0.0;
        }
        true
    }

    fn get(&self, property: i32) -> Option<f64> {
        (property == CAP_PROP_FOURCC).then(|| f64::from(fourcc(self.coding)))
    }

    fn format(&self) -> Format {
        Format { size: Some((8, 4)), fps: Some(30.0) }
    }

    fn grab(&mut self) -> Result<bool, SourceError> {
        Ok(!self.frames.is_empty())
    }

    fn retrieve(&mut self) -> Result<Retrieved, SourceError> {
        let frame = if self.frames.len() > 1 { self.frames.pop_front() } else { self.frames.front().copied() };
        Ok(match frame {
            Some(_) if self.converting => Retrieved::Image(image(PixelFormat::Bgr, 8, 4)),
            Some(frame) => frame(),
            None => Retrieved::Nothing,
        })
    }
}

fn image(format: PixelFormat, width: u32, height: u32) -> Image {
    Image::zeroed(width, height, format).unwrap()
}

fn jpeg() -> Bytes {
    Encoder::new().unwrap().encode(&image(PixelFormat::Gray, 8, 4), 80).unwrap()
}

fn start(fake: Fake, options: SourceOptions) -> Result<Camera<Fake>, Lost> {
    Camera::start(fake, "camera 0".to_owned(), &options)
}

/// The layout of the first picture; `None` is JPEG.
fn layout(fake: Fake) -> Option<PixelFormat> {
    match start(fake, SourceOptions::default()).unwrap().read().unwrap().unwrap().picture {
        Picture::Raw(image) => Some(image.format()),
        Picture::Jpeg(bytes) => {
            assert_eq!(bytes, jpeg());
            None
        }
    }
}

const WHOLE: fn() -> Retrieved = || Retrieved::Jpeg([&jpeg()[..], &[0; 99]].concat().into());
const CUT: fn() -> Retrieved = || Retrieved::Jpeg(jpeg().slice(..20));
const TWO_BYTES: fn() -> Retrieved = || Retrieved::TwoBytes(image(PixelFormat::Yuyv, 8, 4));
const GRAY: fn() -> Retrieved = || Retrieved::Image(image(PixelFormat::Gray, 8, 4));
const PLANES: fn() -> Retrieved = || Retrieved::Image(image(PixelFormat::Gray, 8, 6));
const TALL: fn() -> Retrieved = || Retrieved::Image(image(PixelFormat::Gray, 8, 8));
const THREE_BYTES: fn() -> Retrieved = || Retrieved::Image(image(PixelFormat::Bgr, 8, 4));
const BLACK: fn() -> Retrieved = || {
    let pixels = [[16; 32].as_slice(), &[128; 16]].concat();
    Retrieved::Image(Image::new(8, 6, PixelFormat::Gray, pixels).unwrap())
};

#[test]
fn jpeg_is_passed_through_after_the_broken_frames_of_the_start() {
    assert_eq!(layout(Fake::new(*b"MJPG", [CUT, CUT, WHOLE])), None);
}

#[test]
fn raw_pictures_are_taken_as_they_are_where_their_layout_is_known() {
    assert_eq!(layout(Fake::new(*b"YUYV", [TWO_BYTES])), Some(PixelFormat::Yuyv));
    assert_eq!(layout(Fake::new(*b"GREY", [GRAY])), Some(PixelFormat::Gray));
}

#[test]
fn planes_are_taken_out_of_the_matrix_that_they_come_in() {
    assert_eq!(layout(Fake::new(*b"NV12", [PLANES])), Some(PixelFormat::Nv12));
    assert_eq!(layout(Fake::new(*b"YU12", [PLANES])), Some(PixelFormat::I420));
    assert_eq!(layout(Fake::new(*b"RGB3", [THREE_BYTES])), Some(PixelFormat::Rgb));
    assert_eq!(layout(Fake::new(*b"BGR3", [THREE_BYTES])), Some(PixelFormat::Bgr));
    // Black in video range is 0 in a JPEG, and grey stays grey.
    let mut camera = start(Fake::new(*b"YU12", [BLACK]), SourceOptions::default()).unwrap();
    let Picture::Raw(image) = camera.read().unwrap().unwrap().picture else { panic!("no raw picture") };
    assert_eq!((image.width(), image.height()), (8, 4));
    assert_eq!(image.pixels(), [[0; 32].as_slice(), &[128; 16]].concat());
}

#[test]
fn a_camera_without_jpeg_is_asked_for_what_costs_least_to_encode() {
    for (others, expected) in [
        (vec![*b"YUYV", *b"NV12"], PixelFormat::Nv12),
        (vec![*b"YU12", *b"NV12"], PixelFormat::I420),
        (vec![*b"YUYV"], PixelFormat::Yuyv),
        (vec![], PixelFormat::Bgr),
    ] {
        let frame = if expected == PixelFormat::Yuyv { TWO_BYTES } else { PLANES };
        let fake = Fake { others: others.clone(), ..Fake::new(*b"UYVY", [frame]) };
        assert_eq!(layout(fake), Some(expected), "{others:?}");
    }
}

#[test]
fn any_other_layout_is_left_to_opencv() {
    assert_eq!(layout(Fake::new(*b"UYVY", [TWO_BYTES])), Some(PixelFormat::Bgr));
    assert_eq!(layout(Fake::new(*b"NV21", [PLANES])), Some(PixelFormat::Bgr));
    // Not as high as planes of this picture would be.
    assert_eq!(layout(Fake::new(*b"NV12", [TALL])), Some(PixelFormat::Bgr));
    assert_eq!(layout(Fake { raw: false, ..Fake::new(*b"MJPG", [WHOLE]) }), Some(PixelFormat::Bgr));
}

#[test]
fn coding_size_and_rate_are_asked_for_in_this_order() {
    let options = SourceOptions { size: Some((1280, 720)), fps: Some(60.0), ..SourceOptions::default() };
    let camera = start(Fake::new(*b"MJPG", [WHOLE]), options).unwrap();
    let expected = [
        (CAP_PROP_FOURCC, f64::from(0x4750_4A4D)),
        (CAP_PROP_FRAME_WIDTH, 1280.0),
        (CAP_PROP_FRAME_HEIGHT, 720.0),
        (CAP_PROP_FPS, 60.0),
        (CAP_PROP_CONVERT_RGB, 0.0),
    ];
    assert_eq!(camera.driver.asked, expected);
}

#[test]
fn a_camera_that_breaks_every_frame_or_stops_is_lost() {
    let mut camera = start(Fake::new(*b"MJPG", [WHOLE]), SourceOptions::default()).unwrap();
    camera.driver.frames = [CUT].into();
    camera.read().unwrap();
    assert!(camera.read().unwrap_err().reason.contains("100 frames in a row"));
    camera.driver.frames.clear();
    assert!(camera.read().unwrap_err().reason.contains("stopped delivering"));
    assert!(start(Fake::new(*b"MJPG", []), SourceOptions::default()).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_camera_that_is_not_there_is_named_with_those_that_are() {
    let error = open(249, &SourceOptions::default()).unwrap_err().to_string();
    assert!(error.contains("there is no camera 249 (") && error.contains("--source test"), "{error}");
}
