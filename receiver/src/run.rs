//! What the program does, from its options to its end.

use crate::cli::{Cli, Display};
use crate::figures::Counters;
use crate::sink::record::Record;
use crate::sink::snapshot::Snapshots;
use crate::sink::stdout::Stdout;
use crate::sink::window::{Step, Viewer, ViewerError};
use crate::sink::{Running, Sink, SinkError};
use crate::waiting::{WONDERING, cause, doctor, nothing_yet};
use crate::{Builder, Downstream, DownstreamError, Figures};
use media::screen::{Happened, Screen};
use segment::seal::Key;
use std::io::IsTerminal;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use terminal::{ExitStatus, Failure, Interrupt, Report, Reporter};

/// The program looks so often whether a limit of frames has been reached or an output has ended, where there is such.
const TICK: Duration = Duration::from_millis(20);

/// And so often where there is nothing to look for but threads that are gone. What the user wants, it learns at once.
const SELDOM: Duration = Duration::from_secs(1);

/// What still waits to be recorded gets so long when the user ends the program: it is to end within a second.
const GRACE: Duration = Duration::from_millis(550);

/// And so long when it ends by itself, unless the user loses patience: as much as a queue holds, on a slow disk.
const LIMIT_GRACE: Duration = Duration::from_secs(10);

/// The totals get so long to be printed.
const PRINT: Duration = Duration::from_millis(100);

/// And then the recording gets so long for its index.
const FINISH: Duration = Duration::from_millis(200);

/// The window gets so long to be closed at the end.
const WINDOW_PATIENCE: Duration = Duration::from_millis(100);

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The user.
    Asked,
    /// A limit that the user gave.
    Limit,
    /// No frame in time.
    TimedOut,
    /// Nobody is left to take frames: every sink has failed, or written to a pipe whose reader has had enough.
    NoSink,
}

/// Receives as `cli` says until it ends.
///
/// # Errors
/// [`Failure`], with the exit status and what to do about it.
pub fn run(cli: &Cli) -> Result<ExitStatus, Failure> {
    if cli.all && cli.display == Display::Never {
        return Err(Failure::usage("--all shows every source in a window, which --display never forbids"));
    }
    if cli.tcp.is_some() && cli.key.key_file.is_some() {
        return Err(Failure::usage("what comes over TCP is not sealed: --key-file does not go with --tcp"));
    }
    if let (Some(from), Some(group)) = (cli.from, &cli.multicast)
        && from.host().is_ipv4() != group.resolve()?.is_ipv4()
    {
        let families =
            if from.host().is_ipv4() { "IPv4, and the group of IPv6" } else { "IPv6, and the group of IPv4" };
        return Err(Failure::usage(format!("--from {from} is an address of {families}: nothing would ever come")));
    }
    let interrupt = Interrupt::install()?;
    let opening = Instant::now();
    let Some((sinks, mut downstream)) = open(cli, &interrupt)? else {
        // Whoever reads the last line is not to look for it in vain. Nothing else takes of the second that there is.
        let nothing = Counters { is_over_tcp: cli.tcp.is_some(), ..Counters::default() };
        let nothing = nothing.totals(opening, Instant::now());
        let interval = nothing.clone();
        Report::start(Reporter::new(cli.stats, Instant::now(), cli.stdout), move || interval.clone())?
            .finish(nothing, GRACE);
        return Ok(ExitStatus::Done);
    };
    let mut screen = open_screen(cli, &downstream, &interrupt)?;
    let mut sinks = sinks.into_iter().map(|sink| Running::start(sink, &downstream)).collect::<Result<Vec<_>, _>>()?;
    downstream.release();
    let doing = if cli.tcp.is_some() { "fetching from" } else { "listening on" };
    tracing::info!("{doing} {}", downstream.origin());

    let start = Instant::now();
    let monitor = downstream.monitor();
    let report = Report::start(Reporter::new(cli.stats, start, cli.stdout), move || monitor.figures())?;
    let mut watch = Watch { cli, start, promised: !sinks.is_empty(), is_said: cli.tcp.is_some() };
    let mut lost_window = None;
    let end = loop {
        let now = Instant::now();
        if interrupt.is_set() {
            break End::Asked;
        }
        if let Some(end) = watch.end(now, &downstream, &sinks, screen.is_some()) {
            break end;
        }
        // What ends the program is said when it ends.
        if screen.is_some() || sinks.iter().any(Running::goes_on) {
            sinks.iter_mut().for_each(Running::say_failure);
        }
        watch.say_what_is_missing(now, &downstream);
        match screen.as_ref().and_then(|screen| screen.next(Duration::ZERO)) {
            None | Some(Happened::Opened) => {}
            Some(Happened::Quit) => break End::Asked,
            Some(Happened::Failed(error)) if needs_window(cli) => {
                lost_window = Some(error);
                break End::Asked;
            }
            Some(Happened::Failed(error)) => {
                tracing::warn!("{error}; going on without a window");
                screen = None;
            }
        }
        let rest = watch.rest(now, &downstream, &sinks);
        let _ = interrupt.wait_timeout(if screen.is_some() { rest.min(TICK) } else { rest });
    };
    downstream.close();
    if let Some(screen) = screen {
        screen.close(WINDOW_PATIENCE);
    }
    let patience = if end == End::Asked { GRACE } else { LIMIT_GRACE };
    let outcome = finish(sinks, patience, &interrupt);
    let totals = downstream.totals();
    report.finish(totals.clone(), PRINT);
    lost_window.map_or(Ok(()), |error| Err(Failure::new(error)))?;
    outcome?;
    match end {
        // Sinks that failed have said so in their outcome.
        End::Asked | End::Limit | End::NoSink => Ok(ExitStatus::Done),
        End::TimedOut => Err(no_frame(cli, downstream.origin(), &totals)),
    }
}

/// Outputs and input.
type Opened = (Vec<Box<dyn Sink>>, Downstream);

/// Opens outputs and input. `None` where the program is asked to end before that is done: a name may be looked up, and a
/// key or a recording lie in a pipe that nobody opens. That is left to itself then, for the end of the program to end.
fn open(cli: &Cli, interrupt: &Interrupt) -> Result<Option<Opened>, Failure> {
    let (says, opened) = mpsc::channel();
    let says = Arc::new(says);
    interrupt.send_when_set(&says, None);
    let cli = cli.clone();
    thread::Builder::new().name("open".to_owned()).spawn(move || {
        let _ = says.send(Some(open_both(&cli)));
    })?;
    match opened.recv() {
        Ok(both) => both.transpose(),
        Err(mpsc::RecvError) => Err(Failure::new("the thread that opens outputs and input is gone")),
    }
}

/// What may take its time comes first, for nothing to be left behind where it is not waited for; then outputs: whoever
/// cannot record should not take the port.
fn open_both(cli: &Cli) -> Result<Opened, Failure> {
    let builder = builder(cli)?;
    Ok((open_sinks(cli)?, start(builder)?))
}

/// Decides when it is over.
struct Watch<'a> {
    cli: &'a Cli,
    start: Instant,
    /// Whether there were sinks at the start.
    promised: bool,
    /// Whether it has been said why there is no frame, or is by whoever fetches them.
    is_said: bool,
}

impl Watch<'_> {
    fn end(&mut self, now: Instant, downstream: &Downstream, sinks: &[Running], is_shown: bool) -> Option<End> {
        let elapsed = now.saturating_duration_since(self.start);
        if downstream.has_ended() || self.cli.duration.is_some_and(|duration| elapsed >= duration) {
            return Some(End::Limit);
        }
        if self.promised && !is_shown && sinks.iter().all(Running::has_ended) {
            return Some(End::NoSink);
        }
        let is_silent = !self.cli.timeout.is_zero() && self.silence(now, downstream) >= self.cli.timeout;
        is_silent.then_some(End::TimedOut)
    }

    /// Says once what is known of why no frame has come, where that has lasted.
    fn say_what_is_missing(&mut self, now: Instant, downstream: &Downstream) {
        if self.is_said || now.saturating_duration_since(self.start) < WONDERING {
            return;
        }
        self.is_said = true;
        let figures = downstream.totals();
        if figures.frames == 0 {
            tracing::info!("{}", nothing_yet(self.cli, downstream.origin(), &figures));
        }
    }

    fn silence(&self, now: Instant, downstream: &Downstream) -> Duration {
        let last = downstream.progress().1.unwrap_or(self.start);
        now.saturating_duration_since(last)
    }

    /// How long, from `now`, nothing is to be done.
    fn rest(&self, now: Instant, downstream: &Downstream, sinks: &[Running]) -> Duration {
        let is_to_look = self.cli.frames.is_some() || !sinks.is_empty();
        let mut rest = if is_to_look { TICK } else { SELDOM };
        if let Some(duration) = self.cli.duration {
            rest = rest.min(duration.saturating_sub(now.saturating_duration_since(self.start)));
        }
        if !self.cli.timeout.is_zero() {
            rest = rest.min(self.cli.timeout.saturating_sub(self.silence(now, downstream)));
        }
        rest
    }
}

fn builder(cli: &Cli) -> Result<Builder, Failure> {
    let mut builder = Downstream::builder()
        .receive_buffer(cli.receive_buffer as usize)
        .latency(Duration::from_millis(cli.latency.into()))
        .key(cli.key.read(Key::from_text)?)
        .busy_poll(cli.busy_poll)
        .hold();
    builder = match (cli.tcp_remote(), &cli.multicast) {
        // It may come later, and be known then.
        (Some((host, port)), _) => builder.connect(host, port, cli.tcp_framing.into()),
        (None, Some(group)) => builder.join(group.resolve()?),
        (None, None) => {
            let address = cli.bind.resolve()?;
            if address.ip().is_multicast() {
                let group = address.ip();
                return Err(Failure::usage(format!("{group} is a multicast group: join it by --multicast {address}")));
            }
            builder.bind(address)
        }
    };
    if let Some(interface) = &cli.interface {
        builder = builder.interface(interface);
    }
    if let Some(from) = cli.from {
        builder = builder.from(from);
    }
    if let Some(frames) = cli.frames {
        builder = builder.max_frames(frames);
    }
    Ok(builder)
}

fn start(builder: Builder) -> Result<Downstream, Failure> {
    builder.start().map_err(|error| {
        let advice = match &error {
            DownstreamError::Socket(error) => error.advice(),
            DownstreamError::Join(error) => error.advice(),
            _ => None,
        };
        match advice {
            Some(advice) => Failure::new(error).with_advice(advice),
            None => Failure::new(error),
        }
    })
}

/// A window, if there is to be one; on a thread of its own, as a display that does not answer is to hold up nothing else.
fn open_screen(
    cli: &Cli,
    downstream: &Downstream,
    interrupt: &Interrupt,
) -> Result<Option<Screen<ViewerError>>, Failure> {
    if cli.display == Display::Never {
        return Ok(None);
    }
    let (monitor, origin, all) = (downstream.monitor(), downstream.origin().to_owned(), cli.all);
    let screen = Screen::raise(move |stage| {
        let mut viewer = Viewer::open(monitor, &origin, all)?;
        stage.opened();
        while stage.is_wanted() && viewer.step(TICK)? == Step::GoOn {}
        Ok(())
    })?;
    match screen.wait_open(|| !interrupt.is_set()) {
        Ok(is_open) => {
            if !is_open && !interrupt.is_set() {
                let name = std::env::var_os("DISPLAY").unwrap_or_default();
                tracing::warn!(
                    "the display {} does not answer; going on without a window until it does (--display never wants none)",
                    name.display()
                );
            }
            Ok(Some(screen))
        }
        Err(error) if needs_window(cli) => Err(Failure::new(error).with_advice(if cli.all {
            "--all needs a display; without it, --display never and --record FILE.mkv keep the pictures of one source"
        } else {
            "set DISPLAY (over ssh: ssh -X), or leave out --display always to go without a window; --record FILE.mkv keeps \
             the pictures"
        })),
        // Whoever asks for nothing else probably expects one.
        Err(error) if cli.record.is_none() && cli.snapshots.is_none() && !cli.stdout => {
            tracing::warn!("{error}; --record FILE.mkv and others keep the pictures, --display never does without them");
            Ok(None)
        }
        Err(error) => {
            tracing::debug!("{error}");
            Ok(None)
        }
    }
}

/// Whether a receiver without a window would not do what it was asked to.
fn needs_window(cli: &Cli) -> bool {
    cli.all || cli.display == Display::Always
}

fn open_sinks(cli: &Cli) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(path) = &cli.record {
        if !path.extension().is_some_and(|extension| ["mkv", "mks", "mk3d", "webm"].iter().any(|it| extension == *it)) {
            tracing::warn!("{} is recorded as Matroska, which is known by the name .mkv", path.display());
        }
        sinks.push(Box::new(Record::create(path, cli.overwrite)?));
    }
    if let Some(folder) = &cli.snapshots {
        sinks.push(Box::new(Snapshots::create(folder, cli.overwrite)?));
    }
    if cli.stdout {
        if std::io::stdout().is_terminal() {
            return Err(Failure::usage(
                "standard output is a terminal, which shows no pictures: pipe it into a program, as \
                 in `receiver --stdout | ffplay -f mjpeg -`",
            ));
        }
        sinks.push(Box::new(Stdout::new()));
    }
    Ok(sinks)
}

fn finish(sinks: Vec<Running>, mut patience: Duration, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut deadline = Instant::now() + patience;
    while !sinks.iter().all(Running::has_ended) && Instant::now() < deadline {
        if interrupt.is_set() && patience > GRACE {
            patience = GRACE;
            deadline = deadline.min(Instant::now() + patience);
        }
        thread::sleep(TICK);
    }
    let deadline = Instant::now();
    sinks.iter().for_each(Running::stop);
    sinks.iter().for_each(|sink| sink.wait(deadline + FINISH));
    let mut failed = None;
    for sink in sinks {
        let name = sink.name();
        match sink.outcome() {
            Ok(outcome) => tracing::info!("{name}: {outcome}"),
            Err(error) if error.is_broken_pipe() => {}
            Err(error) => failed = Some(failed.unwrap_or(error)),
        }
    }
    failed.map_or(Ok(()), |error: SinkError| Err(error.into()))
}

fn no_frame(cli: &Cli, origin: &str, totals: &Figures) -> Failure {
    let seconds = cli.timeout.as_secs_f64();
    let place = if cli.tcp.is_some() { "from" } else { "on" };
    let failure = Failure::no_answer(format!("no frame {place} {origin} for {seconds} s"));
    let advice = if cli.tcp.is_some() && totals.frames == 0 {
        match totals.bytes {
            0 => "nothing came at all: does a sender listen there (sender --tcp), and does a firewall let TCP through?"
                .to_owned(),
            bytes => format!(
                "{bytes} bytes came, but no whole frame: is --tcp-framing the sender's? --stats json shows in `dropped` why"
            ),
        }
    } else if totals.datagrams == 0 && cli.tcp.is_none() {
        format!(
            "no datagram came at all: is the sender running, does it send to this machine and port, and does a firewall \
             let UDP through? More is told by: {}",
            doctor(cli, origin)
        )
    } else if totals.frames == 0 {
        let cause = cause(totals).unwrap_or("--stats json shows in `dropped` why");
        format!("{} datagrams came, but no whole frame: {cause}", totals.datagrams)
    } else {
        format!("{} frames had come before: the sender has ended or lost its way", totals.frames)
    };
    failure.with_advice(advice)
}
