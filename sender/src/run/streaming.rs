//! The thread "source": from the source into the stream, from the first picture to the last.

use std::sync::mpsc::Sender;

use terminal::{Failure, Interrupt};

use super::watch::Watch;
use super::{Event, TICK, notices, options};
use crate::cli::Cli;
use crate::failure::failure;
use crate::source::{self, Next, Source, SourceError, SourceOptions};
use crate::{Upstream, UpstreamError};

/// Sends from the first picture to the last. Whatever has gone wrong, what has begun is sent.
pub(super) fn stream(cli: &Cli, interrupt: &Interrupt, says: &Sender<Event>) -> Result<(), Failure> {
    let builder = options::of_stream(cli)?;
    builder.check().map_err(|error| failure(cli, error))?;
    for words in notices::without_effect(cli) {
        tracing::warn!("{words}");
    }
    let mut source = match open(cli) {
        Ok(source) => source,
        // Whoever has ended the program meanwhile does not want to know.
        Err(error) if interrupt.is_set() => {
            tracing::debug!("ended while opening the source: {error}");
            return Ok(());
        }
        Err(error) if error.is_of_options() => return Err(Failure::usage(error)),
        Err(error) => return Err(error.into()),
    };
    let builder = builder.live(source.is_live()).format(source.format());
    let mut upstream = builder.start().map_err(|error| failure(cli, error))?;
    let watch = Watch::new(&upstream);
    let _ = says.send(Event::Started(watch.clone()));
    let pumped = if has_begun(interrupt, &upstream) {
        watch.begin(cli.duration);
        // Who waits knows from now on until when.
        let _ = says.send(Event::Begun);
        notices::say_what_is_sent(cli, &*source, &upstream);
        pump(interrupt, &mut *source, &mut upstream, &watch)
    } else {
        Ok(())
    };
    let is_over = pumped.is_ok() && !interrupt.is_set();
    let closed = if is_over { upstream.close() } else { upstream.shut_down() };
    pumped.and(closed.map(|_| ()).map_err(|error| failure(cli, error)))
}

/// Opens the source, without a speed that it has not, where that gives way to it.
fn open(cli: &Cli) -> Result<Box<dyn Source>, SourceError> {
    let asked = options::of_source(cli);
    match (source::open(&cli.source, &asked), cli.speed_without_recording()) {
        (Err(SourceError::NoRecording { .. }), Some(speed)) => {
            source::open(&cli.source, &SourceOptions { speed, ..asked })
        }
        (opened, _) => opened,
    }
}

/// Waits until there is somebody to send to. False where there will be nobody, or the user has ended it.
fn has_begun(interrupt: &Interrupt, upstream: &Upstream) -> bool {
    while !interrupt.is_set() {
        match upstream.wait_until_begun(TICK) {
            Ok(true) => return true,
            Ok(false) => {}
            // Why, closing it tells.
            Err(_) => return false,
        }
    }
    false
}

/// From the source into the stream, until either ends or the user or a limit ends it.
fn pump(interrupt: &Interrupt, source: &mut dyn Source, upstream: &mut Upstream, watch: &Watch) -> Result<(), Failure> {
    // What it has replaced while nobody was there to be sent to says nothing about the stream.
    let replaced_before = source.replaced();
    while !interrupt.is_set() && !watch.monitor.has_ended() && !watch.is_time_over() {
        let next = source.next();
        watch.look_at(source, replaced_before);
        match next? {
            Next::Picture(captured) => match upstream.send(captured) {
                // What is refused has been counted and said; the next picture may be better.
                Ok(_) | Err(UpstreamError::Refused(_)) => {}
                // Why, closing it tells.
                Err(_) => break,
            },
            Next::Waiting => {}
            Next::Ended => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;
    use crate::source::script::{Script, Step};
    use clap::Parser;

    /// A script in front of which a mailbox replaces a picture each time, and has replaced some before.
    struct Hasty(Script, u64);

    impl Source for Hasty {
        fn next(&mut self) -> Result<Next, SourceError> {
            self.1 += 1;
            self.0.next()
        }
        fn format(&self) -> Format {
            Source::format(&self.0)
        }
        fn is_live(&self) -> bool {
            self.0.is_live()
        }
        fn replaced(&self) -> u64 {
            self.1
        }
        fn broken(&self) -> u64 {
            3
        }
        fn describe(&self) -> String {
            self.0.describe()
        }
    }

    #[test]
    fn what_a_source_replaces_shows_and_its_failure_is_told() {
        let cli = Cli::parse_from(["sender", "--remote", "127.0.0.1:9"]);
        let mut upstream = options::of_stream(&cli).unwrap().start().unwrap();
        let watch = Watch::new(&upstream);
        assert_eq!(watch.figures().replaced["source"], 0);
        let mut source = Hasty(Script::new([Step::Waiting, Step::Fail("the lens fell off".to_owned())]), 5);
        let failure = pump(&Interrupt::manual(), &mut source, &mut upstream, &watch).unwrap_err();
        assert_eq!(failure.to_string(), "the lens fell off");
        assert_eq!((watch.figures().replaced["source"], watch.figures().dropped["broken"]), (2, 3));
    }
}
