//! What the program does, from its options to its end.

mod notices;
mod options;
mod streaming;
mod watch;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use media::screen::{self, Happened, Screen};
use terminal::last_words::Watch as Ending;
use terminal::{ExitStatus, Failure, Interrupt, Report, Reporter};

use crate::cli::Cli;
use crate::display::{Display, Step};
use crate::{DEFAULT_QUALITY, Figures, Monitor};
use watch::Watch;

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
        let outcome = streaming::stream(&cli, &asked, &says);
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
            // Behind what goes out over a slow link it would take the time that is left for the bye.
            watch.monitor.time_is_over();
        } else if let Some((_, watch)) = running.as_ref().filter(|(_, watch)| watch.is_time_over()) {
            // The source's thread, which ends it, may be waiting for somebody to take a frame.
            watch.monitor.time_is_over();
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
        Some((report, watch)) => report.finish(watch.totals(), LAST_LINE_GRACE),
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
        // Without its server, Xlib ends the program.
        let _ending = Ending::this_thread("sender");
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
        tracing::warn!("{}; what is sent is not shown until it does", screen::no_answer());
    }
    Ok(screen)
}
