//! A camera, by OpenCV with V4L2.

use std::time::SystemTime;

use media::{Picture, PixelFormat};
use opencv::videoio::{
    CAP_PROP_CONVERT_RGB, CAP_PROP_FOURCC, CAP_PROP_FPS, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FRAME_WIDTH,
};

use super::capture::{Capture, Retrieved};
use super::live::Live;
use super::ready_jpeg::ReadyJpeg;
use super::reconnect::{Device, Lost, Open};
use super::{Captured, Format, SourceError, SourceOptions};
use layout::{Coding, MJPG, one_channel, three_channels, two_channels};

mod layout;
mod range;

/// Frames that a camera is given to show what it delivers: the first few after it starts are often broken.
const FRAMES_TO_START: u32 = 10;

/// Broken frames in a row after which a camera is taken for lost.
const MAX_BROKEN: u32 = 100;

/// Opens camera `number` and reads it from now on, with what is asked for as far as it can.
pub(super) fn open(number: u32, options: &SourceOptions) -> Result<Live, SourceError> {
    Live::start(Slot { number, options: *options }, options.fps)
}

/// Where a camera is plugged in.
struct Slot {
    number: u32,
    options: SourceOptions,
}

impl Open for Slot {
    type Device = Camera<Capture>;

    fn open(&mut self) -> Result<Camera<Capture>, SourceError> {
        let number = self.number;
        if cfg!(target_os = "linux") && !device(number).exists() {
            return Err(SourceError::NoCamera { number, there_are: there_are() });
        }
        let refused = || SourceError::Camera { number, reason: why_refused(number) };
        let capture = Capture::camera(number)?.ok_or_else(refused)?;
        Camera::start(capture, self.name(), &self.options)
            .map_err(|Lost { reason }| SourceError::Camera { number, reason })
    }

    fn name(&self) -> String {
        format!("camera {}", self.number)
    }
}

fn device(number: u32) -> std::path::PathBuf {
    format!("/dev/video{number}").into()
}

/// The cameras that there are, in brackets.
fn there_are() -> String {
    // The kernel numbers them from 0 to 255 (VIDEO_NUM_DEVICES).
    let numbers: Vec<String> =
        (0..256).filter(|&number| device(number).exists()).map(|number| number.to_string()).collect();
    if numbers.is_empty() { " (none is connected)".to_owned() } else { format!(" (there are: {})", numbers.join(", ")) }
}

fn why_refused(number: u32) -> String {
    let device = device(number);
    match std::fs::OpenOptions::new().read(true).write(true).open(&device) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => format!(
            "{} may not be opened by this user; `sudo usermod -aG video $USER` and a new login allow it",
            device.display()
        ),
        Err(error) => format!("{} cannot be opened: {error}", device.display()),
        Ok(_) => "another program may be using it, or it is no camera but a camera's second device; \
                  `v4l2-ctl --list-devices` shows which are which"
            .to_owned(),
    }
}

/// What the driver of a camera can be asked. A trait of its own so that a fake camera can refuse what real ones refuse.
trait Driver: Send {
    fn set(&mut self, property: i32, value: f64) -> bool;
    fn get(&self, property: i32) -> Option<f64>;
    fn format(&self) -> Format;
    fn grab(&mut self) -> Result<bool, SourceError>;
    fn retrieve(&mut self) -> Result<Retrieved, SourceError>;
}

impl Driver for Capture {
    fn set(&mut self, property: i32, value: f64) -> bool {
        Self::set(self, property, value)
    }

    fn get(&self, property: i32) -> Option<f64> {
        Self::get(self, property)
    }

    fn format(&self) -> Format {
        Self::format(self)
    }

    fn grab(&mut self) -> Result<bool, SourceError> {
        Self::grab(self)
    }

    fn retrieve(&mut self) -> Result<Retrieved, SourceError> {
        Self::retrieve(self)
    }
}

/// An open camera that delivers.
struct Camera<D> {
    driver: D,
    ready: ReadyJpeg,
    /// Whether frames come as the driver delivers them.
    undecoded: bool,
    /// Read while finding out what it delivers.
    first: Option<Captured>,
    broken: u64,
}

impl<D: Driver> Camera<D> {
    /// Finds out what the camera delivers. First choice is its own JPEG, which no encoder here has to make, and which
    /// USB carries at sizes that raw pictures are too large for; then raw pictures as they are; then what OpenCV makes
    /// of whatever it is.
    fn start(mut driver: D, name: String, options: &SourceOptions) -> Result<Self, Lost> {
        // The coding before the size: a driver offers other sizes in each.
        ask_for_coding(&mut driver);
        if let Some((width, height)) = options.size {
            driver.set(CAP_PROP_FRAME_WIDTH, f64::from(width));
            driver.set(CAP_PROP_FRAME_HEIGHT, f64::from(height));
        }
        if let Some(fps) = options.fps {
            driver.set(CAP_PROP_FPS, fps);
        }
        let undecoded = driver.set(CAP_PROP_CONVERT_RGB, 0.0);
        let mut camera = Self { driver, ready: ReadyJpeg::of(&name), undecoded, first: None, broken: 0 };
        camera.first = match if undecoded { camera.picture(FRAMES_TO_START)? } else { None } {
            Some(captured) => Some(captured),
            None => {
                camera.undecoded = false;
                camera.driver.set(CAP_PROP_CONVERT_RGB, 1.0);
                let raw = camera.picture(FRAMES_TO_START)?;
                Some(raw.ok_or_else(|| Lost { reason: "it delivers nothing that can be shown".to_owned() })?)
            }
        };
        // What it took to find that out says nothing of the camera.
        camera.broken = 0;
        if let Some(Captured { picture, .. }) = &camera.first {
            let coding = match picture {
                Picture::Jpeg(_) => "JPEG, passed through".to_owned(),
                Picture::Raw(image) => format!("raw pictures, {:?}", image.format()),
            };
            let format = camera.driver.format();
            tracing::info!("{name} gives {format}, {coding}");
            let other_size = options.size.filter(|&asked| format.size.is_some_and(|granted| granted != asked));
            if let Some((width, height)) = other_size {
                tracing::warn!("{name} does not have the size asked for, {width}x{height}: it gives {format}");
            }
        }
        Ok(camera)
    }

    /// The next picture among `most` frames; `None` if none of them is one.
    fn picture(&mut self, most: u32) -> Result<Option<Captured>, Lost> {
        let lost = |error: SourceError| Lost { reason: error.to_string() };
        for _ in 0..most {
            if !self.driver.grab().map_err(lost)? {
                return Err(Lost { reason: "it stopped delivering".to_owned() });
            }
            let captured_at = SystemTime::now();
            let picture = match self.driver.retrieve().map_err(lost)? {
                Retrieved::Jpeg(bytes) => self.ready.pass(bytes).map(Picture::Jpeg),
                Retrieved::Image(image) if !self.undecoded => Some(Picture::Raw(image)),
                Retrieved::Image(image) => {
                    let coding = coding(&self.driver);
                    let image = match image.format() {
                        PixelFormat::Gray => one_channel(image, coding, self.driver.format().size),
                        _ => three_channels(image, coding),
                    };
                    image.map(Picture::Raw)
                }
                Retrieved::TwoBytes(image) => two_channels(image, coding(&self.driver)).map(Picture::Raw),
                Retrieved::Other | Retrieved::Nothing => None,
            };
            if let Some(picture) = picture {
                return Ok(Some(Captured { picture, captured_at }));
            }
            self.broken += 1;
        }
        Ok(None)
    }
}

impl<D: Driver> Device for Camera<D> {
    fn read(&mut self) -> Result<Option<Captured>, Lost> {
        let picture = match self.first.take() {
            Some(first) => Some(first),
            None => self.picture(MAX_BROKEN)?,
        };
        picture.map(Some).ok_or_else(|| Lost { reason: format!("{MAX_BROKEN} frames in a row were broken") })
    }

    fn format(&self) -> Format {
        self.driver.format()
    }

    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

/// Asks for JPEG, or else for what can be encoded as it is; what else there is, the driver chooses.
fn ask_for_coding(driver: &mut impl Driver) {
    driver.set(CAP_PROP_FOURCC, f64::from(fourcc(MJPG)));
    // A driver that has no JPEG says yes, and delivers something else.
    if coding(driver).is_none_or(|granted| [MJPG, *b"JPEG"].contains(&granted)) {
        return;
    }
    for wanted in layout::RAW {
        driver.set(CAP_PROP_FOURCC, f64::from(fourcc(wanted)));
        if coding(driver) == Some(wanted) {
            return;
        }
    }
}

/// What the driver calls what it delivers.
fn coding(driver: &impl Driver) -> Option<Coding> {
    driver.get(CAP_PROP_FOURCC).map(|value| (value as i32).to_le_bytes())
}

/// Four letters as V4L2 counts them.
fn fourcc(letters: Coding) -> i32 {
    i32::from_le_bytes(letters)
}

#[cfg(test)]
mod tests;
