//! Images: one file, a folder of them, or those that fit a pattern.
//!
//! JPEG files are handed on byte for byte. Others (PNG, TIFF, …) are decoded, which takes OpenCV.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::jpeg::Headers;
use media::memory::{Memory, beginning};
use media::mjpeg::MAX_JPEG_BYTES;
use media::{Image, Picture};
use terminal::seldom::Seldom;

use super::last_turn::LastTurn;
use super::mjpeg::readable;
use super::pace::Pace;
use super::ready_jpeg::ReadyJpeg;
use super::{Captured, DEFAULT_FPS, Format, Next, Source, SourceError, SourceOptions};

pub(super) mod listing;
mod seen;
mod still;

use seen::{Ready, Seen, State};
use still::{Loaded, Still};

/// The rate, in frames per second, at which one image is sent again and again. Enough that a receiver that comes later
/// has it at once.
const STILL_FPS: f64 = 10.0;

/// The largest image file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Images that cannot be shown any more are said once in this time: all may be away while they are replaced.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Shows images, one after another.
///
/// A single image is sent once, or with `repeat` again and again: as a video of one frame would be. Among several, one
/// that cannot be shown is left out with a warning; a single one is an error at the start, and later sent as it was.
#[derive(Debug)]
pub(super) struct Images {
    /// What the user named.
    named: PathBuf,
    files: Vec<PathBuf>,
    /// The file that comes next.
    at: usize,
    ready: ReadyJpeg,
    memory: Memory,
    /// What is shown again and again is not read again and again.
    seen: Option<Seen>,
    /// The same of a single image.
    still: Option<Still>,
    /// Read already, and not yet due.
    kept: Option<Picture>,
    shown: u64,
    broken_of_turn: usize,
    broken: u64,
    /// Which of the files could not be shown when they were last looked at.
    left_out: HashSet<usize>,
    first_turn: bool,
    warnings: Seldom,
    last_turn: LastTurn,
    format: Format,
    pace: Option<Pace>,
    options: SourceOptions,
}

impl Images {
    /// One image file.
    pub(super) fn file(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        if !options.repeat {
            tracing::warn!("{} is one image, which is sent once; with --loop, again and again", path.display());
        }
        Self::of(path, vec![path.to_owned()], options.fps_or(STILL_FPS), options)
    }

    /// The images in a folder, in natural order.
    pub(super) fn folder(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        Self::of(path, listing::of_folder(path)?, options.fps_or(DEFAULT_FPS), options)
    }

    /// The files that fit a pattern, in natural order.
    pub(super) fn pattern(pattern: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        Self::of(pattern, listing::of_pattern(pattern)?, options.fps_or(DEFAULT_FPS), options)
    }

    fn of(named: &Path, files: Vec<PathBuf>, fps: f64, options: &SourceOptions) -> Result<Self, SourceError> {
        // An image that is sent once has no rate.
        let fps = Some(fps).filter(|_| options.realtime && (files.len() > 1 || options.repeat));
        let mut images = Self {
            named: named.to_owned(),
            files,
            at: 0,
            ready: ReadyJpeg::of(named.display().to_string()),
            memory: Memory::default(),
            seen: options.repeat.then(Seen::default),
            still: None,
            kept: None,
            shown: 0,
            broken_of_turn: 0,
            broken: 0,
            left_out: HashSet::new(),
            first_turn: true,
            warnings: Seldom::new(WARNING_INTERVAL),
            last_turn: LastTurn::default(),
            format: Format { size: None, fps },
            pace: fps.map(Pace::at),
            options: *options,
        };
        if images.files.len() == 1 {
            // Read now, so that what is wrong with it is said before anything starts.
            let loaded = images.load(0)?;
            images.format.size = Some(loaded.size);
            if options.repeat {
                images.still = Some(Still::of(loaded));
            } else {
                images.kept = Some(loaded.picture);
                images.at = 1;
            }
        }
        Ok(images)
    }

    /// What is shown of the file number `at`, one of several.
    fn read(&mut self, at: usize) -> Result<Picture, SourceError> {
        if let Some(Ready { jpeg, size }) = self.seen.as_mut().and_then(|seen| seen.get(at, &self.files[at])) {
            self.format.size = Some(size);
            return Ok(Picture::Jpeg(jpeg));
        }
        let Loaded { picture, size, state } = self.load(at)?;
        self.format.size = Some(size);
        if let (Some(seen), Some(state), Picture::Jpeg(jpeg)) = (&mut self.seen, state, &picture) {
            seen.keep(at, state, &Ready { jpeg: jpeg.clone(), size });
        }
        Ok(picture)
    }

    /// What is shown of a single image that is repeated: as it is now, or else as it could be shown last.
    fn look_again(&mut self, still: &mut Still) -> Next {
        if still.is_still(&self.files[0]) {
            still.is_back();
        } else {
            match self.load(0) {
                Ok(loaded) => *still = Still::of(loaded),
                Err(error) => {
                    self.broken += 1;
                    still.failed(&error);
                }
            }
        }
        self.format.size = Some(still.loaded.size);
        Next::Picture(Captured::now(still.loaded.picture.clone()))
    }

    fn load(&mut self, at: usize) -> Result<Loaded, SourceError> {
        let path = &self.files[at];
        let (file, state) = read_file(path, &self.memory)?;
        let bad = |reason: String| SourceError::BadImage { path: path.clone(), reason };
        if !file.starts_with(&[0xFF, 0xD8]) {
            let image = decode(path, &file)?;
            return Ok(Loaded { size: (image.width(), image.height()), picture: Picture::Raw(image), state });
        }
        let jpeg = self.ready.pass(file).ok_or_else(|| bad("it is a JPEG cut short, or damaged".into()))?;
        let size = Headers::read(&jpeg).map_err(|error| bad(error.to_string()))?.shown_size();
        if jpeg.len() > MAX_JPEG_BYTES {
            return Err(bad(format!("it has {} bytes, more than the {MAX_JPEG_BYTES} of a frame", jpeg.len())));
        }
        Ok(Loaded { picture: Picture::Jpeg(jpeg), size, state })
    }

    /// Waits for the time of the next picture, as long as [`Pace::sleep`] does. True if it has come.
    fn is_due(&mut self) -> bool {
        let is_due = self.pace.as_mut().is_none_or(|pace| pace.sleep(pace.time_of(self.shown)));
        self.shown += u64::from(is_due);
        is_due
    }

    /// Says why a file is left out, where it was not when it was last looked at.
    fn say_left_out(&mut self, at: usize, error: &SourceError) {
        if !self.left_out.insert(at) {
            return;
        }
        let admitted = if self.first_turn { Some(1) } else { self.warnings.admit(Instant::now()) };
        match admitted {
            Some(1) => tracing::warn!("an image is left out: {error}"),
            Some(images) => tracing::warn!("{images} images are left out, the last one because: {error}"),
            None => tracing::debug!("an image is left out: {error}"),
        }
    }

    /// At the end of a turn: whether there is another.
    fn begin_again(&mut self) -> Result<bool, SourceError> {
        if self.broken_of_turn == self.files.len() {
            let reason = format!("none of the {} images can be shown", self.files.len());
            // All may be away only while they are replaced.
            self.last_turn.wait_or(SourceError::BadImage { path: self.named.clone(), reason })?;
        } else {
            self.last_turn.ends();
        }
        if self.options.repeat {
            (self.at, self.broken_of_turn, self.first_turn) = (0, 0, false);
        }
        Ok(self.options.repeat)
    }
}

impl Source for Images {
    fn next(&mut self) -> Result<Next, SourceError> {
        if let Some(mut still) = self.still.take() {
            // Read when it is due, not before: at a low rate it may change meanwhile.
            let next = if self.is_due() { self.look_again(&mut still) } else { Next::Waiting };
            self.still = Some(still);
            return Ok(next);
        }
        let picture = match self.kept.take() {
            Some(picture) => picture,
            None if self.at == self.files.len() => {
                return self.begin_again().map(|again| if again { Next::Waiting } else { Next::Ended });
            }
            None => {
                self.at += 1;
                match self.read(self.at - 1) {
                    Ok(picture) => {
                        self.left_out.remove(&(self.at - 1));
                        picture
                    }
                    Err(error) => {
                        self.broken_of_turn += 1;
                        self.broken += 1;
                        self.say_left_out(self.at - 1, &error);
                        return Ok(Next::Waiting);
                    }
                }
            }
        };
        if !self.is_due() {
            self.kept = Some(picture);
            return Ok(Next::Waiting);
        }
        Ok(Next::Picture(Captured::now(picture)))
    }

    fn format(&self) -> Format {
        self.format
    }

    fn is_live(&self) -> bool {
        self.options.realtime
    }

    fn broken(&self) -> u64 {
        self.broken
    }

    fn describe(&self) -> String {
        match self.files.len() {
            1 => format!("image {}, {}", self.files[0].display(), self.format),
            count => format!("{count} images of {}, {}", self.named.display(), self.format),
        }
    }
}

/// A whole file, and, if it is certain to show when it changes, how it is now.
fn read_file(path: &Path, memory: &Memory) -> Result<(Bytes, Option<State>), SourceError> {
    let failed = |source| SourceError::Read { path: path.to_owned(), source };
    // Of a pipe the writer would be waited for, maybe for ever.
    let file = readable::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        let reason = "it is no file, but a folder, a pipe or a device".to_owned();
        return Err(SourceError::BadImage { path: path.to_owned(), reason });
    }
    let bytes = read_to_end(&mut file.take(MAX_FILE_BYTES + 1), metadata.len(), memory).map_err(failed)?;
    if bytes.is_empty() {
        return Err(SourceError::Empty { path: path.to_owned() });
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let reason = format!("it has more than {MAX_FILE_BYTES} bytes");
        return Err(SourceError::BadImage { path: path.to_owned(), reason });
    }
    Ok((bytes, State::settled(&metadata)))
}

/// Reads all there is, which `stated` only suggests: a file may grow meanwhile, and one of /proc states 0.
fn read_to_end(file: &mut impl Read, stated: u64, memory: &Memory) -> io::Result<Bytes> {
    // With room for one more byte the end is found without making the memory grow.
    let room = stated.min(MAX_FILE_BYTES) + 1;
    let mut bytes = memory.take(usize::try_from(room).map_err(io::Error::other)?);
    let begin = beginning(&bytes);
    let mut end = begin;
    loop {
        if end == bytes.len() {
            bytes.resize(2 * end, 0);
        }
        match file.read(&mut bytes[end..]) {
            Ok(0) => return Ok(memory.lend(bytes, begin..end)),
            Ok(read) => end += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(feature = "opencv")]
fn decode(path: &Path, file: &[u8]) -> Result<Image, SourceError> {
    super::capture::decode_pixels(file).map_err(|reason| SourceError::BadImage { path: path.to_owned(), reason })
}

#[cfg(not(feature = "opencv"))]
fn decode(_path: &Path, _file: &[u8]) -> Result<Image, SourceError> {
    Err(SourceError::NeedsOpencv { what: "images other than JPEG" })
}

#[cfg(test)]
mod tests;
