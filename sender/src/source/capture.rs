//! OpenCV's `VideoCapture`, with typed errors, and its matrices as pictures.

use bytes::Bytes;
use media::{Image, Picture, PixelFormat};
use opencv::core::{CV_8UC1, CV_8UC2, CV_8UC3, LogLevel, Mat, MatTraitConstManual, Vector, set_log_level};
use opencv::videoio::{self, VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst};

use super::{Format, SourceError};

/// An open device, file or stream.
pub(super) struct Capture {
    capture: VideoCapture,
    /// What was read last; its memory is used again.
    mat: Mat,
}

impl Capture {
    /// Opens camera `number`, or gives `None` where it cannot be opened.
    pub(super) fn camera(number: u32) -> Result<Option<Self>, SourceError> {
        let index = i32::try_from(number).unwrap_or(i32::MAX);
        // The backend by name: without it OpenCV tries all that it has, and each complains.
        let backend = if cfg!(target_os = "linux") { videoio::CAP_V4L2 } else { videoio::CAP_ANY };
        Self::opened("open the camera", || VideoCapture::new(index, backend))
    }

    /// Opens a file or an address with FFmpeg, or gives `None` where there is no video in it. `timeout_ms` holds for
    /// opening, and for each read, of what comes over a network.
    pub(super) fn ffmpeg(name: &std::ffi::OsStr, timeout_ms: Option<i32>) -> Result<Option<Self>, SourceError> {
        let params: Vector<i32> = timeout_ms.map_or_else(Vector::new, |timeout| {
            Vector::from_slice(&[
                videoio::CAP_PROP_OPEN_TIMEOUT_MSEC,
                timeout,
                videoio::CAP_PROP_READ_TIMEOUT_MSEC,
                timeout,
            ])
        });
        Self::opened("open the video", || VideoCapture::from_file_with_params(name, videoio::CAP_FFMPEG, &params))
    }

    fn opened(
        operation: &str,
        open: impl FnOnce() -> opencv::Result<VideoCapture>,
    ) -> Result<Option<Self>, SourceError> {
        // OpenCV writes to standard error by itself; what it has to say comes as an error here. (What FFmpeg writes there,
        // the programs take care of.)
        set_log_level(LogLevel::LOG_LEVEL_SILENT).map_err(failed(operation))?;
        let capture = open().map_err(failed(operation))?;
        // Opening a file that is not there gives Ok, and a capture that is not open.
        let open = capture.is_opened().map_err(failed(operation))?;
        Ok(open.then(|| Self { capture, mat: Mat::default() }))
    }

    /// Asks for frames as the container or the device has them, undecoded. True if that is understood.
    pub(super) fn ask_undecoded(&mut self) -> bool {
        self.set(videoio::CAP_PROP_FORMAT, -1.0)
    }

    /// Sets a property. True if the backend says that it did; a device may do otherwise.
    pub(super) fn set(&mut self, property: i32, value: f64) -> bool {
        self.capture.set(property, value).unwrap_or(false)
    }

    /// A property, where the backend knows it.
    pub(super) fn get(&self, property: i32) -> Option<f64> {
        self.capture.get(property).ok().filter(|value| value.is_finite())
    }

    /// Size and rate, as far as the backend knows them.
    pub(super) fn format(&self) -> Format {
        let side = |property| self.get(property).filter(|side| (1.0..=65_535.0).contains(side)).map(|side| side as u32);
        let size = side(videoio::CAP_PROP_FRAME_WIDTH).zip(side(videoio::CAP_PROP_FRAME_HEIGHT));
        let fps = self.get(videoio::CAP_PROP_FPS).filter(|fps| (super::MIN_FPS..=super::MAX_FPS).contains(fps));
        Format { size, fps }
    }

    /// The size at which frames are to be shown, where their pixels are not square.
    pub(super) fn shown_size(&self) -> Option<(u32, u32)> {
        let (width, height) = self.format().size?;
        let sides = [self.get(videoio::CAP_PROP_SAR_NUM)?, self.get(videoio::CAP_PROP_SAR_DEN)?];
        let aspect = sides[0] / sides[1];
        // Frames have been turned, their pixels are stated as they are stored.
        let lies = !self.turned_by().is_multiple_of(180);
        let stored_width = if lies { height } else { width };
        let shown = (f64::from(stored_width) * aspect).round();
        // Wider ones are no pixels; nor are those of a file that states none.
        let is_other = (0.1..=10.0).contains(&aspect) && shown != f64::from(stored_width);
        is_other.then_some(if lies { (width, shown as u32) } else { (shown as u32, height) })
    }

    /// Warns where the pixels of what is called `name` are not square.
    pub(super) fn say_if_not_square(&self, name: impl std::fmt::Display) {
        if let Some((width, height)) = self.shown_size() {
            tracing::warn!(
                "the pixels of {name} are not square: it is sent as it is, and meant to be seen as {width}x{height}, which \
                 --size {width}x{height} makes of it"
            );
        }
    }

    /// By how many degrees the container turns what is stored. Decoded frames have been turned, undecoded ones have not,
    /// and do not know of it.
    pub(super) fn turned_by(&self) -> u32 {
        self.get(videoio::CAP_PROP_ORIENTATION_META).map_or(0, |degrees| degrees.rem_euclid(360.0) as u32)
    }

    /// Whether it is known to have several frames, and an end: a file, wherever it lies, and not what is filmed now.
    pub(super) fn is_file(&self) -> bool {
        // FFmpeg makes up a number of frames also for what is filmed now, of those that it has read so far. A rate in bits,
        // beside a duration, it takes from the number of bytes alone, which only a file has.
        let is_known = |property, least| self.get(property).is_some_and(|value| value >= least);
        is_known(videoio::CAP_PROP_FRAME_COUNT, 2.0) && is_known(videoio::CAP_PROP_BITRATE, f64::MIN_POSITIVE)
    }

    /// The time of the frame that [`grab`](Self::grab) went to, in milliseconds, where it is stated.
    pub(super) fn stated_ms(&self) -> Option<f64> {
        self.get(videoio::CAP_PROP_POS_MSEC)
    }

    /// Goes on to the next frame; false where there is none.
    pub(super) fn grab(&mut self) -> Result<bool, SourceError> {
        self.capture.grab().map_err(failed("read the next frame"))
    }

    /// The frame that [`grab`](Self::grab) went to.
    pub(super) fn retrieve(&mut self) -> Result<Retrieved, SourceError> {
        let failed = failed("decode the frame");
        if !self.capture.retrieve(&mut self.mat, 0).map_err(&failed)? {
            return Ok(Retrieved::Nothing);
        }
        retrieved(&self.mat).map_err(failed)
    }
}

/// What a matrix of OpenCV's holds.
#[derive(Debug)]
pub(super) enum Retrieved {
    /// The beginning of a JPEG, FF D8. That it is whole is not known.
    Jpeg(Bytes),
    /// One byte for a pixel, taken for grey, or three, taken for blue, green and red. Of frames that are not decoded,
    /// the one may be planes and the other in another order: whoever knows the device knows.
    Image(Image),
    /// Two bytes for a pixel: YUYV, or another 4:2:2 order. Whoever knows the device knows which.
    TwoBytes(Image),
    /// A single row of bytes that is no JPEG: a packet of another codec, or a layout of planes.
    Other,
    /// No frame.
    Nothing,
}

fn retrieved(mat: &impl MatTraitConstManual) -> opencv::Result<Retrieved> {
    if mat.empty() {
        return Ok(Retrieved::Nothing);
    }
    // A matrix with gaps between its rows is copied into one without.
    let packed;
    let bytes = if mat.is_continuous() {
        mat.data_bytes()?
    } else {
        packed = mat.try_clone()?;
        packed.data_bytes()?
    };
    let (columns, rows) = (mat.cols() as u32, mat.rows() as u32);
    let image = |format| Image::new(columns, rows, format, bytes.to_vec());
    Ok(match mat.typ() {
        CV_8UC1 if bytes.starts_with(&[0xFF, 0xD8]) && (rows == 1 || columns == 1) => {
            Retrieved::Jpeg(Bytes::copy_from_slice(bytes))
        }
        CV_8UC1 if rows > 1 && columns > 1 => image(PixelFormat::Gray).map_or(Retrieved::Other, Retrieved::Image),
        CV_8UC2 => image(PixelFormat::Yuyv).map_or(Retrieved::Other, Retrieved::TwoBytes),
        CV_8UC3 => image(PixelFormat::Bgr).map_or(Retrieved::Other, Retrieved::Image),
        _ => Retrieved::Other,
    })
}

/// Decodes an image file: PNG, TIFF, WebP and what else OpenCV knows. The error is the reason, in words.
pub(super) fn decode_image(file: &[u8]) -> Result<Picture, String> {
    decode_pixels(file).map(Picture::Raw)
}

/// The same, as what it always is.
pub(super) fn decode_pixels(file: &[u8]) -> Result<Image, String> {
    let unknown = || "it is in no image format that OpenCV knows, or damaged".to_owned();
    let bytes = Vector::<u8>::from_slice(file);
    let mat = opencv::imgcodecs::imdecode(&bytes, opencv::imgcodecs::IMREAD_COLOR).map_err(|_| unknown())?;
    match retrieved(&mat) {
        Ok(Retrieved::Image(image)) => Ok(image),
        _ => Err(unknown()),
    }
}

fn failed(operation: &str) -> impl Fn(opencv::Error) -> SourceError {
    move |error| SourceError::Opencv { operation: operation.to_owned(), reason: error.message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{MatTrait, MatTraitConst, Rect, Scalar, Vec3b};

    #[test]
    fn a_part_of_a_matrix_becomes_a_picture_without_gaps() {
        let mut whole = Mat::new_rows_cols_with_default(4, 6, CV_8UC3, Scalar::all(7.0)).unwrap();
        *whole.at_2d_mut::<Vec3b>(2, 3).unwrap() = [1, 2, 3].into();
        let part = Mat::roi(&whole, Rect::new(3, 1, 2, 3)).unwrap();
        assert!(!part.is_continuous());
        let Retrieved::Image(image) = retrieved(&part).unwrap() else { panic!("no image") };
        assert_eq!((image.width(), image.height(), image.format()), (2, 3, PixelFormat::Bgr));
        assert_eq!(image.pixels(), [[7; 6], [1, 2, 3, 7, 7, 7], [7; 6]].concat());
    }

    #[test]
    fn bytes_are_told_apart_by_how_they_begin() {
        let row = |bytes: &[u8]| retrieved(&Mat::from_slice(bytes).unwrap().clone_pointee()).unwrap();
        assert!(matches!(row(&[0xFF, 0xD8, 0xFF, 0xD9]), Retrieved::Jpeg(bytes) if bytes.len() == 4));
        assert!(matches!(row(&[0, 0, 0, 1, 0x65]), Retrieved::Other));
        assert!(matches!(retrieved(&Mat::default()).unwrap(), Retrieved::Nothing));
    }

    #[test]
    fn what_is_no_image_is_told() {
        assert!(decode_image(b"\x89PNG\r\n\x1a\nbut no more").unwrap_err().contains("damaged"));
        assert!(decode_image(b"").is_err());
    }
}
