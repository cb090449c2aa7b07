//! What the program does, from its options to its end.

use std::sync::Arc;
use std::time::Duration;

use terminal::exit::Advise;
use terminal::{ExitStatus, Failure, Interrupt, Report, Reporter};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::cli::Cli;
use crate::config::{self, SiteConfig};
use crate::mpeg1;
use crate::protection;
use crate::renewal::Renewable;
use crate::sites::{self, Common, SiteError, Sites};
use crate::system::{self, Activated};
use crate::throughput::{Meter, Served};

mod threads;

/// How often what could not be begun is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Tasks and threads that do not end by themselves get so long at the end, and the last line of statistics so long to
/// be read.
const GRACE: Duration = Duration::from_millis(200);

/// What there is once all files were read.
struct Setup {
    configs: Vec<SiteConfig>,
    changes: UnboundedReceiver<Vec<SiteConfig>>,
    common: Common,
    renewables: Vec<Renewable>,
}

impl Setup {
    fn read(cli: &Cli) -> Result<Self, Failure> {
        let mut renewables = Vec::new();
        let (configs, changes) = match &cli.config {
            Some(path) => config::watched(path, &mut renewables)?,
            None => (vec![cli.site()?], mpsc::unbounded_channel().1),
        };
        cli.check_reception(&configs)?;
        for words in cli.without_effect(&configs) {
            tracing::warn!("{words}");
        }
        let common = Common {
            reception: cli.reception(),
            max_viewers: cli.max_viewers,
            encoder: cli.ffmpeg.clone(),
            publish_format: cli.redis_format,
            access: cli.access.as_deref().map(|path| protection::access(path, &mut renewables)).transpose()?,
            tls: match (&cli.tls_cert, &cli.tls_key) {
                (Some(certificate), Some(key)) => Some(
                    protection::https(certificate, key, &mut renewables)
                        .map_err(Failure::usage)
                        .advise("give a certificate in PEM with --tls-cert, and its key with --tls-key")?,
                ),
                _ => None,
            },
        };
        Ok(Self { configs, changes, common, renewables })
    }
}

/// Serves as `cli` says until it is ended.
///
/// # Errors
/// [`Failure`], with the exit status and what to do about it.
pub fn run(cli: Cli) -> Result<ExitStatus, Failure> {
    threads::start_messages();
    let interrupt = Interrupt::install().map_err(|error| threads::missing("listen to signals", &error))?;
    system::raise_handle_limit();
    let runtime = threads::start()?;
    let outcome = runtime.block_on(serve(Arc::new(cli), interrupt));
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(cli: Arc<Cli>, interrupt: Interrupt) -> Result<ExitStatus, Failure> {
    let mut asked = asked(&interrupt);
    let reading = Arc::clone(&cli);
    let reading = tokio::task::spawn_blocking(move || Setup::read(&reading));
    let Setup { configs, mut changes, common, renewables } = tokio::select! {
        // A pipe among the files may be silent for ever.
        _ = &mut asked => return Ok(ExitStatus::Done),
        read = reading => read.map_err(Failure::new)??,
    };
    renewables.into_iter().for_each(Renewable::watch);
    if !mpeg1::is_there(&cli.ffmpeg) {
        tracing::info!("there is no {}: MPEG-1 is not served until it is installed, all else is", cli.ffmpeg.display());
    }
    let mut sites = Sites::new(common, Activated::take());
    // The options name one address: there is nothing to be done without it.
    let patience = if cli.config.is_some() { sites::PATIENCE } else { Duration::MAX };
    let mut errors = tokio::select! {
        _ = &mut asked => return Ok(ExitStatus::Done),
        errors = sites.apply(configs, patience) => errors,
    };
    let is_hopeless = sites.served().next().is_none() && !errors.iter().any(SiteError::is_slow);
    if is_hopeless && !errors.is_empty() {
        return Err(errors.swap_remove(0).into_failure());
    }
    say(errors);
    system::notify_ready();
    let served = Arc::new(Served::default());
    served.change_to(sites.served().cloned().collect());
    let (mut meter, seen) = (Meter::start(), Arc::clone(&served));
    let totals = Meter::start();
    let reporter = Reporter::new(cli.stats, std::time::Instant::now(), false);
    let report = Report::start(reporter, move || meter.interval(&seen));
    let report = report.map_err(|error| threads::missing("start the thread that says the figures", &error))?;

    let mut retries = tokio::time::interval(RETRY_INTERVAL);
    loop {
        let changed = tokio::select! {
            _ = &mut asked => break,
            Some(configs) = changes.recv() => Some(configs),
            _ = retries.tick() => None,
        };
        let errors = async {
            match changed {
                Some(configs) => sites.apply(configs, sites::PATIENCE).await,
                None => sites.retry().await,
            }
        };
        let errors = tokio::select! {
            _ = &mut asked => break,
            errors = errors => errors,
        };
        say(errors);
        served.change_to(sites.served().cloned().collect());
    }
    system::notify_stopping();
    let last = totals.totals(&served);
    sites.end().await;
    report.finish(last, GRACE);
    Ok(ExitStatus::Done)
}

fn say(errors: Vec<SiteError>) {
    for error in errors {
        // With what to do about it, on one line.
        tracing::error!("{}", error.into_failure().to_string().replace("\n  ", "; "));
    }
}

/// Comes back when the user asks the program to end.
fn asked(interrupt: &Interrupt) -> tokio::sync::oneshot::Receiver<()> {
    let (ask, asked) = tokio::sync::oneshot::channel();
    interrupt.when_set(move || {
        // Nobody waits where the program ends for another reason.
        let _ = ask.send(());
    });
    asked
}
