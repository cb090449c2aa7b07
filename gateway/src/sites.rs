//! All addresses that are served, and how they change with the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use terminal::{ExitStatus, Failure, HostPort};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::config::{SiteConfig, SourceConfig};
use crate::http::{self, Access};
use crate::input::Reception;
use crate::publish::{PublishFormat, Publishing};
use crate::serve::{EXTRA_CONNECTIONS, Serving};
use crate::site::{Site, SiteSettings};
use crate::stream::Stream;
use crate::system::Activated;

mod prepared;

use prepared::{Preparation, Prepared};

/// How long the inputs of an address may take to leave. They look every 100 ms whether they are to; one that is opening
/// a camera leaves when it is done.
const INPUT_PATIENCE: Duration = Duration::from_millis(500);

/// How long the others wait for an address that is not ready to be served.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// What holds for every address.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) max_viewers: usize,
    /// How datagrams are received, as far as a source does not say.
    pub(crate) reception: Reception,
    pub(crate) access: Option<Arc<Access>>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// What encodes MPEG-1.
    pub(crate) encoder: PathBuf,
    /// What is published to Redis.
    pub(crate) publish_format: PublishFormat,
}

/// Why an address is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    #[error(transparent)]
    Resolve(#[from] terminal::address::ResolveError),
    #[error("redis: {0}")]
    Redis(#[from] terminal::address::HostPortError),
    #[error("{place:?}: {reason}")]
    Place { place: String, reason: String },
    #[error("cannot listen at {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("{0}")]
    Input(Failure),
    #[error("{bind}: the file with its key, or the address of its host, is waited for")]
    Slow { bind: String },
    #[error("it cannot be served, by a fault of this program: {0}")]
    Fault(tokio::task::JoinError),
}

impl SiteError {
    /// Whether it may be all right in a moment, without anybody doing anything about it.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Self::Slow { .. })
    }

    /// The failure that it is to the program, with what to do about it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            // The file with its key.
            Self::Input(failure) => failure.with_status(ExitStatus::Usage),
            Self::Slow { .. } | Self::Fault(_) => Failure::new(self),
            Self::Redis(_) => {
                Failure::usage(self).with_advice("give the server's name with -rhs, and its port with -rp")
            }
            _ => Failure::new(self)
                .with_advice("give another address with --bind, another port with -p, or others in the file"),
        }
    }
}

/// All addresses that are served.
pub(crate) struct Sites {
    common: Common,
    activated: Activated,
    running: BTreeMap<String, Running>,
    /// What was asked for last.
    configs: Vec<SiteConfig>,
    preparation: Preparation,
    /// Where something of it cannot be begun, and why, as was said.
    failed: BTreeMap<String, String>,
    /// What is served no more, and still ends.
    ending: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    config: SiteConfig,
    address: SocketAddr,
    site: Arc<Site>,
    serving: Serving,
    /// Ends when it is dropped.
    _publishing: Vec<Publishing>,
}

impl Sites {
    pub(crate) fn new(common: Common, activated: Activated) -> Self {
        Self {
            common,
            activated,
            running: BTreeMap::new(),
            configs: Vec::new(),
            preparation: Preparation::default(),
            failed: BTreeMap::new(),
            ending: JoinSet::new(),
        }
    }

    /// Serves what `configs` say: what is not among them is ended, what has changed is begun anew, and what has not
    /// goes on as it is, with its viewers; so does what cannot be begun anew, or is not ready within `patience`. Gives
    /// why, where that was not so before.
    pub(crate) async fn apply(&mut self, configs: Vec<SiteConfig>, patience: Duration) -> Vec<SiteError> {
        let named: Vec<_> = configs.iter().map(|config| config.bind.clone()).collect();
        let is_same = |config: &SiteConfig| self.running.get(&config.bind).is_some_and(|one| one.config == *config);
        let (same, changed): (Vec<_>, Vec<_>) = configs.iter().cloned().partition(is_same);
        let mut kept: Vec<_> = same.into_iter().map(|config| config.bind).collect();
        let (mut prepared, mut errors) = (Vec::new(), Vec::new());
        for (bind, outcome) in self.preparation.of(changed, &self.common.reception, patience).await {
            match outcome {
                Ok(ready) => prepared.push(ready),
                Err(error) => {
                    kept.extend(self.stand_in(&bind, &named));
                    errors.push((bind, error));
                }
            }
        }
        self.configs = configs;
        let ended: Vec<_> = self.running.keys().filter(|bind| !kept.contains(bind)).cloned().collect();
        for bind in ended {
            if let Some(running) = self.running.remove(&bind) {
                self.activated.release(running.address);
                self.ending.spawn(running.end());
            }
        }
        self.have_ended().await;
        prepared.sort_by_key(|ready| !self.activated.has_port(ready.address.port()));
        for ready in prepared {
            let (bind, address) = (ready.config.bind.clone(), ready.address);
            match self.start(ready) {
                Ok(running) => drop(self.running.insert(bind, running)),
                Err(error) => {
                    self.activated.release(address);
                    errors.push((bind, error));
                }
            }
        }
        let said = |(bind, error): &(String, SiteError)| (bind.clone(), error.to_string());
        let before = std::mem::replace(&mut self.failed, errors.iter().map(said).collect());
        errors.retain(|(bind, error)| before.get(bind) != Some(&error.to_string()));
        errors.into_iter().map(|(_, error)| error).collect()
    }

    /// Tries again what could not be begun. Gives why not, where that has changed.
    pub(crate) async fn retry(&mut self) -> Vec<SiteError> {
        if self.failed.is_empty() { Vec::new() } else { self.apply(self.configs.clone(), PATIENCE).await }
    }

    /// What goes on where `bind` cannot be begun, while `named` is all that the file names: what is served there, or what
    /// was the only one at its port, as it is now, since then its host alone was changed.
    fn stand_in(&self, bind: &str, named: &[String]) -> Option<String> {
        if self.running.contains_key(bind) {
            return Some(bind.to_owned());
        }
        let is_beside = |other: &&String| port(bind).is_some_and(|of| port(other) == Some(of));
        if named.iter().filter(is_beside).count() > 1 {
            return None;
        }
        let before: Vec<_> = self.configs.iter().map(|config| &config.bind).filter(is_beside).collect();
        // What the file did not name before either stands in already.
        let stands_in = |other: &&String| before.len() == 1 || !before.contains(other);
        self.running.keys().filter(is_beside).find(stands_in).cloned()
    }

    fn start(&mut self, prepared: Prepared) -> Result<Running, SiteError> {
        let Prepared { config, address, inputs, servers } = prepared;
        let failed = |source| SiteError::Listen { address, source };
        let listener = self.activated.listen(address).map_err(failed)?;
        let stream = |(source, input): (&SourceConfig, _)| Arc::new(Stream::new(source.stream_settings(), input));
        let streams: Vec<_> = config.sources.iter().zip(inputs).map(stream).collect();
        let publishing = config.sources.iter().zip(&streams).zip(servers).filter_map(|((source, stream), server)| {
            let channel = source.redis.as_ref()?.channel.clone();
            Some(Publishing::start(stream, server?, channel, self.common.publish_format))
        });
        let publishing = publishing.collect();
        let settings = SiteSettings {
            max_viewers: self.common.max_viewers,
            allowed_origins: config.allowed_origins.clone(),
            encoder: self.common.encoder.clone(),
        };
        let site = Arc::new(Site::new(streams, settings));
        let router = http::router(Arc::clone(&site), self.common.access.clone());
        let most = self.common.max_viewers.saturating_add(EXTRA_CONNECTIONS);
        let serving = Serving::start(listener, router, most, self.common.tls.clone()).map_err(failed)?;
        let running = Running { config, address, site, serving, _publishing: publishing };
        running.say(self.common.tls.is_some());
        Ok(running)
    }

    /// What is served now.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.running.values().map(|running| &running.site)
    }

    /// Ends all.
    pub(crate) async fn end(mut self) {
        for running in std::mem::take(&mut self.running).into_values() {
            self.ending.spawn(running.end());
        }
        self.have_ended().await;
    }

    /// Waits for what still ends: all at once, since each may take a moment.
    async fn have_ended(&mut self) {
        // It panics only where it has said so.
        while self.ending.join_next().await.is_some() {}
    }
}

/// The port of an address to listen at, unless the system is to choose it.
fn port(bind: &str) -> Option<u16> {
    bind.parse::<HostPort>().ok().map(|place| place.port()).filter(|port| *port != 0)
}

impl Running {
    fn say(&self, is_secure: bool) {
        let (scheme, address) = (if is_secure { "https" } else { "http" }, self.serving.local_addr());
        for stream in self.site.streams() {
            tracing::info!(
                "serves {} at {scheme}://{address}/video/{}",
                stream.settings().input,
                http::segment(stream.id())
            );
        }
        let here = match address.ip() {
            all if all.is_unspecified() => format!("localhost:{}", address.port()),
            _ => address.to_string(),
        };
        tracing::info!("to see it in a browser, open {scheme}://{here}/");
        for source in &self.config.sources {
            if let Some(path) = source.input.missing_file() {
                tracing::warn!("{} is not there; it is tried when somebody looks", path.display());
            }
        }
    }

    async fn end(self) {
        // Those who look are told, so that their connections end by themselves.
        for stream in self.site.streams() {
            stream.close();
        }
        self.serving.stop().await;
        // An input that waits on the runtime's clock panics when that stands still, and what comes in place of one may
        // want its port.
        let deadline = Instant::now() + INPUT_PATIENCE;
        for stream in self.site.streams() {
            if !stream.has_left(deadline.saturating_duration_since(Instant::now())).await {
                tracing::debug!(id = stream.id(), "the input takes long to leave, and is not waited for");
            }
        }
    }
}
