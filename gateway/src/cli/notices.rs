//! What the options ask for and what makes no difference, in words: whoever asks expects that it does.

use super::Cli;
use crate::config::{
    DEFAULT_IN_REDIS_CHANNEL, DEFAULT_REDIS_CHANNEL, DEFAULT_REDIS_HOST, DEFAULT_REDIS_PORT, SiteConfig,
};
use crate::input::InputSpec;
use crate::publish::PublishFormat;

impl Cli {
    /// What is said on the command line and concerns nothing that is served. Variables are often meant for more than one
    /// command, and a file is read again: of those nothing is said.
    pub(crate) fn without_effect(&self, configs: &[SiteConfig]) -> Vec<String> {
        if self.config.is_some() {
            return Vec::new();
        }
        let sources = || configs.iter().flat_map(|site| &site.sources);
        let mut said = Vec::new();
        let mut look = |is_heeded: bool, why: &str, options: &[(&str, &str, bool)]| {
            let void = options.iter().filter(|(id, _, is_said)| *is_said && !self.variables.has(id));
            let void: Vec<_> = void.map(|(_, option, _)| *option).collect();
            if !is_heeded && !void.is_empty() {
                said.push(format!("{why}, so that these make no difference: {}", void.join(", ")));
            }
        };
        look(
            sources().any(|source| source.redis.is_some()),
            "nothing is published to Redis without --redis",
            &[
                ("redis_host", "--redis-host", self.redis_host != DEFAULT_REDIS_HOST),
                ("redis_port", "--redis-port", self.redis_port != DEFAULT_REDIS_PORT),
                ("redis_channel", "--redis-channel", self.redis_channel != DEFAULT_REDIS_CHANNEL),
                ("redis_format", "--redis-format", self.redis_format != PublishFormat::default()),
            ],
        );
        look(
            sources().any(|source| matches!(source.input, InputSpec::Redis(_))),
            "no source is redis://",
            &[("in_redis_channel", "--in-redis-channel", self.in_redis_channel != DEFAULT_IN_REDIS_CHANNEL)],
        );
        look(
            sources().any(|source| matches!(source.input, InputSpec::Http(_))),
            "no source is http:// or https://",
            &[
                ("user", "--user", self.user.is_some()),
                ("password", "--pass", self.password.is_some()),
                ("auth", "--auth", self.auth.is_some()),
            ],
        );
        said
    }
}

#[cfg(test)]
mod tests {
    use super::super::old_spellings;
    use super::*;
    use clap::Parser;

    fn said(arguments: &[&str]) -> Vec<String> {
        let line = ["gateway"].iter().chain(arguments).map(Into::into);
        let cli = Cli::try_parse_from(old_spellings::replaced(line)).unwrap();
        cli.without_effect(&[cli.site().unwrap()])
    }

    #[test]
    fn what_makes_no_difference_is_said() {
        assert_eq!(
            said(&["-uri", "test", "-rhs", "redis.example", "-rk", "cam", "--redis-format", "jpeg"]),
            ["nothing is published to Redis without --redis, so that these make no difference: \
              --redis-host, --redis-channel, --redis-format"]
        );
        assert_eq!(
            said(&["-uri", "test", "-user", "ann", "-pass", "secret", "-auth", "Digest"]),
            ["no source is http:// or https://, so that these make no difference: --user, --pass, --auth"]
        );
        assert_eq!(
            said(&["-uri", "test", "-irc", "x"]),
            ["no source is redis://, so that these make no difference: --in-redis-channel"]
        );
    }

    #[test]
    fn nothing_is_said_of_what_does() {
        for line in [
            &["-uri", "test"][..],
            &["-uri", "redis://localhost", "-irc", "x"],
            &["-uri", "http://camera/", "-user", "ann", "-auth", "Digest"],
            &["-uri", "test", "-r", "-rhs", "redis.example", "-rp", "6380", "--redis-format", "jpeg"],
        ] {
            assert_eq!(said(line), [""; 0], "{line:?}");
        }
    }
}
