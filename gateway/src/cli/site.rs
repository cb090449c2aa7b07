//! What the options say is to be served, where no file does.

use terminal::{Failure, HostPort};

use super::Cli;
use crate::config::{RedisOutput, SiteConfig, SourceConfig};
use crate::input::{Credentials, InputSpec};

/// The port where none is given.
const DEFAULT_PORT: u16 = 8000;

impl Cli {
    /// The one address that the options name, and its sources; the test card where they name none.
    ///
    /// # Errors
    /// Two sources have the same name, or would be published in one channel, or one would be published where it comes from.
    pub(crate) fn site(&self) -> Result<SiteConfig, Failure> {
        let mut sources = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let id = source.id.clone().unwrap_or_else(|| number.to_string());
            if sources.iter().any(|other: &SourceConfig| other.id == id) {
                return Err(Failure::usage(format!(
                    "two sources are called {id:?}; give each another name: --source NAME=INPUT"
                )));
            }
            sources.push(self.source(id, source.input.clone()));
        }
        if sources.is_empty() {
            let test = || InputSpec::Source(sender::source::SourceSpec::Test);
            sources.push(self.source(self.id.clone().unwrap_or_default(), self.uri.clone().unwrap_or_else(test)));
        }
        if self.redis && sources.len() > 1 {
            return Err(Failure::usage(
                "--redis has one channel, in which several sources would be mixed; give each its redis_channel in a file \
                 (--config)",
            ));
        }
        if sources.iter().any(SourceConfig::publishes_where_it_listens) {
            return Err(Failure::usage(
                "each picture would be published where it comes from, and come again; give another --redis-channel",
            ));
        }
        let bind = match (&self.bind, &self.host) {
            (Some(bind), _) => bind.to_string(),
            (None, host) => {
                let bind = format!("0.0.0.0:{}", self.port.unwrap_or(DEFAULT_PORT));
                if let Some(host) = host.as_deref().filter(|host| *host != "0.0.0.0") {
                    tracing::info!(
                        "{host} names the source; all addresses are listened at. --bind {host}:PORT listens there alone"
                    );
                }
                bind
            }
        };
        Ok(SiteConfig { bind, sources, allowed_origins: self.allowed_origins.clone() })
    }

    fn source(&self, id: String, input: InputSpec) -> SourceConfig {
        let mut source = SourceConfig::new(id, input);
        source.quality = self.quality;
        source.jpeg_quality = self.jpeg_quality;
        source.format = self.output_format;
        (source.size, source.flip) = (self.size.0, self.vflip);
        source.input_options.in_redis_channel.clone_from(&self.in_redis_channel);
        source.input_options.credentials = self.user.as_ref().map(|user| Credentials {
            user: user.clone(),
            password: self.password.clone().unwrap_or_default(),
            scheme: self.auth.unwrap_or_default(),
        });
        let server = HostPort::with_default_port(&self.redis_host, self.redis_port);
        source.redis = self.redis.then(|| RedisOutput {
            server: server
                .map_or_else(|_| format!("{}:{}", self.redis_host, self.redis_port), |server| server.to_string()),
            channel: self.redis_channel.clone(),
        });
        source
    }

    /// Sees to it that what is said of datagrams is for somebody: above all, nobody is to believe that a stream is sealed
    /// which is not. A variable says nothing of those that are not there, unless it is the key's.
    ///
    /// # Errors
    /// An option is said of datagrams, and none of `configs` takes any.
    pub(crate) fn check_reception(&self, configs: &[SiteConfig]) -> Result<(), Failure> {
        let is_any = |is: fn(&InputSpec) -> bool| configs.iter().flat_map(|site| &site.sources).any(|it| is(&it.input));
        let (any_datagrams, any_group) = (is_any(InputSpec::is_datagrams), is_any(InputSpec::is_group));
        let said = [
            ("--key-file", any_datagrams, self.key_file.is_some()),
            ("--latency", any_datagrams, self.latency.is_some() && !self.variables.has("latency")),
            ("--interface", any_group, self.interface.is_some() && !self.variables.has("interface")),
        ];
        let Some((option, ..)) = said.iter().find(|(_, is_there, is_said)| *is_said && !is_there) else {
            return Ok(());
        };
        let sources = if any_datagrams { "groups of udp://" } else { "sources of udp://" };
        Err(Failure::usage(format!("{option} is for {sources}, and there is none")))
    }
}
