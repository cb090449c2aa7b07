//! The file with sources, as the beamline streamer has it: one port for each.
//!
//! ```json
//! {"sources": {"0.0.0.0:8000": {"input_uri": "test", "quality": 4, "format": "MPEG1", "hash": "", "size": [0, 0]}}}
//! ```
//! Comments are allowed. What is not known is warned of and left out; what is wrong is an error, with its place.

use std::time::Duration;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{DEFAULT_IN_REDIS_CHANNEL, DEFAULT_REDIS_CHANNEL, Position, RedisOutput, SiteConfig, SourceConfig};
use super::{FormatError, NO_ID, OutputFormat, WORST_QUALITY, is_folder};
use crate::http::origin;
use crate::input::{Credentials, InputSpec, Reception, Scheme};
use crate::shape::Shape;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct FileError {
    /// Where it stands.
    pub at: Position,
    /// What is wrong.
    pub reason: String,
}

/// Reads the text of a file: what is to be served, and warnings, each with its place.
///
/// # Errors
/// [`FileError`] for the first thing that is wrong.
pub fn read(text: &str) -> Result<(Vec<SiteConfig>, Vec<FileError>), FileError> {
    let mut reading = Reading { text, warnings: Vec::new() };
    let sites = reading.file()?;
    Ok((sites, reading.warnings))
}

struct Reading<'a> {
    text: &'a str,
    warnings: Vec<FileError>,
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

impl Reading<'_> {
    fn error(&self, at: usize, reason: impl Into<String>) -> FileError {
        FileError { at: Position::of(self.text, at), reason: reason.into() }
    }

    fn file(&mut self) -> Result<Vec<SiteConfig>, FileError> {
        let parsed = parse_to_ast(self.text, &CollectOptions::default(), &STRICT)
            .map_err(|error| self.error(error.range().start, error.kind().to_string()))?;
        let root = parsed.value.ok_or_else(|| self.error(0, "the file is empty"))?;
        let root = self.object(&root, "the file")?;
        let mut sources = None;
        for property in &root.properties {
            match property.name.as_str() {
                "sources" => sources = Some(self.object(&property.value, "sources")?),
                other => self.unknown(property.start(), other),
            }
        }
        let sources = sources.ok_or_else(|| self.error(root.start(), "there is no \"sources\""))?;
        let mut sites: Vec<SiteConfig> = Vec::new();
        let mut refused = Vec::new();
        for property in &sources.properties {
            let name = property.name.as_str();
            let bind = self.bind(name, property.start())?;
            if sites.iter().any(|site| is_taken(&site.bind, &bind)) {
                return Err(self.error(property.start(), format!("a source before has the port of {name:?}")));
            }
            let source = self.object(&property.value, name)?;
            match self.site(bind, source)? {
                Some(site) => sites.push(site),
                None => {
                    let reason = format!("{}; {name:?} is left out", FormatError::Vp8);
                    refused.push(self.error(property.start(), reason));
                }
            }
        }
        if sites.is_empty() {
            let nothing = || self.error(sources.start(), "there is no source");
            return Err(refused.pop().unwrap_or_else(nothing));
        }
        self.warnings.append(&mut refused);
        Ok(sites)
    }

    /// Where a source is served that is called `name`.
    fn bind(&mut self, name: &str, at: usize) -> Result<String, FileError> {
        let place: terminal::HostPort = name.parse().map_err(|error| self.error(at, format!("{name:?}: {error}")))?;
        if place.host().parse::<std::net::IpAddr>().is_ok() {
            return Ok(place.to_string());
        }
        let bind = format!("0.0.0.0:{}", place.port());
        self.warnings.push(self.error(at, format!("{name:?} names the source; it is served at {bind}")));
        Ok(bind)
    }

    /// What is served at `bind`; none where it is in a format that the old program has and this one has not.
    fn site(&mut self, bind: String, source: &Object<'_>) -> Result<Option<SiteConfig>, FileError> {
        let mut is_refused = false;
        let mut allowed_origins = Vec::new();
        let mut config = SourceConfig::new("", InputSpec::VideoTest);
        let (mut input, mut redis, mut channel) = (None, None, DEFAULT_REDIS_CHANNEL.to_owned());
        let mut in_channel = DEFAULT_IN_REDIS_CHANNEL.to_owned();
        let (mut reception, mut of_datagrams, mut of_group) = (Reception::default(), None, None);
        for property in &source.properties {
            let (name, value) = (property.name.as_str(), &property.value);
            if matches!(name, "key_file" | "latency" | "interface") {
                of_datagrams = of_datagrams.or(Some((name, property.start())));
            }
            match name {
                "input_uri" => input = Some((self.text_of(value, name)?, value.start())),
                "quality" => config.quality = self.quality(value)?,
                "format" => match self.format(value)? {
                    Some(format) => config.format = format,
                    None => is_refused = true,
                },
                "hash" => config.id = self.id(value, name)?,
                "size" => config.size = self.size(value)?,
                "v_flip" => config.flip = self.truth(value, name)?,
                "redis" => redis = self.redis(value)?,
                "redis_channel" => {
                    if let Some(text) = self.optional_text(value, name)? {
                        channel = text;
                    }
                }
                "in_redis_channel" => {
                    if let Some(text) = self.optional_text(value, name)? {
                        in_channel = text;
                    }
                }
                "key_file" => reception.key_file = self.optional_text(value, name)?.map(Into::into),
                "latency" => reception.latency = Some(self.latency(value)?),
                "interface" => {
                    reception.interface = self.optional_text(value, name)?;
                    of_group = reception.interface.is_some().then(|| property.start());
                }
                "auth_config" => config.input_options.credentials = self.credentials(value)?,
                "allowed_origins" => allowed_origins = self.origins(value, name)?,
                other => self.unknown(property.start(), other),
            }
        }
        let (uri, at) = input.ok_or_else(|| self.error(source.start(), "there is no \"input_uri\""))?;
        config.input = uri.parse().map_err(|error| self.error(at, format!("input_uri: {error}")))?;
        if let Some((name, at)) = of_datagrams.filter(|_| !config.input.is_datagrams()) {
            return Err(self.error(at, format!("{name} is for an input_uri of udp://, and this is none")));
        }
        if let Some(at) = of_group.filter(|_| !config.input.is_group()) {
            return Err(self.error(at, "interface is for an input_uri that is a group, and this is none"));
        }
        (config.input_options.in_redis_channel, config.input_options.reception) = (in_channel, reception);
        config.redis = redis.map(|server| RedisOutput { server, channel });
        if config.publishes_where_it_listens() {
            let reason =
                "each picture would be published where it comes from, and come again; give another redis_channel";
            return Err(self.error(at, reason));
        }
        let site = SiteConfig { bind, sources: vec![config], allowed_origins };
        Ok((!is_refused).then_some(site))
    }

    fn unknown(&mut self, at: usize, name: &str) {
        self.warnings.push(self.error(at, format!("{name:?} is not known, and left out")));
    }

    fn object<'v, 'a>(&self, value: &'v Value<'a>, what: &str) -> Result<&'v Object<'a>, FileError> {
        value.as_object().ok_or_else(|| self.error(value.start(), format!("{what} is to be an object: {{…}}")))
    }

    fn text_of(&self, value: &Value<'_>, name: &str) -> Result<String, FileError> {
        match value {
            Value::StringLit(text) => Ok(text.value.to_string()),
            _ => Err(self.error(value.start(), format!("{name} is to be a text: \"…\""))),
        }
    }

    /// A text; none for `null`, which the old program's own files have.
    fn optional_text(&self, value: &Value<'_>, name: &str) -> Result<Option<String>, FileError> {
        match value {
            Value::NullKeyword(_) => Ok(None),
            _ => self.text_of(value, name).map(Some),
        }
    }

    fn id(&self, value: &Value<'_>, name: &str) -> Result<String, FileError> {
        let id = self.optional_text(value, name)?.unwrap_or_default();
        if is_folder(&id) { Err(self.error(value.start(), format!("{name}: {NO_ID}"))) } else { Ok(id) }
    }

    fn origins(&self, value: &Value<'_>, name: &str) -> Result<Vec<String>, FileError> {
        let origin = |element: &Value<'_>| {
            origin::entry(&self.text_of(element, name)?).map_err(|reason| self.error(element.start(), reason))
        };
        match value {
            Value::NullKeyword(_) => Ok(Vec::new()),
            Value::Array(array) => array.elements.iter().map(origin).collect(),
            _ => Err(self.error(value.start(), format!("{name} is to be a list of texts: [\"…\"]"))),
        }
    }

    fn truth(&self, value: &Value<'_>, name: &str) -> Result<bool, FileError> {
        match value {
            Value::BooleanLit(truth) => Ok(truth.value),
            _ => Err(self.error(value.start(), format!("{name} is to be true or false"))),
        }
    }

    /// A number, also one in quotes, as old files have it.
    fn number(&self, value: &Value<'_>, name: &str) -> Result<u32, FileError> {
        let written = match value {
            Value::NumberLit(number) => number.value,
            Value::StringLit(text) => text.value.trim(),
            _ => "",
        };
        written.parse().map_err(|_| self.error(value.start(), format!("{name} is to be a whole number from 0 on")))
    }

    fn quality(&self, value: &Value<'_>) -> Result<u8, FileError> {
        let quality = self.number(value, "quality")?;
        u8::try_from(quality).ok().filter(|quality| (1..=WORST_QUALITY).contains(quality)).ok_or_else(|| {
            self.error(value.start(), format!("quality is to be from 1 (best) to {WORST_QUALITY}, not {quality}"))
        })
    }

    fn latency(&self, value: &Value<'_>) -> Result<Duration, FileError> {
        let ms = self.number(value, "latency")?;
        crate::input::latency(&ms.to_string()).map_err(|reason| self.error(value.start(), reason))
    }

    /// A format; none for VP8.
    fn format(&self, value: &Value<'_>) -> Result<Option<OutputFormat>, FileError> {
        match self.text_of(value, "format")?.parse() {
            Ok(format) => Ok(Some(format)),
            Err(FormatError::Vp8) => Ok(None),
            Err(error) => Err(self.error(value.start(), error.to_string())),
        }
    }

    fn size(&self, value: &Value<'_>) -> Result<Option<(u32, u32)>, FileError> {
        let wrong =
            || self.error(value.start(), "size is to be width and height in pixels, [0, 0] for the source's own");
        let Value::Array(array) = value else { return Err(wrong()) };
        let [width, height] = array.elements.as_slice() else { return Err(wrong()) };
        match (self.number(width, "the width")?, self.number(height, "the height")?) {
            (0, 0) => Ok(None),
            (width, height) if Shape::is_size(width, height) => Ok(Some((width, height))),
            _ => Err(wrong()),
        }
    }

    fn redis(&self, value: &Value<'_>) -> Result<Option<String>, FileError> {
        let Some(server) = self.optional_text(value, "redis")?.filter(|server| !server.is_empty()) else {
            return Ok(None);
        };
        match server.parse::<terminal::HostPort>() {
            Ok(server) => Ok(Some(server.to_string())),
            Err(error) => Err(self.error(value.start(), format!("redis: {error}"))),
        }
    }

    fn credentials(&mut self, value: &Value<'_>) -> Result<Option<Credentials>, FileError> {
        if value.as_null_keyword().is_some() {
            return Ok(None);
        }
        let mut credentials = Credentials { user: String::new(), password: String::new(), scheme: Scheme::Asked };
        for property in &self.object(value, "auth_config")?.properties {
            let (name, value) = (property.name.as_str(), &property.value);
            let text = self.optional_text(value, name)?;
            match (name, text) {
                ("type", Some(scheme)) => {
                    let scheme = scheme.parse().map_err(|error: crate::input::SchemeError| error.to_string());
                    credentials.scheme = scheme.map_err(|reason| self.error(value.start(), reason))?;
                }
                ("username", Some(user)) => credentials.user = user,
                ("password", Some(password)) => credentials.password = password,
                ("type" | "username" | "password", None) => {}
                (other, _) => self.unknown(property.start(), other),
            }
        }
        Ok((!credentials.user.is_empty()).then_some(credentials))
    }
}

/// Whether what listens at `one` leaves no room for `other`: the same address, or the same port where one is all
/// addresses.
fn is_taken(one: &str, other: &str) -> bool {
    let split = |place: &str| place.rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned()));
    let is_all = |host: &str| matches!(host, "0.0.0.0" | "[::]");
    match (split(one), split(other)) {
        (Some((host, port)), Some((other, same))) => {
            port == same && (host == other || (port != "0" && (is_all(&host) || is_all(&other))))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
