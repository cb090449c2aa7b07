//! A log as a program with a window may keep it, for tests: beside each line it shows what else it wants to know.
//!
//! Of the workspace, not of one crate; unit tests include it by `#[path]`.

use std::sync::mpsc;
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Looks at something with each line of the log.
struct LogPanel<F>(F);

impl<F: Fn() + Send + Sync + 'static> Subscriber for LogPanel<F> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {
        (self.0)();
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Does `work` on a thread of its own, whose log asks `look` with each line. Gives the number of lines.
///
/// # Panics
/// If the two wait for each other.
pub(crate) fn lines_of(look: impl Fn() + Send + Sync + 'static, work: impl FnOnce() + Send + 'static) -> usize {
    let (says, lines) = mpsc::channel();
    let panel = LogPanel(move || {
        look();
        let _ = says.send(());
    });
    let (ends, ended) = mpsc::channel();
    std::thread::spawn(move || {
        tracing::subscriber::with_default(panel, work);
        let _ = ends.send(());
    });
    ended.recv_timeout(Duration::from_secs(10)).expect("the log does not wait for what waits for it");
    lines.iter().count()
}
