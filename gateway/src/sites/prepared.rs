//! What it takes to serve an address, but for listening: got ready on threads of its own, since a key may be read from a
//! pipe, and the name of a host asked of a server that is away.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use terminal::HostPort;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::SiteError;
use crate::config::{SiteConfig, SourceConfig};
use crate::input::{Input, InputOptions, Reception};

/// What can be served: all of it but the address is there.
pub(super) struct Prepared {
    pub(super) config: SiteConfig,
    pub(super) address: SocketAddr,
    pub(super) inputs: Vec<Box<dyn Input>>,
    /// Where each source is published, if it is.
    pub(super) servers: Vec<Option<HostPort>>,
}

impl Prepared {
    fn new(config: SiteConfig, reception: &Reception) -> Result<Self, SiteError> {
        let place: HostPort = config
            .bind
            .parse()
            .map_err(|error| SiteError::Place { place: config.bind.clone(), reason: format!("{error}") })?;
        let open = |source: &SourceConfig| {
            let reception = source.input_options.reception.or(reception);
            let options = InputOptions { reception, ..source.input_options.clone() };
            source.input.open(&options).map_err(SiteError::Input)
        };
        let inputs = config.sources.iter().map(open).collect::<Result<_, _>>()?;
        let server = |source: &SourceConfig| source.redis.as_ref().map(|output| output.server.parse()).transpose();
        let servers = config.sources.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { address: place.resolve()?, config, inputs, servers })
    }
}

/// What is being got ready.
#[derive(Default)]
pub(super) struct Preparation {
    pending: Vec<(SiteConfig, JoinHandle<Result<Prepared, SiteError>>)>,
}

impl Preparation {
    /// Gets all of `configs` ready, each by its address. What takes longer than `patience` is [`SiteError::Slow`], and
    /// may be ready when it is asked for again; what is not asked for again is forgotten.
    pub(super) async fn of(
        &mut self,
        configs: Vec<SiteConfig>,
        reception: &Reception,
        patience: Duration,
    ) -> Vec<(String, Result<Prepared, SiteError>)> {
        let mut before = std::mem::take(&mut self.pending);
        for config in configs {
            let work = match before.iter().position(|(of, _)| *of == config) {
                // Read once: what comes through a pipe comes to one reader.
                Some(at) => before.swap_remove(at).1,
                None => {
                    let (config, reception) = (config.clone(), reception.clone());
                    tokio::task::spawn_blocking(move || Prepared::new(config, &reception))
                }
            };
            self.pending.push((config, work));
        }
        let (began, mut done) = (Instant::now(), Vec::new());
        let mut late = 0;
        while let Some((config, work)) = self.pending.get_mut(late) {
            let bind = config.bind.clone();
            match timeout(patience.saturating_sub(began.elapsed()), work).await {
                Ok(outcome) => {
                    self.pending.remove(late);
                    done.push((bind, outcome.unwrap_or_else(|error| Err(SiteError::Fault(error)))));
                }
                Err(_) => {
                    late += 1;
                    done.push((bind.clone(), Err(SiteError::Slow { bind })));
                }
            }
        }
        done
    }
}
