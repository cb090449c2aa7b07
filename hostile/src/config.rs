//! The gateway's file with sources, and that with passwords: any text is refused with a place that it has, or says what
//! can be served.

use gateway::config::{FileError, OutputFormat, WORST_QUALITY, read};
use gateway::http::Access;
use gateway::input::InputSpec;
use std::collections::HashSet;

/// Takes the bytes for the text of a file.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Access::read(&text);
    let is_there = |error: &FileError| {
        let line = text.split('\n').nth(error.at.line - 1).expect("a line that is there");
        assert!(error.at.column >= 1 && error.at.column <= line.chars().count() + 1, "{error}");
        assert!(!error.reason.is_empty());
    };
    let (sites, warnings) = match read(&text) {
        Ok(read) => read,
        Err(error) => return is_there(&error),
    };
    warnings.iter().for_each(is_there);
    assert!(!sites.is_empty());
    let binds: HashSet<&str> = sites.iter().map(|site| site.bind.as_str()).collect();
    // Port 0 is another one each time.
    assert!(binds.len() == sites.len() || sites.iter().any(|site| site.bind.ends_with(":0")));
    for source in sites.iter().flat_map(|site| &site.sources) {
        let settings = source.stream_settings();
        assert!((1..=WORST_QUALITY).contains(&source.quality) && (1..=100).contains(&settings.default_jpeg_quality));
        assert!(matches!(settings.format, OutputFormat::Mpeg1 | OutputFormat::Mjpeg));
        shows_no_password(&source.input);
    }
}

/// What is shown of an input names no user and no password.
pub(crate) fn shows_no_password(input: &InputSpec) {
    let (InputSpec::Http(url) | InputSpec::Redis(url)) = input else { return };
    let shown = input.to_string();
    let authority =
        shown.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    assert!(url.password().is_none_or(str::is_empty) || !authority.contains('@'), "{shown}");
}
