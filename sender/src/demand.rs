//! What has to be made of a picture, for whoever is there to take it.

use std::sync::Arc;

use crate::progress::Progress;
use crate::tcp::Audience;

/// What is asked of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// A JPEG.
    pub(crate) jpeg: bool,
    /// A raw picture, blue, green, red.
    pub(crate) bgr: bool,
}

/// Who asks. That changes while a stream runs: nothing is made that nobody takes.
#[derive(Debug)]
pub(crate) struct Demands {
    /// Whether datagrams go out, which are JPEG.
    jpeg: bool,
    audience: Option<Arc<Audience>>,
    /// Where the stream waits for receivers it is made for all that may come.
    waits: bool,
}

impl Demands {
    /// `datagrams`: whether the stream goes to remotes or a group, too.
    pub(crate) fn new(datagrams: bool, audience: Option<Arc<Audience>>, live: bool) -> Self {
        Self { jpeg: datagrams || audience.is_none(), audience, waits: !datagrams && !live }
    }

    #[cfg(test)]
    pub(crate) fn jpeg_only() -> Self {
        Self::new(true, None, true)
    }

    /// What is asked of a picture that is taken up now.
    pub(crate) fn now(&self, progress: &Progress) -> Demand {
        let of_audience = self.audience.as_ref().map_or(Demand { jpeg: false, bgr: false }, |audience| {
            if self.waits { audience.possible_demand() } else { audience.demand() }
        });
        Demand { jpeg: self.jpeg || of_audience.jpeg || progress.taps.is_watched(), bgr: of_audience.bgr }
    }
}
