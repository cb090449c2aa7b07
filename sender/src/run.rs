//! What the program does, from its options to its end.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use media::screen::{Happened, Screen};
use segment::socket::Interface;
use segment::socket::inspect::holders;
use terminal::{ExitStatus, Failure, HostPort, Interrupt, Report, Reporter};

use crate::DEFAULT_QUALITY;
use crate::cli::Cli;
use crate::display::{Display, Step};
use crate::failure::failure;
use crate::source::{self, Next, Source, SourceOptions, SourceSpec};
use crate::{Builder, DatagramSize, Fec, Figures, Monitor, Pace, Upstream, UpstreamError, Wire};

/// Whoever waits for somebody to send to, or for the source to end, looks so often whether that is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// And so often, where there is one, at its window.
const WINDOW_TICK: Duration = Duration::from_millis(20);

/// It gets so long at the end to be closed.
const WINDOW_PATIENCE: Duration = Duration::from_millis(100);

/// What has begun gets so long to end once the user asks for it, and the last line of statistics so long to be read:
/// both together less than the second within which the program ends.
const GRACE: Duration = Duration::from_millis(600);
const LAST_LINE_GRACE: Duration = Duration::from_millis(200);

/// What the thread that waits is told, by the thread "source" but for one thing.
enum Event {
    /// The stream is there, and waits for those it waits for.
    Started(Watch),
    /// It runs.
    Begun,
    /// It is over.
    Ended(Result<(), Failure>),
    /// It is to be: so the user says, not that thread.
    Asked,
}

/// What is known of a stream and its source while they run.
#[derive(Debug, Clone)]
struct Watch {
    monitor: Monitor,
    /// What the source's own mailbox has replaced.
    replaced: Arc<AtomicU64>,
    /// What was broken when it came from the source.
    broken: Arc<AtomicU64>,
    /// When the stream's time is over, where it is limited: known once it has begun.
    ends_at: Arc<OnceLock<Instant>>,
}

impl Watch {
    fn new(upstream: &Upstream) -> Self {
        Self { monitor: upstream.monitor(), replaced: Arc::default(), broken: Arc::default(), ends_at: Arc::default() }
    }

    /// The stream has begun, and is to last for this time, where it is limited.
    fn begin(&self, duration: Option<Duration>) {
        if let Some(ends_at) = duration.and_then(|duration| Instant::now().checked_add(duration)) {
            // It begins once.
            let _ = self.ends_at.set(ends_at);
        }
    }

    fn is_time_over(&self) -> bool {
        self.ends_at.get().is_some_and(|ends_at| Instant::now() >= *ends_at)
    }

    /// How long nothing is to be done if nothing happens.
    fn rest(&self) -> Duration {
        match self.ends_at.get().map(|ends_at| ends_at.saturating_duration_since(Instant::now())) {
            None => Duration::MAX,
            // By then, whoever holds the end up is to hurry.
            Some(Duration::ZERO) => TICK,
            Some(left) => left,
        }
    }

    fn figures(&self) -> Figures {
        let mut figures = self.monitor.figures();
        figures.replaced.insert("source", self.replaced.load(Ordering::Relaxed));
        figures.dropped.insert("broken", self.broken.load(Ordering::Relaxed));
        figures
    }
}

/// Sends as `cli` says until it ends.
///
/// # Errors
/// [`Failure`], with the exit status and what to do about it.
pub fn run(cli: Cli) -> Result<ExitStatus, Failure> {
    let interrupt = Interrupt::install()?;
    let opening = Instant::now();
    let (stats, quality) = (cli.stats, cli.quality.unwrap_or(DEFAULT_QUALITY));
    // Before anything is sent: whoever cannot be shown it should not have to stop it.
    let sent = Arc::default();
    let mut screen = if cli.display { Some(open_screen(&cli, &sent, &interrupt)?) } else { None };
    let (says, events) = mpsc::channel();
    // All that may take its time happens there, also what comes before the first picture: looking up names, opening a
    // camera. Whatever it waits for, the program ends when it is asked to.
    let asked = interrupt.clone();
    let says = Arc::new(says);
    interrupt.send_when_set(&says, Event::Asked);
    thread::Builder::new().name("source".to_owned()).spawn(move || {
        let outcome = stream(&cli, &asked, &says);
        // Nobody listens any more where the program has ended without waiting for this.
        let _ = says.send(Event::Ended(outcome));
    })?;

    let mut running: Option<(Report<Figures>, Watch)> = None;
    let mut patience_ends = None;
    let mut lost_window = None;
    let outcome = loop {
        let rest = match &running {
            _ if interrupt.is_set() => TICK,
            Some((_, watch)) => watch.rest(),
            None => Duration::MAX,
        };
        match next_event(&events, rest, &interrupt, &mut screen, &mut lost_window) {
            Ok(Event::Started(watch)) => {
                // It begins once.
                let _ = sent.set((watch.monitor.clone(), quality));
                let (reporter, watched) = (Reporter::new(stats, Instant::now(), false), watch.clone());
                let mut last = watched.figures();
                let interval = move || {
                    let now = watched.figures();
                    let interval = now.clone().since(&last);
                    last = now;
                    interval
                };
                running = Some((Report::start(reporter, interval)?, watch));
            }
            Ok(Event::Ended(outcome)) => break outcome,
            Err(RecvTimeoutError::Disconnected) => break Err(Failure::new("the thread that reads the source is gone")),
            Ok(Event::Begun | Event::Asked) | Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some((_, watch)) = running.as_ref().filter(|_| interrupt.is_set()) {
            // Whoever holds the stream up does so no longer.
            watch.monitor.hurry();
        } else if let Some((_, watch)) = running.as_ref().filter(|(_, watch)| watch.is_time_over()) {
            // The source's thread, which ends it, may be waiting for somebody to take a frame.
            watch.monitor.wait_for_nobody();
        }
        if interrupt.is_set() && Instant::now() >= *patience_ends.get_or_insert_with(|| Instant::now() + GRACE) {
            tracing::debug!("the source does not end; ending without it");
            break Ok(());
        }
    };
    if let Some(screen) = screen {
        screen.close(WINDOW_PATIENCE);
    }
    match running {
        Some((report, watch)) => report.finish(watch.figures(), LAST_LINE_GRACE),
        // The user has ended it before: whoever reads the last line is not to look for it in vain.
        None if outcome.is_ok() => {
            let interval = move || Figures::of_nothing(opening.elapsed());
            let totals = interval();
            Report::start(Reporter::new(stats, Instant::now(), false), interval)?.finish(totals, LAST_LINE_GRACE);
        }
        None => {}
    }
    lost_window.map_or(Ok(()), Err).and(outcome).map(|()| ExitStatus::Done)
}

/// Waits at most for `rest` for what there is to be told, or lets the window have a moment.
fn next_event(
    events: &Receiver<Event>,
    rest: Duration,
    interrupt: &Interrupt,
    screen: &mut Option<Screen<Failure>>,
    lost_window: &mut Option<Failure>,
) -> Result<Event, RecvTimeoutError> {
    match screen.as_ref().and_then(|screen| screen.next(Duration::ZERO)) {
        None | Some(Happened::Opened) => {}
        Some(Happened::Quit) => {
            // It has closed, and what has begun is finished behind it.
            *screen = None;
            interrupt.set();
        }
        Some(Happened::Failed(error)) => {
            *lost_window = Some(error);
            *screen = None;
            interrupt.set();
        }
    }
    events.recv_timeout(if screen.is_some() { rest.min(WINDOW_TICK) } else { rest })
}

/// The stream to be shown, and its quality, once it has begun.
type Sent = Arc<OnceLock<(Monitor, u8)>>;

/// A window on a thread of its own, as a display that does not answer is to hold up nothing else.
fn open_screen(cli: &Cli, sent: &Sent, interrupt: &Interrupt) -> Result<Screen<Failure>, Failure> {
    let (sent, source) = (Arc::clone(sent), cli.source.name());
    let screen = Screen::raise(move |stage| {
        let mut display = Display::open(&source)?;
        stage.opened();
        let mut is_begun = false;
        while stage.is_wanted() {
            if let Some((monitor, quality)) = sent.get().filter(|_| !is_begun) {
                display.show(monitor.clone(), *quality);
                is_begun = true;
            }
            if display.step(WINDOW_TICK)? == Step::Quit {
                break;
            }
        }
        Ok(())
    })?;
    if !screen.wait_open(|| !interrupt.is_set())? && !interrupt.is_set() {
        let name = std::env::var_os("DISPLAY").unwrap_or_default();
        tracing::warn!("the display {} does not answer; what is sent is not shown until it does", name.display());
    }
    Ok(screen)
}

/// Sends from the first picture to the last. Whatever has gone wrong, what has begun is sent.
fn stream(cli: &Cli, interrupt: &Interrupt, says: &Sender<Event>) -> Result<(), Failure> {
    let builder = builder(cli)?;
    builder.check().map_err(|error| failure(cli, error))?;
    for words in without_effect(cli) {
        tracing::warn!("{words}");
    }
    let mut source = match source::open(&cli.source, &options(cli)) {
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
        say_what_is_sent(cli, &*source, &upstream);
        pump(interrupt, &mut *source, &mut upstream, &watch)
    } else {
        Ok(())
    };
    let is_over = pumped.is_ok() && !interrupt.is_set();
    let closed = if is_over { upstream.close() } else { upstream.shut_down() };
    pumped.and(closed.map(|_| ()).map_err(|error| failure(cli, error)))
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
        watch.replaced.store(source.replaced().saturating_sub(replaced_before), Ordering::Relaxed);
        watch.broken.store(source.broken(), Ordering::Relaxed);
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

fn builder(cli: &Cli) -> Result<Builder, Failure> {
    let builder = Upstream::builder().size(cli.size.map(pixels)).datagram_size(cli.datagram_size).tag(!cli.no_tag);
    let builder = builder.wire(cli.wire).fec(cli.fec).pace(cli.pace).busy_poll(cli.busy_poll);
    let mut builder = cli.sealing.apply(cli.multicast.apply(builder)?)?;
    for remote in &cli.remotes {
        builder = builder.remote(resolve(remote)?);
    }
    for address in cli.tcp.addresses() {
        builder = builder.listen(resolve(&address.map_err(Failure::usage)?)?, cli.tcp.framing());
    }
    if let Some(quality) = cli.quality {
        builder = builder.quality(quality);
    }
    if let Some(name) = &cli.name {
        builder = builder.name(name);
    }
    if let Some(frames) = cli.frames {
        builder = builder.max_frames(frames);
    }
    Ok(builder)
}

/// Of a name with addresses of both families an IPv4 one: receivers listen on 0.0.0.0 if not told otherwise, and would
/// never see what is sent to the `::1` that `localhost` often leads to first.
fn resolve(remote: &HostPort) -> Result<SocketAddr, Failure> {
    let addresses = remote.resolve_all()?;
    match addresses.iter().find(|address| address.is_ipv4()) {
        Some(&address) => Ok(address),
        None => Ok(remote.resolve()?),
    }
}

/// What is asked for and makes no difference, in words: whoever asks expects that it does.
fn without_effect(cli: &Cli) -> Vec<String> {
    let mut said = Vec::new();
    if cli.remotes.is_empty() && cli.multicast.multicast.is_none() {
        let of_datagrams = [
            ("--fec", cli.fec != Fec::default()),
            ("--wire", cli.wire != Wire::default()),
            ("--datagram-size", cli.datagram_size != DatagramSize::default()),
            ("--pace", cli.pace != Pace::default()),
            ("--no-tag", cli.no_tag),
        ];
        let options: Vec<_> = of_datagrams.iter().filter(|(_, is_said)| *is_said).map(|(option, _)| *option).collect();
        if !options.is_empty() {
            said.push(format!("it all goes over TCP, where these make no difference: {}", options.join(", ")));
        }
    }
    if cli.repeat && !matches!(cli.source, SourceSpec::Path(_)) {
        said.push(format!("--source {} cannot be played again: --loop makes no difference", cli.source.name()));
    }
    said
}

fn options(cli: &Cli) -> SourceOptions {
    let Cli { fps, repeat, speed, .. } = *cli;
    SourceOptions { size: cli.size.map(pixels), fps, repeat, realtime: !cli.no_realtime, speed }
}

fn pixels(size: terminal::Size) -> (u32, u32) {
    (size.width.get().into(), size.height.get().into())
}

/// Says what is sent where.
fn say_what_is_sent(cli: &Cli, source: &dyn Source, upstream: &Upstream) {
    let mut what = vec![source.describe()];
    if let Some(size) = cli.size.filter(|&size| source.format().size != Some(pixels(size))) {
        what.push(format!("scaled to {size}"));
    }
    if let Some(quality) = cli.quality {
        what.push(format!("JPEG quality {quality}"));
    }
    let comma = if what.len() > 1 { "," } else { "" };
    let mut destinations: Vec<_> = upstream.destinations().iter().map(ToString::to_string).collect();
    destinations.extend(upstream.listening().iter().map(|at| format!("whoever connects to {at}")));
    tracing::info!("sending {}{comma} to {}", what.join(", "), destinations.join(", "));
    let remotes = upstream.destinations().iter().filter(|to| to.interface.is_none()).map(|to| to.address);
    for remote in remotes.filter(|remote| is_deserted(*remote)) {
        tracing::info!("nobody listens on {remote} yet; the stream goes on");
    }
}

/// Whether it is known that nobody listens there. Of another machine that does not show without sending to it what old
/// receivers would take for a part of a frame.
fn is_deserted(remote: SocketAddr) -> bool {
    let is_here = remote.ip().is_loopback() || Interface::find(&remote.ip().to_string()).is_ok();
    cfg!(target_os = "linux") && is_here && holders(remote).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::script::{Script, Step};
    use crate::source::{Format, SourceError};
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
        let mut upstream = builder(&cli).unwrap().start().unwrap();
        let watch = Watch::new(&upstream);
        assert_eq!(watch.figures().replaced["source"], 0);
        let mut source = Hasty(Script::new([Step::Waiting, Step::Fail("the lens fell off".to_owned())]), 5);
        let failure = pump(&Interrupt::manual(), &mut source, &mut upstream, &watch).unwrap_err();
        assert_eq!(failure.to_string(), "the lens fell off");
        assert_eq!((watch.figures().replaced["source"], watch.figures().dropped["broken"]), (2, 3));
    }

    #[test]
    fn what_makes_no_difference_is_said() {
        let said = |arguments: &[&str]| without_effect(&Cli::parse_from([&["sender"], arguments].concat()));
        let said_of = |arguments: &[&str]| said(arguments).join("; ");
        assert_eq!(said(&["--tcp", "127.0.0.1:9", "--source", "clip.mp4", "--loop"]), Vec::<String>::new());
        assert_eq!(said(&["--remote", "127.0.0.1:9", "--fec", "20", "--no-tag"]), Vec::<String>::new());
        let datagrams = said_of(&["--tcp", "127.0.0.1:9", "--fec", "20", "--pace", "off"]);
        assert_eq!(datagrams, "it all goes over TCP, where these make no difference: --fec, --pace");
        assert!(
            said_of(&["--remote", "127.0.0.1:9", "--source", "test", "--loop"]).ends_with("--loop makes no difference")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_nobody_listens_on_this_machine_is_known() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert!(!is_deserted(address));
        drop(socket);
        assert!(is_deserted(address));
        assert!(!is_deserted("192.0.2.1:9".parse().unwrap()), "nobody knows");
    }

    #[test]
    fn of_a_name_with_both_families_an_ipv4_address_is_taken() {
        let remote = |text| HostPort::remote(text).unwrap();
        assert!(resolve(&remote("localhost:9")).unwrap().is_ipv4());
        assert!(resolve(&remote("[::1]:9")).unwrap().is_ipv6());
    }
}
