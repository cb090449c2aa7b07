//! From how a stream is to be to its sockets and threads.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use media::mailbox::mailbox;
use segment::Sequencer;
use segment::handshake::Announcer;
use segment::seal::Sealer;
use segment::wire::sealed::Cipher;

use super::Builder;
use crate::conversion::Conversion;
use crate::demand::Demands;
use crate::encode::encoder;
use crate::error::UpstreamError;
use crate::feedback::{Feedback, Group, Shared};
use crate::gate::Gate;
use crate::group_interface::GroupInterface;
use crate::pacing::{Reception, Spacing};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::sealing::{FeedbackSealing, FrameSealing};
use crate::sockets::Sockets;
use crate::stamp::Stamp;
use crate::tcp::{self, Accept, Audience, Outlet};
use crate::transmit::{Transmit, Transmitter};
use crate::upstream::{Destination, Monitor, Upstream};

impl Builder {
    /// Opens the sockets and starts the stream's threads, "encode", "transmit" and "feedback", and a "tcp accept" for
    /// each address listened on. Where one thread does not encode as fast as pictures come, "encode 2" and so on join
    /// it later.
    ///
    /// # Errors
    /// [`UpstreamError`] where there is nobody to send to, no route leads to one of them, an address cannot be listened
    /// on, or a value is outside of its range.
    pub fn start(self) -> Result<Upstream, UpstreamError> {
        self.check()?;
        let conversion = Conversion::new(self.wanted)?;
        let mut sockets = Sockets::default();
        let interface = self.group.as_ref().map(|group| GroupInterface::open(group, &mut sockets)).transpose()?;
        let interface = interface.map(Arc::new);
        let group = interface.as_ref().map(|it| Remote::group(Arc::clone(it), self.datagram_size)).transpose()?;
        let open = |&address| Remote::new(address, sockets.for_remote(address)?, self.datagram_size);
        let remotes = self.remotes.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let destinations: Vec<_> = remotes.iter().chain(&group).map(Destination::of).collect();

        let progress = Arc::new(Progress::new(Instant::now()));
        let repair = Arc::new(self.repair());
        let stamp = Stamp::new();
        // One for all threads that send: no datagram number must come twice.
        let sealing = self.key.as_ref().map(|key| {
            let sealer = Sealer::new(key, self.cipher.unwrap_or_else(Cipher::fastest), stamp.stream_id());
            (key.clone(), Arc::new(sealer))
        });
        let are_several = destinations.len() > 1;
        let independent = |remote: Remote| {
            let sealer = sealing.as_ref().map(|(_, sealer)| sealer);
            if are_several { remote.independent(self.live, &progress, &repair, sealer) } else { remote }
        };
        let (remotes, group) = (remotes.into_iter().map(independent).collect::<Vec<_>>(), group.map(independent));
        let handshake = self.beginning.handshake(group.is_some());
        let picture = self.beginning.picture(self.wanted.size);
        let mut announcer = Announcer::new(Instant::now(), stamp.stream_id(), handshake, picture);
        if self.beginning.name.is_some() {
            announcer = announcer.introduce();
        }
        let gate = Arc::new(Gate::default());
        if announcer.has_begun() {
            gate.open();
        }
        if repair.is_sequenced_from_the_start() {
            announcer = announcer.sequenced(Instant::now());
        }
        let shared = Arc::new(Shared::new(announcer, Arc::clone(&repair)));
        let announced = interface.map(|interface| Group::new(interface, &self.beginning, &gate));
        let mut feedback = Feedback::new(&sockets, Arc::clone(&shared), announced, Arc::clone(&progress), self.tagged)?;
        if let Some((key, sealer)) = &sealing {
            tracing::debug!(cipher = sealer.cipher().name(), "sealing");
            feedback = feedback.sealed(FeedbackSealing::new(key.clone(), Arc::clone(sealer)));
        }

        let is_datagrams = !destinations.is_empty();
        let (audience, accepts) =
            tcp::listen(&self.listens, self.tcp_patience, self.live, &progress).map_err(UpstreamError::Listen)?;
        let listening: Vec<_> = accepts.iter().map(Accept::listening).collect();
        let demands = Arc::new(Demands::new(is_datagrams, audience.clone(), self.live));

        let (outgoing, frames) = mailbox();
        let outgoing = Arc::new(outgoing);
        let (encoder, encode) = {
            let (outgoing, demands) = (Arc::clone(&outgoing), Arc::clone(&demands));
            encoder(conversion, outgoing, self.live, demands, Arc::clone(&progress))
        };
        let replaced = (encoder.replaced(), outgoing.replaced());
        // Who is sent to without being waited for is a beginning. A group is waited for before receivers over TCP.
        let beginning = if remotes.is_empty() {
            group.as_ref().map(|_| &gate).or(audience.as_ref().map(|audience| &audience.gate)).cloned()
        } else {
            None
        };
        let watched = (Arc::clone(&progress), Arc::clone(&shared));
        let monitor = Monitor::new(watched, audience.clone(), replaced, beginning.clone(), are_several);
        let transmit = Transmit {
            remotes,
            group: group.map(|group| (group, Arc::clone(&gate))),
            outlet: audience.clone().map(|audience| Outlet::new(audience, self.live, !is_datagrams)),
            stamp,
            tagged: self.tagged,
            left: self.max_frames.unwrap_or(u64::MAX),
            spacing: Spacing::new(self.pace),
            feedback: shared,
            reception: Reception::default(),
            sequencer: Sequencer::new(),
            sealing: sealing.map(|(_, sealer)| FrameSealing::new(sealer)),
            repair,
            progress: Arc::clone(&progress),
        };
        // If one of the later threads cannot be had, what the others wait for is dropped or decided here, and they end.
        let give_up = {
            let (gates, audience) = ([Some(Arc::clone(&gate)), beginning.clone()], audience.clone());
            let progress = Arc::clone(&progress);
            move |_: &UpstreamError| {
                gates.iter().flatten().for_each(|gate| gate.give_up());
                audience.iter().for_each(|audience| audience.end(&progress));
            }
        };
        let encode = spawn("encode", move || encode.run())?;
        let transmitter = Transmitter::new(transmit, beginning.clone(), self.busy_poll);
        let transmit = spawn("transmit", {
            let transmitter = transmitter.clone();
            let ending = Ending { progress: Arc::clone(&progress), audience: audience.clone() };
            move || {
                let _ending = ending;
                transmitter.run(&frames);
            }
        })?;
        let mut threads = vec![encode, transmit];
        for accept in accepts {
            threads.push(spawn("tcp accept", move || accept.run()).inspect_err(&give_up)?);
        }
        // Before the first frame can be.
        let feedback = feedback.announced();
        let feedback = spawn("feedback", move || feedback.run()).inspect_err(&give_up)?;
        if !is_datagrams {
            let addresses: Vec<_> = listening.iter().map(ToString::to_string).collect();
            tracing::info!("waiting for a receiver to connect to {}", addresses.join(", "));
        }
        Ok(Upstream {
            encoder: Some(encoder),
            outgoing: Some(outgoing),
            transmitter,
            threads,
            feedback: Some(feedback),
            demands,
            wanted: self.wanted,
            live: self.live,
            destinations,
            listening,
            progress,
            monitor,
        })
    }
}

/// Tells those who wait for frames, once dropped, that there are no more: also where the thread that sends them has
/// panicked.
struct Ending {
    progress: Arc<Progress>,
    audience: Option<Arc<Audience>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.progress.taps.close();
        self.audience.iter().for_each(|audience| audience.end(&self.progress));
    }
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, UpstreamError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|source| UpstreamError::Thread { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::DEFAULT_TCP_PATIENCE;
    use segment::wire::stream::Framing;
    use std::time::Duration;

    #[test]
    fn a_panic_is_an_end_too() {
        let progress = Arc::new(Progress::new(Instant::now()));
        let audience = Arc::new(Audience::new([Framing::Upstream], DEFAULT_TCP_PATIENCE, false));
        let watched = progress.taps.open("window");
        let ending = Ending { progress, audience: Some(Arc::clone(&audience)) };
        let thread = std::thread::spawn(move || {
            let _ending = ending;
            panic!("as the thread that sends might");
        });
        thread.join().unwrap_err();
        assert!(audience.is_over());
        assert!(matches!(watched.take(Duration::ZERO), media::mailbox::Taken::Closed));
    }
}
