//! Watches the sending end of a stream from any thread.

use std::sync::Arc;

use media::mailbox::{Reader, Replaced};

use crate::feedback::Shared;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::progress::{End, Progress};
use crate::receivers::ReceiverFigures;
use crate::source::Captured;
use crate::taps::SentFrame;
use crate::tcp::Audience;
use crate::transmit::Outgoing;
#[cfg(doc)]
use crate::{Upstream, UpstreamError};

/// Watches a stream from any thread, also after its end, and may [end](Self::stop) it.
#[derive(Debug, Clone)]
pub struct Monitor {
    progress: Arc<Progress>,
    pub(crate) feedback: Arc<Shared>,
    pub(crate) audience: Option<Arc<Audience>>,
    encoder: Replaced<Captured>,
    transmitter: Replaced<Outgoing>,
    /// What opens when the stream begins, where it waits for somebody: a group, or a receiver over TCP.
    pub(super) gate: Option<Arc<Gate>>,
    /// Whether remotes may miss frames that others get.
    are_several: bool,
}

impl Monitor {
    pub(crate) fn new(
        (progress, feedback): (Arc<Progress>, Arc<Shared>),
        audience: Option<Arc<Audience>>,
        (encoder, transmitter): (Replaced<Captured>, Replaced<Outgoing>),
        gate: Option<Arc<Gate>>,
        are_several: bool,
    ) -> Self {
        Self { progress, feedback, audience, encoder, transmitter, gate, are_several }
    }

    /// Ends the stream, from any thread: it takes no more frames. Whoever waits in [`Upstream::send`] or
    /// [`Upstream::wait_until_begun`], be it for a receiver that never comes, is released, and told
    /// [`UpstreamError::ShutDown`]. What has begun goes out at once, as far as somebody is there.
    ///
    /// Receivers are told when the stream is closed or dropped, which is up to whoever has it.
    pub fn stop(&self) {
        self.progress.end(End::Stopped);
        self.hurry();
        self.give_up();
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.progress.ended(), Some(End::Stopped))
    }

    /// Nobody is waited for any more before the stream begins.
    pub(super) fn give_up(&self) {
        if let Some(gate) = &self.gate {
            gate.give_up();
        }
    }

    /// The stream is to be over soon: what has begun is no longer held up, nor are slow receivers waited for.
    pub(crate) fn hurry(&self) {
        self.progress.hurry();
        if let Some(audience) = &self.audience {
            audience.hurry();
        }
    }

    /// The stream's time is over: frames no longer wait for their turn either.
    pub(crate) fn time_is_over(&self) {
        self.progress.time_is_over();
        self.wait_for_nobody();
    }

    /// Frames no longer wait for somebody to connect over TCP: no more of them are to come.
    pub(crate) fn wait_for_nobody(&self) {
        if let Some(audience) = &self.audience {
            audience.close();
        }
    }

    /// What the stream has done since its start. For the rates of an interval, see [`Figures::since`].
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures_with(self.feedback.receivers(), self.audience.as_ref().map(|audience| audience.receivers()))
    }

    /// The same, but with every receiver that there was: also those that have left, or fallen silent, as they were last
    /// known.
    #[must_use]
    pub fn totals(&self) -> Figures {
        let over_tcp = self.audience.as_ref().map(|audience| audience.all_receivers());
        self.figures_with(self.feedback.all_receivers(), over_tcp)
    }

    fn figures_with(&self, mut receivers: Vec<ReceiverFigures>, over_tcp: Option<Vec<ReceiverFigures>>) -> Figures {
        let mut replaced = self.progress.taps.replaced();
        let tally = *self.progress.tally();
        replaced
            .extend([("encoder", self.encoder.count()), ("transmitter", self.transmitter.count() + tally.not_begun)]);
        if self.are_several {
            replaced.insert("backlog", tally.left_out);
        }
        receivers.extend(over_tcp.into_iter().flatten());
        if let Some(audience) = &self.audience {
            replaced.insert("tcp", audience.replaced());
        }
        let dropped = self.progress.dropped();
        let mut figures = Figures::totals(self.progress.elapsed(), tally, replaced, dropped, receivers);
        figures.receivers_dropped = self.audience.as_ref().map_or(0, |audience| audience.dropped());
        figures
    }

    /// A mailbox in which the newest frame wins of those that have been sent, from now on: to look at what goes out,
    /// without slowing it down. `name` is for the figures.
    #[must_use]
    pub fn newest_sent(&self, name: &'static str) -> Reader<SentFrame> {
        self.progress.taps.open(name)
    }

    /// Whether the stream has come to its end, by itself or [stopped](Self::stop), and takes no more frames.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.progress.ended().is_some()
    }
}
