//! One picture.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{PictureQuery, Problem, find};
use crate::frame::Frame;
use crate::site::Site;
use crate::stream::Stream;

/// How long to wait for a picture: opening a camera takes a second or two.
const PATIENCE: Duration = Duration::from_secs(5);

/// A picture that came within this time counts as the one of this moment.
const FRESH: Duration = Duration::from_millis(200);

pub(super) async fn default(site: State<Arc<Site>>, asked: PictureQuery) -> Result<Response, Problem> {
    snapshot(&site, "", asked).await
}

pub(super) async fn by_id(
    site: State<Arc<Site>>,
    Path(id): Path<String>,
    asked: PictureQuery,
) -> Result<Response, Problem> {
    snapshot(&site, &id, asked).await
}

pub(super) async fn snapshot(site: &Site, id: &str, asked: PictureQuery) -> Result<Response, Problem> {
    let stream = find(site, id)?;
    let is_plain = asked.shape == PictureQuery::default().shape;
    let frame = match stream.newest(FRESH).filter(|_| is_plain) {
        Some(frame) => frame,
        None => {
            let mut watching =
                stream.watch_shaped(asked.shape).map_err(|error| Problem::unavailable(error.to_string()))?;
            let next = tokio::time::timeout(PATIENCE, watching.next()).await;
            next.map_err(|_| no_picture(stream))?.ok_or_else(|| Problem::unavailable("the stream has ended"))?
        }
    };
    let jpeg = frame.jpeg().ok_or_else(|| Problem::unavailable("the picture is no JPEG"))?.clone();
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::HeaderName::from_static("x-timestamp"), timestamp(&frame)),
    ];
    Ok((headers, Body::from(jpeg)).into_response())
}

fn no_picture(stream: &Stream) -> Problem {
    let because = stream.figures().lost_because.map(|reason| format!(": {reason}")).unwrap_or_default();
    Problem::new(StatusCode::GATEWAY_TIMEOUT, format!("the source gives no picture{because}"))
}

/// When a frame was captured, in seconds since 1970, as `X-Timestamp` says it.
pub(super) fn timestamp(frame: &Frame) -> String {
    let since = frame.captured_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}", since.as_secs(), since.subsec_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{End, Input, InputError, Outlet};
    use crate::stream::{StreamSettings, Want};

    /// Is never there.
    struct Away;

    impl Input for Away {
        fn run(&mut self, _: &Outlet) -> Result<End, InputError> {
            Err("the cable was pulled".into())
        }
    }

    #[tokio::test]
    async fn who_gets_no_picture_is_told_why() {
        let stream = Stream::new(StreamSettings::new("a", "camera"), Box::new(Away));
        assert_eq!(no_picture(&stream).to_string(), "the source gives no picture");
        let _watching = stream.watch(Want::Jpeg);
        let is_lost = async {
            while stream.figures().lost_because.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), is_lost).await.unwrap();
        assert_eq!(no_picture(&stream).to_string(), "the source gives no picture: the cable was pulled");
    }
}
