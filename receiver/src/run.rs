//! What the program does, from its options to its end.

mod opening;
mod watch;
mod window;

use crate::cli::Cli;
use crate::counters::Counters;
use crate::sink::{Running, SinkError};
use crate::waiting::{cause, doctor};
use crate::{Downstream, Figures};
use media::screen::Happened;
use opening::open;
use std::thread;
use std::time::{Duration, Instant};
use terminal::{ExitStatus, Failure, Interrupt, Report, Reporter};
use watch::{End, Watch};
use window::{needs_window, open_screen};

/// The program looks so often whether a limit of frames has been reached or an output has ended, where there is such.
const TICK: Duration = Duration::from_millis(20);

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

/// Receives as `cli` says until it ends.
///
/// # Errors
/// [`Failure`], with the exit status and what to do about it.
pub fn run(cli: &Cli) -> Result<ExitStatus, Failure> {
    if cli.shows_all_nowhere() {
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
    let report = Report::start(Reporter::new(cli.stats, start, cli.stdout), move || monitor.take_interval())?;
    let mut watch = Watch::new(cli, start, &sinks);
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
        End::TimedOut => Err(no_frame(cli, &downstream, &totals)),
        End::Failed => Err(Failure::new("the thread that receives has panicked").with_advice(
            "this is a fault of this program: please report it, with what is said above and the options given",
        )),
    }
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

fn no_frame(cli: &Cli, downstream: &Downstream, totals: &Figures) -> Failure {
    let (origin, no_connection) = (downstream.origin(), downstream.no_connection());
    let seconds = cli.timeout.as_secs_f64();
    let place = if cli.tcp.is_some() { "from" } else { "on" };
    let failure = Failure::no_answer(format!("no frame {place} {origin} for {seconds} s"));
    let advice = if cli.tcp.is_some() && totals.frames == 0 {
        match totals.bytes {
            0 => no_connection.unwrap_or_else(|| {
                "nothing came at all: does a sender listen there (sender --tcp), and does a firewall let TCP through?"
                    .to_owned()
            }),
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
        let now = no_connection.unwrap_or_else(|| "the sender has ended or lost its way".to_owned());
        format!("{} frames had come before: {now}", totals.frames)
    };
    failure.with_advice(advice)
}
