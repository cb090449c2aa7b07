//! `/state` for programs, `/metrics` for Prometheus, `/healthz` for whoever restarts what is not well.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::config::OutputFormat;
use crate::mpeg1::Mpeg1Figures;
use crate::site::Site;
use crate::stream::StreamFigures;
use crate::viewers::{ViewerFigures, ViewerKind, ViewerTotals};

/// All that `/state` says.
#[derive(Debug, Serialize)]
struct SiteState {
    version: &'static str,
    uptime_s: f64,
    /// This machine's clock, in seconds since 1970: pages reckon delay with it.
    time: f64,
    /// Tasks of the program, of all addresses: one for each connection and a few more.
    tasks: usize,
    viewers: ViewerTotals,
    streams: Vec<StreamState>,
    /// Each viewer, unless it is asked for without: many pages that ask every second need not hear of each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    viewing: Option<Vec<ViewerFigures>>,
}

#[derive(Debug, Serialize)]
struct StreamState {
    id: String,
    input: String,
    format: OutputFormat,
    viewers: usize,
    /// Whether there will never be another picture.
    ended: bool,
    mpeg1: Option<Mpeg1Figures>,
    #[serde(flatten)]
    figures: StreamFigures,
}

fn state_of(site: &Site, with_viewing: bool) -> SiteState {
    let streams = site.streams().iter().map(|stream| StreamState {
        id: stream.id().to_owned(),
        input: stream.settings().input.clone(),
        format: stream.settings().format,
        viewers: site.viewers().count_of(stream.id()),
        ended: stream.is_closed(),
        mpeg1: site.mpeg1(stream.id()).map(|(_, mpeg1)| mpeg1.figures()),
        figures: stream.figures(),
    });
    SiteState {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: site.started_at().elapsed().as_secs_f64(),
        time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        viewers: site.viewers().totals(),
        streams: streams.collect(),
        viewing: with_viewing.then(|| site.viewers().figures()),
    }
}

/// `?viewing=0` leaves out the viewers one by one.
pub(super) async fn state(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Response {
    let with_viewing = !query.unwrap_or_default().split('&').any(|pair| pair == "viewing=0");
    ([(header::CACHE_CONTROL, "no-store")], Json(state_of(&site, with_viewing))).into_response()
}

/// Well as long as it answers: an input that is away comes back by itself, and no restart would help it.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Response {
    let content = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content, exposition(&state_of(&site, true))).into_response()
}

/// In the text format of Prometheus, version 0.0.4.
fn exposition(state: &SiteState) -> String {
    let mut page = Exposition(String::new());
    let stream = |stream: &StreamState| format!("{{stream=\"{}\"}}", escaped(&stream.id));
    let of_streams = |value: fn(&StreamFigures) -> Option<f64>| {
        state.streams.iter().filter_map(move |s| Some((stream(s), value(&s.figures)?)))
    };
    let one = |value: f64| std::iter::once((String::new(), value));
    page.family(
        "frames_total",
        "counter",
        "Pictures that the input has brought",
        of_streams(|s| Some(s.frames as f64)),
    );
    page.family("input_fps", "gauge", "Pictures a second that the input brings", of_streams(|s| Some(s.fps)));
    page.family("frames_lost_total", "counter", "Pictures lost before they came", of_streams(|s| Some(s.lost as f64)));
    let dropped = state.streams.iter().flat_map(|stream| {
        let id = escaped(&stream.id);
        let labels = move |cause| format!("{{stream=\"{id}\",cause=\"{cause}\"}}");
        stream.figures.dropped.iter().map(move |(cause, count)| (labels(cause), *count as f64))
    });
    page.family("dropped_total", "counter", "What came and was dropped before it was a picture", dropped);
    let help = "Pictures that came cut short or damaged, or that could not be made what the stream is to be";
    page.family("frames_broken_total", "counter", help, of_streams(|s| Some(s.broken as f64)));
    page.family("frames_converted_total", "counter", "Pictures encoded here", of_streams(|s| Some(s.converted as f64)));
    page.family("frame_age_seconds", "gauge", "Time since the newest picture", of_streams(|s| s.age_s));
    let up = |s: &StreamFigures| Some(f64::from(u8::from(s.lost_because.is_none())));
    page.family("input_up", "gauge", "0 while the input is away", of_streams(up));
    page.family("viewers", "gauge", "Who looks now", one(state.viewers.present as f64));
    page.family("viewers_max", "gauge", "Who may look at a time", one(state.viewers.most as f64));
    page.family("viewers_total", "counter", "Who has looked", one(state.viewers.served as f64));
    page.family("viewers_refused_total", "counter", "Who was not let in", one(state.viewers.refused as f64));
    page.family("delivered_total", "counter", "Frames given to viewers", one(state.viewers.frames as f64));
    page.family("replaced_total", "counter", "Frames replaced by newer ones", one(state.viewers.replaced as f64));
    viewing(&mut page, state);
    page.family("tasks", "gauge", "Tasks of the program", one(state.tasks as f64));
    page.0
}

/// Who looks, together for each stream: a series of each viewer would be one more, for ever, with everybody who comes.
fn viewing(page: &mut Exposition, state: &SiteState) {
    let (mut looking, mut fps, mut delays) = (Vec::new(), Vec::new(), Vec::new());
    for stream in &state.streams {
        let viewers: Vec<_> = state.viewing.iter().flatten().filter(|viewer| viewer.stream == stream.id).collect();
        let id = escaped(&stream.id);
        for kind in ViewerKind::ALL {
            let count = viewers.iter().filter(|viewer| viewer.kind == kind).count();
            looking.push((format!("{{stream=\"{id}\",kind=\"{}\"}}", kind.name()), count as f64));
        }
        fps.push((format!("{{stream=\"{id}\"}}"), viewers.iter().fold(0.0, |sum, viewer| sum + viewer.fps)));
        let mut sorted: Vec<f64> = viewers.iter().filter_map(|viewer| viewer.delay_ms).collect();
        sorted.sort_by(f64::total_cmp);
        for (quantile, delay) in [("0.5", sorted.get(sorted.len() / 2)), ("1", sorted.last())] {
            let labels = || format!("{{stream=\"{id}\",quantile=\"{quantile}\"}}");
            delays.extend(delay.map(|ms| (labels(), ms / 1000.0)));
        }
    }
    page.family("stream_viewers", "gauge", "Who looks at a stream now", looking.into_iter());
    page.family("delivered_fps", "gauge", "Frames a second that all viewers get together", fps.into_iter());
    let help = "From capture until a viewer's frame was with the kernel";
    page.family("viewer_delay_seconds", "gauge", help, delays.into_iter());
}

struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str, values: impl Iterator<Item = (String, f64)>) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP gateway_{name} {help}\n# TYPE gateway_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(self.0, "gateway_{name}{labels} {value}");
        }
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{End, Input, InputError, Outlet};
    use crate::site::SiteSettings;
    use crate::stream::{Stream, StreamSettings};
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};

    /// Brings nothing.
    struct Nothing;

    impl Input for Nothing {
        fn run(&mut self, _: &Outlet) -> Result<End, InputError> {
            Ok(End::Finished)
        }
    }

    /// What stands before each value.
    fn series(page: &str) -> BTreeSet<String> {
        let values = page.lines().filter(|line| !line.starts_with('#'));
        values.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    }

    #[tokio::test]
    async fn there_are_as_many_series_however_many_come_and_go() {
        let stream = |id| Arc::new(Stream::new(StreamSettings::new(id, "nothing"), Box::new(Nothing)));
        let site = Site::new(vec![stream("a"), stream("b")], SiteSettings::default());
        let page = || exposition(&state_of(&site, true));
        let look = |kind, delays: &[u64]| {
            let viewer = site.admit(&site.streams()[0], IpAddr::V4(Ipv4Addr::LOCALHOST), kind).unwrap();
            for delay in delays {
                viewer.delivered_at(SystemTime::now() - std::time::Duration::from_secs(*delay), 0);
            }
            viewer
        };
        let viewers =
            [look(ViewerKind::Jpeg, &[10]), look(ViewerKind::Jpeg, &[20]), look(ViewerKind::Mjpeg, &[99, 30])];
        let first = page();
        for line in [
            "gateway_stream_viewers{stream=\"a\",kind=\"jpeg\"} 2\n",
            "gateway_stream_viewers{stream=\"a\",kind=\"mjpeg\"} 1\n",
            "gateway_stream_viewers{stream=\"a\",kind=\"mpeg1\"} 0\n",
            "gateway_stream_viewers{stream=\"b\",kind=\"jpeg\"} 0\n",
            "gateway_delivered_fps{stream=\"b\"} 0\n",
        ] {
            assert!(first.contains(line), "{line}: {first}");
        }
        let delay = |quantile: &str| {
            let labels = format!("gateway_viewer_delay_seconds{{stream=\"a\",quantile=\"{quantile}\"}} ");
            let value = first.lines().find_map(|line| line.strip_prefix(&labels)).unwrap();
            value.parse::<f64>().unwrap().round()
        };
        assert_eq!([delay("0.5"), delay("1")], [20.0, 30.0]);
        drop(viewers);
        for _ in 0..10 {
            let _viewer = look(ViewerKind::Mpeg1, &[1]);
            assert_eq!(series(&page()), series(&first));
        }
    }
}
