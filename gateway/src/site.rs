//! What one address serves: streams by their id, and the viewers of all of them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::mpeg1::{DEFAULT_ENCODER, Mpeg1, Mpeg1Settings};
use crate::stream::Stream;
use crate::viewers::{Admission, Refused, ViewerKind, Viewers};

/// The most viewers of a site at a time, where nothing else is said: what one thousand-megabit link can carry of a
/// modest stream, and far below what memory allows.
pub const DEFAULT_MAX_VIEWERS: usize = 1000;

/// What one address serves. Handlers get it as axum's state: `State<Arc<Site>>`.
#[derive(Debug)]
pub struct Site {
    streams: Vec<Arc<Stream>>,
    /// In the order of the streams.
    mpeg1: Vec<Mpeg1>,
    viewers: Arc<Viewers>,
    settings: SiteSettings,
    started_at: Instant,
}

/// How a site is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSettings {
    /// The most viewers at a time, of all streams together.
    pub max_viewers: usize,
    /// What pages may use the streams, beside our own: values of the header Origin, or `*` for all. Empty: those that
    /// no browser is kept from (pictures in a page), and for WebSockets all.
    pub allowed_origins: Vec<String>,
    /// What encodes MPEG-1: the program ffmpeg, looked up in PATH unless it is a path.
    pub encoder: PathBuf,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self { max_viewers: DEFAULT_MAX_VIEWERS, allowed_origins: Vec::new(), encoder: DEFAULT_ENCODER.into() }
    }
}

impl Site {
    /// A site of these streams. The first one is what is shown where no id is given.
    #[must_use]
    pub fn new(streams: Vec<Arc<Stream>>, settings: SiteSettings) -> Self {
        let viewers = Arc::new(Viewers::new(settings.max_viewers));
        let mpeg1 = |stream: &Arc<Stream>| {
            let program = settings.encoder.clone();
            Mpeg1::new(Arc::clone(stream), Mpeg1Settings { program, quality: stream.settings().mpeg1_quality })
        };
        let mpeg1 = streams.iter().map(mpeg1).collect();
        Self { streams, mpeg1, viewers, settings, started_at: Instant::now() }
    }

    /// The stream called `id`; with an empty id the first.
    #[must_use]
    pub fn stream(&self, id: &str) -> Option<&Arc<Stream>> {
        self.streams.iter().find(|stream| stream.id() == id).or_else(|| self.streams.first().filter(|_| id.is_empty()))
    }

    /// The stream called `id` as MPEG-1; with an empty id the first.
    #[must_use]
    pub fn mpeg1(&self, id: &str) -> Option<(&Arc<Stream>, &Mpeg1)> {
        let stream = self.stream(id)?;
        let place = self.streams.iter().position(|other| Arc::ptr_eq(other, stream))?;
        Some((stream, self.mpeg1.get(place)?))
    }

    /// All streams, in the order in which they were given.
    #[must_use]
    pub fn streams(&self) -> &[Arc<Stream>] {
        &self.streams
    }

    /// Who looks.
    #[must_use]
    pub fn viewers(&self) -> &Arc<Viewers> {
        &self.viewers
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &SiteSettings {
        &self.settings
    }

    /// Since when it serves.
    #[must_use]
    pub fn started_at(&self) -> Instant {
        self.started_at
    }

    /// Lets somebody look, and counts them until the admission is dropped.
    ///
    /// # Errors
    /// [`Refused`] where there are as many as may be.
    pub fn admit(&self, stream: &Stream, peer: IpAddr, kind: ViewerKind) -> Result<Admission, Refused> {
        self.viewers.admit(stream.id(), peer, kind)
    }
}
