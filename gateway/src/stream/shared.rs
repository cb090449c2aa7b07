//! What a stream's input, its viewers and its figures have in common.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use media::Picture;
use tokio::sync::watch;

use super::arrivals::Arrivals;
use super::away::Away;
use super::{LINGER, Slot};
use crate::config::{DEFAULT_QUALITY, OutputFormat};
use crate::frame::Frame;
use crate::shape::{DEFAULT_JPEG_QUALITY, Shape, Shaper};

/// How a stream is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// What viewers ask for it by; may be empty.
    pub id: String,
    /// The address of the input, for people.
    pub input: String,
    /// What is made of each picture, whatever it is shown as.
    pub shape: Shape,
    /// Quality of JPEGs that have to be made and of which none is asked for otherwise: 1 to 100.
    pub default_jpeg_quality: u8,
    /// Of MPEG-1, on the scale of ffmpeg's `-q:v`: 1 (best) to 31.
    pub mpeg1_quality: u8,
    /// Which format the page prefers.
    pub format: OutputFormat,
}

impl StreamSettings {
    /// A stream called `id` of the input `input`, of which nothing else is asked.
    #[must_use]
    pub fn new(id: impl Into<String>, input: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            input: input.into(),
            shape: Shape::default(),
            default_jpeg_quality: DEFAULT_JPEG_QUALITY,
            mpeg1_quality: DEFAULT_QUALITY,
            format: OutputFormat::default(),
        }
    }
}

/// What has come of a stream so far.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StreamFigures {
    /// Pictures that the input has brought.
    pub frames: u64,
    /// Pictures a second that it brings now.
    pub fps: f64,
    /// Pictures that were lost before they came here, as far as is known.
    pub lost: u64,
    /// What came by datagrams or TCP and was dropped before it was a picture, by cause: as in `dropped` of `receiver`,
    /// and only what there was.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Pictures that came cut short or damaged, or that could not be decoded or encoded where all who look are to get
    /// another size, quality or form than came. What one of them asks for beside that is not counted.
    pub broken: u64,
    /// Pictures that were decoded or encoded here.
    pub converted: u64,
    /// Bytes of the newest JPEG.
    pub jpeg_bytes: Option<usize>,
    /// Seconds since the newest picture.
    pub age_s: Option<f64>,
    /// Seconds from picture to picture of late.
    pub interval_s: Option<f64>,
    /// Why there are no pictures, if the input is away.
    pub lost_because: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    id: String,
    input: String,
    always_on: bool,
    slot: watch::Sender<Slot>,
    /// How many of those who look want a JPEG.
    jpeg_takers: AtomicUsize,
    is_closed: AtomicBool,
    /// The input is away: the next picture is news.
    is_lost: AtomicBool,
    frames: AtomicU64,
    /// Those of them that were made ready.
    shown: AtomicU64,
    lost: AtomicU64,
    broken: AtomicU64,
    converted: AtomicU64,
    /// Nothing else is asked of pictures than to be shown as they come.
    is_plain: bool,
    /// The input's thread alone uses it, for as long as a picture takes to encode.
    shaper: Mutex<Shaper>,
    arrivals: Mutex<Arrivals>,
    away: Mutex<Away>,
    /// When the last one who looked went away.
    left_at: Mutex<Option<Instant>>,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
}

impl Shared {
    pub(crate) fn new(settings: &StreamSettings, always_on: bool) -> Self {
        Self {
            id: settings.id.clone(),
            input: settings.input.clone(),
            always_on,
            slot: watch::Sender::new(None),
            jpeg_takers: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            shown: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            converted: AtomicU64::new(0),
            is_plain: settings.shape == Shape::default(),
            shaper: Mutex::new(Shaper::new(settings.shape, settings.default_jpeg_quality)),
            arrivals: Mutex::default(),
            away: Mutex::default(),
            left_at: Mutex::default(),
            dropped: Mutex::default(),
        }
    }

    /// What people know it by: its id, and where it comes from.
    pub(crate) fn name(&self) -> String {
        if self.id.is_empty() { self.input.clone() } else { format!("{} ({})", self.id, self.input) }
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Slot> {
        self.slot.subscribe()
    }

    pub(crate) fn newest(&self) -> Slot {
        self.slot.borrow().clone()
    }

    /// How long the next picture may take before that is strange, which is `least` at least.
    pub(crate) fn patience(&self, least: Duration) -> Duration {
        self.arrivals().patience(least)
    }

    /// Pictures are waited for from now on.
    pub(crate) fn begin(&self) {
        self.arrivals().begin(Instant::now());
    }

    /// Whether there was no picture for so long that this is strange, which is `least` at least.
    pub(crate) fn is_silent(&self, least: Duration) -> bool {
        self.arrivals().is_silent(least)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    pub(crate) fn add_jpeg_taker(&self) {
        self.jpeg_takers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_jpeg_taker(&self) {
        self.jpeg_takers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Somebody looks no more.
    pub(crate) fn left(&self) {
        *self.left_at() = Some(Instant::now());
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        // Whoever waits for a frame is woken to see it.
        self.slot.send_modify(|_| {});
    }

    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_closed()
            && (self.always_on
                || self.slot.receiver_count() > 0
                || self.left_at().is_some_and(|since| since.elapsed() < LINGER))
    }

    pub(crate) fn count_lost(&self, frames: u64) {
        self.lost.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn count_broken(&self, frames: u64) {
        self.broken.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn count_dropped(&self, cause: &'static str, count: u64) {
        *self.dropped().entry(cause).or_default() += count;
    }

    /// The input is away for this reason, which is said in these words, but not again and again.
    pub(crate) fn set_lost(&self, reason: &str, words: &str) {
        let is_news = self.away().is_news(reason, Instant::now());
        self.is_lost.store(true, Ordering::Relaxed);
        if is_news {
            tracing::warn!("{} {words}: {reason}", self.name());
        } else {
            tracing::debug!(id = self.id, reason, "{words}, still or again");
        }
    }

    /// The input is away for this reason, which somebody else tells people, and also when it is back.
    pub(crate) fn set_lost_as_told(&self, reason: &str) {
        self.away().is_told_of(reason);
        // Who is there again gets as long as who has just begun.
        self.begin();
        self.is_lost.store(true, Ordering::Relaxed);
    }

    /// The input rests: whether it is away is not known.
    pub(crate) fn rest(&self) {
        self.is_lost.store(false, Ordering::Relaxed);
        *self.away() = Away::default();
    }

    /// Makes of a picture what is asked for, and shows it to all who look.
    pub(crate) fn publish(&self, picture: Picture, captured_at: SystemTime, published: Option<Bytes>) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.arrivals().count(Instant::now());
        if self.is_lost.swap(false, Ordering::Relaxed) {
            self.came_back();
        }
        let is_ready = self.is_plain && matches!(picture, Picture::Jpeg(_));
        if self.slot.receiver_count() == 0 && !is_ready {
            return;
        }
        let wants_jpeg = self.jpeg_takers.load(Ordering::Relaxed) > 0;
        let shaped = self.shaper.lock().unwrap_or_else(PoisonError::into_inner).shape(picture, wants_jpeg);
        match shaped {
            Ok(shaped) => {
                if !is_ready && (shaped.image.is_some() && (wants_jpeg || !self.is_plain)) {
                    self.converted.fetch_add(1, Ordering::Relaxed);
                }
                let published = published.filter(|_| self.is_plain);
                // One that could not be made ready was not replaced by a newer one.
                let number = self.shown.fetch_add(1, Ordering::Relaxed);
                let frame = Frame::new(shaped.jpeg, shaped.image, captured_at, number).with_published(published);
                self.slot.send_replace(Some(Arc::new(frame)));
            }
            Err(error) => {
                self.broken.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(id = self.id, %error, "a picture is left out");
            }
        }
    }

    fn came_back(&self) {
        let back = self.away().is_back();
        if let Some((reason, is_said)) = back {
            if is_said {
                tracing::info!("{} is back", self.name());
            }
            tracing::debug!(id = self.id, reason, "is back; that was the reason");
        }
    }

    pub(crate) fn figures(&self) -> StreamFigures {
        let now = Instant::now();
        let arrivals = self.arrivals();
        StreamFigures {
            frames: self.frames(),
            fps: arrivals.per_second(now),
            lost: self.lost.load(Ordering::Relaxed),
            dropped: self.dropped().clone(),
            broken: self.broken.load(Ordering::Relaxed),
            converted: self.converted.load(Ordering::Relaxed),
            jpeg_bytes: self.slot.borrow().as_ref().and_then(|frame| frame.jpeg().map(Bytes::len)),
            age_s: arrivals.newest().map(|newest| now.duration_since(newest).as_secs_f64()),
            interval_s: arrivals.interval().map(|interval| interval.as_secs_f64()),
            lost_because: self.away().because().map(str::to_owned),
        }
    }

    /// Nobody panics while holding it, and each change leaves it whole.
    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dropped(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.left_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
