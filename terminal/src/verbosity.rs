//! `-v`, `-q`, `RUST_LOG`, and how messages look on standard error.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use clap::{ArgAction, Args};
use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::{MakeExt, RecordFields};
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::arguments::is_no;
use crate::escape::Escaping;
use crate::stderr::Stderr;

/// How much a program says about what it does.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Verbosity {
    /// Say more; repeat for still more (-vv, -vvv). RUST_LOG overrides
    #[arg(short, long, action = ArgAction::Count, global = true, env = "SEGMENT_VERBOSE", help_heading = HEADING)]
    #[arg(value_parser = times)]
    pub verbose: u8,
    /// Say less: errors only (-qq: only why the program failed). Statistics come all the same. One -q and one -v cancel out
    #[arg(short, long, action = ArgAction::Count, global = true, env = "SEGMENT_QUIET", help_heading = HEADING)]
    #[arg(value_parser = times)]
    pub quiet: u8,
}

const HEADING: &str = "Messages and statistics";

/// How many times a flag is given; a variable may also say whether at all, as those of other flags do.
fn times(text: &str) -> Result<u8, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "t" => Ok(1),
        no if is_no(no.as_ref()) => Ok(0),
        number => number.parse().map_err(|_| "give true or false, or how many times, from 0 to 255"),
    }
}

/// The crates whose messages are written for the user; those of libraries are shown one step later.
const OURS: [&str; 6] = ["segment", "media", "terminal", "sender", "receiver", "gateway"];

impl Verbosity {
    /// Sends messages to standard error from here on, for the life of the process. Nobody who has something to say waits
    /// until it is read.
    ///
    /// By default warnings and our own `info` messages, as `warning: …`, for people; from `-v` on with the time since
    /// the start, thread and place. Call it once, first thing in `main`; a second call changes nothing.
    pub fn init(self) {
        let (filter, unreadable) = self.filter(std::env::var("RUST_LOG").ok().as_deref());
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(Stderr::default)
            // Standard error that was closed is no reason to report each message's failure on it.
            .log_internal_errors(false)
            .with_ansi(shows_colours(&io::stderr()))
            .fmt_fields(Escaped);
        let installed = if self.level() > 0 {
            builder.compact().with_timer(uptime()).with_thread_names(true).try_init().is_ok()
        } else {
            builder.event_format(ForPeople).try_init().is_ok()
        };
        if let Some(reason) = unreadable.filter(|_| installed) {
            tracing::warn!("RUST_LOG is not a filter and is ignored: {reason}");
        }
    }

    fn level(self) -> i16 {
        i16::from(self.verbose) - i16::from(self.quiet)
    }

    /// What is let through, and why `RUST_LOG` was not, if it is no filter.
    fn filter(self, rust_log: Option<&str>) -> (EnvFilter, Option<String>) {
        let mut unreadable = None;
        if let Some(directives) = rust_log.filter(|directives| !directives.trim().is_empty()) {
            match EnvFilter::builder().parse(directives) {
                Ok(filter) => return (filter, None),
                Err(error) => unreadable = Some(error.to_string()),
            }
        }
        let (others, ours) = match self.level() {
            ..=-2 => ("off", "off"),
            // What is wrong with a certificate is said by whoever finds it so, once and in words.
            -1 => ("error,rustls_platform_verifier=off", "error"),
            0 => ("warn,rustls_platform_verifier=off", "info"),
            1 => ("info", "debug"),
            2 => ("debug", "trace"),
            3.. => ("trace", "trace"),
        };
        let directives = OURS.iter().fold(others.to_owned(), |all, name| format!("{all},{name}={ours}"));
        (EnvFilter::new(directives), unreadable)
    }
}

/// Whether what is written to `output` may have colours: where it is a terminal that shows any, and the user wants them.
pub(crate) fn shows_colours(output: &impl IsTerminal) -> bool {
    output.is_terminal() && wants_colours(std::env::var_os)
}

/// The same of the environment alone.
fn wants_colours(variable: impl Fn(&'static str) -> Option<OsString>) -> bool {
    // https://no-color.org: set and not empty
    let is_plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    // A terminal that nobody names is not known to show any; `--help` takes it so, too.
    let is_able = variable("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
    is_able && !is_plain
}

/// One line a message, no time, no place: `warning: no camera answers, sending the test card`.
struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (label, colour) = match *event.metadata().level() {
            Level::ERROR => ("error", "31"),
            Level::WARN => ("warning", "33"),
            Level::INFO => ("", ""),
            Level::DEBUG => ("debug", "34"),
            Level::TRACE => ("trace", "35"),
        };
        if writer.has_ansi_escapes() && !label.is_empty() {
            write!(writer, "\x1b[1;{colour}m{label}\x1b[0m: ")?;
        } else if !label.is_empty() {
            write!(writer, "{label}: ")?;
        }
        ctx.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Fields as `message name=value name=value`, with names and texts that come from the network [escaped](Escaping).
struct Escaped;

impl<'writer> FormatFields<'writer> for Escaped {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        format::debug_fn(|writer, field: &Field, value| match field.name() {
            "message" => write!(Escaping(writer), "{value:?}"),
            name => write!(Escaping(writer), "{name}={value:?}"),
        })
        .delimited(" ")
        .format_fields(writer, fields)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        verbosity: Verbosity,
    }

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is printed with these flags, less what `-v` puts in front.
    fn said(flags: &[&str], rust_log: Option<&str>) -> String {
        let verbosity = Program::parse_from([&["program"], flags].concat()).verbosity;
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(verbosity.filter(rust_log).0)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .event_format(ForPeople)
            .fmt_fields(Escaped)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "receiver::sink", "disk full");
            tracing::warn!(target: "h2", "odd");
            tracing::error!(target: "rustls_platform_verifier::verification", "refused");
            tracing::info!(target: "receiver", address = "0.0.0.0:12345", "listening");
            tracing::info!(target: "h2", "connected");
            tracing::debug!(target: "segment", "dropped");
            tracing::trace!(target: "segment", "datagram");
        });
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_step_says_more() {
        let default = "error: disk full\nwarning: odd\nlistening address=\"0.0.0.0:12345\"\n";
        assert_eq!(said(&["-qq"], None), "");
        assert_eq!(said(&["-q"], None), "error: disk full\n");
        assert_eq!(said(&[], None), default);
        assert_eq!(said(&["-q", "-v"], None), default);
        let more = default.replace("odd\n", "odd\nerror: refused\n");
        assert_eq!(said(&["-v"], None), format!("{more}connected\ndebug: dropped\n"));
        assert_eq!(said(&["-vv"], None), format!("{more}connected\ndebug: dropped\ntrace: datagram\n"));
    }

    #[test]
    fn colours_are_for_terminals_that_show_them_and_users_who_want_them() {
        let wants = |term: Option<&str>, no_color: Option<&str>| {
            wants_colours(|name| {
                let value = match name {
                    "TERM" => term,
                    "NO_COLOR" => no_color,
                    _ => None,
                };
                value.map(OsString::from)
            })
        };
        assert!(wants(Some("xterm-256color"), None) && wants(Some("linux"), Some("")));
        for (term, no_color) in [
            (Some("dumb"), None),
            (Some(""), None),
            (None, None),
            (Some("xterm"), Some("1")),
            (Some("xterm"), Some("0")),
        ] {
            assert!(!wants(term, no_color), "TERM={term:?} NO_COLOR={no_color:?}");
        }
    }

    #[test]
    fn variables_say_how_many_times_or_whether() {
        assert_eq!(["true", "On", "0", "no", "2", "255"].map(|text| times(text).ok()), [1, 1, 0, 0, 2, 255].map(Some));
        assert!(times("256").is_err() && times("very").unwrap_err().contains("true or false"));
        let verbosity = Program::parse_from(["program", "-vv", "-q", "-v"]).verbosity;
        assert_eq!((verbosity.verbose, verbosity.quiet), (3, 1));
    }

    #[test]
    fn rust_log_overrides_the_flags_if_it_can_be_read() {
        assert_eq!(said(&["-vv"], Some("h2=warn")), "warning: odd\n");
        assert_eq!(said(&["-q"], Some("")), "error: disk full\n");
        assert_eq!(said(&["-q"], Some("a=b=c")), "error: disk full\n");
        assert!(Verbosity::default().filter(Some("a=b=c")).1.is_some());
    }

    #[test]
    fn text_from_the_network_cannot_drive_the_terminal() {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .event_format(ForPeople)
            .fmt_fields(Escaped)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let name = "Küche\x1b[2J\nerror: \u{9b}2J";
            tracing::info!(%name, text = name, "announced {name}");
        });
        let bytes = paper.0.lock().unwrap().clone();
        let escaped = r"Küche\u{1b}[2J\nerror: \u{9b}2J";
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            format!("announced {escaped} name={escaped} text=\"{escaped}\"\n")
        );
    }
}
