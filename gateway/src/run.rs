//! What the program does, from its options to its end.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use terminal::exit::Advise;
use terminal::{ExitStatus, Failure, Interrupt, Report, Reporter};
use tokio_rustls::TlsAcceptor;

use crate::cli::Cli;
use crate::config::{self, RedisOutput, SiteConfig, SourceConfig};
use crate::http::Access;
use crate::input::{Credentials, InputSpec};
use crate::mpeg1;
use crate::renewal::{Files, Renewable, Told};
use crate::sites::{Common, Sites};
use crate::system::{self, Activated};
use crate::throughput::{Meter, Served};
use crate::tls::{Certificate, TlsError};

/// The port where none is given.
const DEFAULT_PORT: u16 = 8000;

/// How often it is looked whether the file of the configuration has changed. By its text, not its time: editors and
/// configuration tools replace files in ways that notifications of the system miss.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Tasks and threads that do not end by themselves get so long at the end, and the last line of statistics so long to
/// be read.
const GRACE: Duration = Duration::from_millis(200);

/// The largest file that is read: of configuration, of credentials.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Serves as `cli` says until it is ended.
///
/// # Errors
/// [`Failure`], with the exit status and what to do about it.
pub fn run(cli: Cli) -> Result<ExitStatus, Failure> {
    let interrupt = Interrupt::install()?;
    let (configs, file) = configs(&cli)?;
    check_reception(&cli, &configs)?;
    let mut renewables = Vec::new();
    let common = Common {
        reception: cli.reception(),
        max_viewers: cli.max_viewers,
        encoder: cli.ffmpeg.clone(),
        publish_format: cli.redis_format,
        access: cli.access.as_deref().map(|path| access(path, &mut renewables)).transpose()?,
        tls: match (&cli.tls_cert, &cli.tls_key) {
            (Some(certificate), Some(key)) => Some(
                https(certificate, key, &mut renewables)
                    .advise("give a certificate in PEM with --tls-cert, and its key with --tls-key")?,
            ),
            _ => None,
        },
    };
    if !mpeg1::is_there(&cli.ffmpeg) {
        tracing::info!("there is no {}: MPEG-1 is not served until it is installed, all else is", cli.ffmpeg.display());
    }
    system::raise_handle_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("serve").build()?;
    let outcome = runtime.block_on(async {
        renewables.into_iter().for_each(Renewable::watch);
        serve(&cli, configs, file, common, interrupt).await
    });
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(
    cli: &Cli,
    configs: Vec<SiteConfig>,
    mut file: Option<Watched>,
    common: Common,
    interrupt: Interrupt,
) -> Result<ExitStatus, Failure> {
    let mut sites = Sites::new(common, Activated::take());
    if let Some(error) = sites.apply(configs).await.into_iter().next() {
        sites.end().await;
        return Err(error.into_failure());
    }
    system::notify_ready();
    let served = Arc::new(Served::default());
    served.change_to(sites.served().cloned().collect());
    let (mut meter, seen) = (Meter::start(), Arc::clone(&served));
    let totals = Meter::start();
    let reporter = Reporter::new(cli.stats, std::time::Instant::now(), false);
    let report = Report::start(reporter, move || meter.interval(&seen))?;

    let mut asked = asked(&interrupt);
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            _ = &mut asked => break,
            _ = looks.tick() => {}
        }
        let errors = match file.as_mut().and_then(Watched::changed) {
            Some(configs) => sites.apply(configs).await,
            None => sites.retry().await,
        };
        for error in errors {
            tracing::error!("{}", error.into_failure());
        }
        served.change_to(sites.served().cloned().collect());
    }
    system::notify_stopping();
    let last = totals.totals(&served);
    sites.end().await;
    report.finish(last, GRACE);
    Ok(ExitStatus::Done)
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

/// A file that is looked at again and again.
#[derive(Debug)]
struct Watched {
    path: std::path::PathBuf,
    text: String,
    has_failed: bool,
}

impl Watched {
    /// What the file says now, if it says something else than before and can be understood.
    fn changed(&mut self) -> Option<Vec<SiteConfig>> {
        let text = match read_text(&self.path) {
            Ok(text) => text,
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::warn!("{}: {error}; all goes on as it was", self.path.display());
                }
                return None;
            }
        };
        self.has_failed = false;
        if text == self.text {
            return None;
        }
        self.text = text;
        match config::read(&self.text) {
            Ok((sites, warnings)) => {
                tracing::info!("{} has changed", self.path.display());
                warn(&self.path, &warnings);
                Some(sites)
            }
            Err(error) => {
                tracing::error!("{}: {error}; all goes on as it was", self.path.display());
                None
            }
        }
    }
}

/// What is to be served, and the file that says so, if one does.
fn configs(cli: &Cli) -> Result<(Vec<SiteConfig>, Option<Watched>), Failure> {
    let Some(path) = &cli.config else { return Ok((vec![from_options(cli)?], None)) };
    let told = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = read_text(path).map_err(|error| told(&error))?;
    let (sites, warnings) = config::read(&text).map_err(|error| told(&error))?;
    warn(path, &warnings);
    Ok((sites, Some(Watched { path: path.clone(), text, has_failed: false })))
}

fn warn(path: &Path, warnings: &[config::FileError]) {
    for warning in warnings {
        tracing::warn!("{}: {warning}", path.display());
    }
}

fn from_options(cli: &Cli) -> Result<SiteConfig, Failure> {
    let mut sources = Vec::new();
    for (number, source) in cli.sources.iter().enumerate() {
        let id = source.id.clone().unwrap_or_else(|| number.to_string());
        if sources.iter().any(|other: &SourceConfig| other.id == id) {
            return Err(Failure::usage(format!(
                "two sources are called {id:?}; give each another name: --source NAME=INPUT"
            )));
        }
        sources.push(source_config(cli, id, source.input.clone()));
    }
    if sources.is_empty() {
        let test = || InputSpec::Source(sender::source::SourceSpec::Test);
        sources.push(source_config(cli, cli.id.clone().unwrap_or_default(), cli.uri.clone().unwrap_or_else(test)));
    }
    let bind = match (&cli.bind, &cli.host) {
        (Some(bind), _) => bind.to_string(),
        (None, host) => {
            let bind = format!("0.0.0.0:{}", cli.port.unwrap_or(DEFAULT_PORT));
            if let Some(host) = host.as_deref().filter(|host| *host != "0.0.0.0") {
                tracing::info!(
                    "{host} names the source; all addresses are listened at. --bind {host}:PORT listens there alone"
                );
            }
            bind
        }
    };
    Ok(SiteConfig { bind, sources, allowed_origins: cli.allowed_origins.clone() })
}

/// What is said of datagrams is for somebody: above all, nobody is to believe that a stream is sealed which is not.
fn check_reception(cli: &Cli, configs: &[SiteConfig]) -> Result<(), Failure> {
    let mut sources = configs.iter().flat_map(|site| &site.sources);
    if sources.any(|source| source.input.is_datagrams()) {
        return Ok(());
    }
    let said = [
        ("--key-file", cli.key_file.is_some()),
        ("--latency", cli.latency.is_some()),
        ("--interface", cli.interface.is_some()),
    ];
    match said.iter().find(|(_, is_said)| *is_said) {
        Some((option, _)) => Err(Failure::usage(format!("{option} is for sources of udp://, and there is none"))),
        None => Ok(()),
    }
}

fn source_config(cli: &Cli, id: String, input: InputSpec) -> SourceConfig {
    let mut source = SourceConfig::new(id, input);
    source.quality = cli.quality;
    source.jpeg_quality = cli.jpeg_quality;
    source.format = cli.output_format;
    (source.size, source.flip) = (cli.size.0, cli.vflip);
    source.input_options.in_redis_channel.clone_from(&cli.in_redis_channel);
    source.input_options.credentials = cli.user.as_ref().map(|user| Credentials {
        user: user.clone(),
        password: cli.password.clone().unwrap_or_default(),
        scheme: cli.auth.unwrap_or_default(),
    });
    let server = terminal::HostPort::with_default_port(&cli.redis_host, cli.redis_port);
    source.redis = cli.redis.then(|| RedisOutput {
        server: server.map_or_else(|_| format!("{}:{}", cli.redis_host, cli.redis_port), |server| server.to_string()),
        channel: cli.redis_channel.clone(),
    });
    source
}

/// Who may look by the file at `path`, which is taken up again when it has changed.
fn access(path: &Path, renewables: &mut Vec<Renewable>) -> Result<Arc<Access>, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let files = Files::at([path]);
    let text = read_text(path).map_err(|error| told(&error))?;
    let access = Arc::new(Access::read(&text).map_err(|error| told(&error))?);
    let (replaced, path) = (Arc::clone(&access), path.to_owned());
    let take = move || {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = read_text(&path).map_err(|error| told(&error))?;
        replaced.replace(&text).map_err(|error| told(&error))
    };
    let told = Told {
        taken: "the file of --access has changed: whom it names now is let in, and nobody else",
        kept: "whom it named before is let in, and nobody else",
    };
    renewables.push(files.renewed_by(told, take));
    Ok(access)
}

/// What speaks https, with a certificate that is taken up again when it was renewed.
fn https(certificate: &Path, key: &Path, renewables: &mut Vec<Renewable>) -> Result<TlsAcceptor, TlsError> {
    let files = Files::at([certificate, key]);
    let certificate = Arc::new(Certificate::read(certificate, key)?);
    let acceptor = certificate.acceptor()?;
    let told = Told {
        taken: "the certificate was renewed; whoever connects is shown the new one",
        kept: "https goes on with the certificate of before",
    };
    renewables.push(files.renewed_by(told, move || certificate.renew().map_err(|error| error.to_string())));
    Ok(acceptor)
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let len = std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if len as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

/// Prints a line for the file of `--access`, of a password or token that is read from standard input.
///
/// # Errors
/// [`Failure`] where there is none, or it is none that can be used.
pub fn credential(user: Option<&str>) -> Result<ExitStatus, Failure> {
    let mut secret = String::new();
    std::io::stdin().lock().take(MAX_FILE_BYTES).read_to_string(&mut secret)?;
    let line = Access::line(user, secret.trim_end_matches(['\r', '\n'])).map_err(Failure::usage)?;
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, format!("{line}\n").as_bytes())?;
    Ok(ExitStatus::Done)
}
