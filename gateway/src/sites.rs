//! All addresses that are served, and how they change with the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use terminal::{Failure, HostPort};
use tokio_rustls::TlsAcceptor;

use crate::config::{SiteConfig, SourceConfig};
use crate::http::{self, Access};
use crate::input::{InputOptions, Reception};
use crate::publish::{PublishFormat, Publishing};
use crate::serve::{EXTRA_CONNECTIONS, Serving};
use crate::site::{Site, SiteSettings};
use crate::stream::Stream;
use crate::system::Activated;

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
}

impl SiteError {
    /// The failure that it is to the program, with what to do about it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Input(failure) => failure,
            Self::Redis(_) => Failure::new(self).with_advice("give the server's name with -rhs, and its port with -rp"),
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
}

#[derive(Debug)]
struct Running {
    config: SiteConfig,
    site: Arc<Site>,
    serving: Serving,
    /// Ends when it is dropped.
    _publishing: Vec<Publishing>,
}

impl Sites {
    pub(crate) fn new(common: Common, activated: Activated) -> Self {
        Self { common, activated, running: BTreeMap::new() }
    }

    /// Serves what `configs` say: what is not among them is ended, what has changed is begun anew, and what has not
    /// goes on as it is, with its viewers. Gives what could not be begun.
    pub(crate) async fn apply(&mut self, configs: Vec<SiteConfig>) -> Vec<SiteError> {
        let is_kept = |running: &Running| configs.contains(&running.config);
        let ended: Vec<_> =
            self.running.iter().filter(|(_, running)| !is_kept(running)).map(|(bind, _)| bind.clone()).collect();
        for bind in ended {
            if let Some(running) = self.running.remove(&bind) {
                running.end().await;
            }
        }
        let mut errors = Vec::new();
        for config in configs {
            if !self.running.contains_key(&config.bind) {
                let bind = config.bind.clone();
                match self.start(config) {
                    Ok(running) => drop(self.running.insert(bind, running)),
                    Err(error) => errors.push(error),
                }
            }
        }
        errors
    }

    fn start(&mut self, config: SiteConfig) -> Result<Running, SiteError> {
        let place: HostPort = config
            .bind
            .parse()
            .map_err(|error| SiteError::Place { place: config.bind.clone(), reason: format!("{error}") })?;
        let address = place.resolve()?;
        let failed = |source| SiteError::Listen { address, source };
        let listener = self.activated.listen(address).map_err(failed)?;
        let open = |source: &SourceConfig| {
            let reception = source.input_options.reception.or(&self.common.reception);
            let options = InputOptions { reception, ..source.input_options.clone() };
            let input = source.input.open(&options).map_err(SiteError::Input)?;
            Ok(Arc::new(Stream::new(source.stream_settings(), input)))
        };
        let streams = config.sources.iter().map(open).collect::<Result<Vec<_>, SiteError>>()?;
        let publishing = config.sources.iter().zip(&streams).filter_map(|(source, stream)| {
            let output = source.redis.as_ref()?;
            let publishing =
                |server| Publishing::start(stream, server, output.channel.clone(), self.common.publish_format);
            Some(output.server.parse().map(publishing))
        });
        let publishing = publishing.collect::<Result<Vec<_>, _>>()?;
        let settings = SiteSettings {
            max_viewers: self.common.max_viewers,
            allowed_origins: config.allowed_origins.clone(),
            encoder: self.common.encoder.clone(),
        };
        let site = Arc::new(Site::new(streams, settings));
        let router = http::router(Arc::clone(&site), self.common.access.clone());
        let most = self.common.max_viewers.saturating_add(EXTRA_CONNECTIONS);
        let serving = Serving::start(listener, router, most, self.common.tls.clone()).map_err(failed)?;
        let running = Running { config, site, serving, _publishing: publishing };
        running.say(self.common.tls.is_some());
        Ok(running)
    }

    /// What is served now.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.running.values().map(|running| &running.site)
    }

    /// Ends all.
    pub(crate) async fn end(mut self) {
        let running: Vec<_> = std::mem::take(&mut self.running).into_values().collect();
        // All at once: each may take a moment.
        let ends: Vec<_> = running.into_iter().map(|running| tokio::spawn(running.end())).collect();
        for end in ends {
            // It panics only where it has said so.
            let _ = end.await;
        }
    }
}

impl Running {
    fn say(&self, is_secure: bool) {
        let (scheme, address) = (if is_secure { "https" } else { "http" }, self.serving.local_addr());
        for stream in self.site.streams() {
            tracing::info!("serves {} at {scheme}://{address}/video/{}", stream.settings().input, stream.id());
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
    }
}
