//! One picture.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{PictureQuery, Problem, find};
use crate::frame::Frame;
use crate::shape::Shape;
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
    let frame = match stream.newest(FRESH).filter(|_| asked.shape == Shape::default()) {
        Some(frame) => frame,
        None => next(stream, asked.shape, PATIENCE).await?,
    };
    let jpeg = frame.jpeg().ok_or_else(|| Problem::unavailable("the picture is no JPEG"))?.clone();
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::HeaderName::from_static("x-timestamp"), timestamp(&frame)),
    ];
    Ok((headers, Body::from(jpeg)).into_response())
}

/// The next frame; where that takes long because the source is slow, the newest.
async fn next(stream: &Stream, shape: Shape, patience: Duration) -> Result<Arc<Frame>, Problem> {
    let mut watching = stream.watch_shaped(shape).map_err(|error| Problem::unavailable(error.to_string()))?;
    let still = stream.still(shape);
    if let Ok(next) = tokio::time::timeout(patience, watching.next()).await {
        return next.ok_or_else(|| Problem::unavailable("the stream has ended"));
    }
    let newest = stream.current(patience).ok_or_else(|| no_picture(stream))?;
    // Of a fast source, too, where it brings pictures that cannot be decoded.
    still.of(newest).await.map_err(|error| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            format!("the source's picture cannot be made a JPEG of this kind: {error}"),
        )
    })
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

    /// Brings two pictures, two seconds one after the other, and then none for a long time.
    struct Slow;

    impl Input for Slow {
        fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
            let image = media::Image::zeroed(16, 16, media::PixelFormat::Bgr)?;
            let jpeg = media::codec::Encoder::new()?.encode(&image, 80)?;
            for _ in 0..2 {
                outlet.put(media::Picture::Jpeg(jpeg.clone()), SystemTime::now());
                std::thread::sleep(Duration::from_secs(2));
            }
            while outlet.is_wanted() {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(End::Unwanted)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_newest_picture_of_a_slow_source_is_given_where_the_next_one_takes_long() {
        let stream = Stream::new(StreamSettings::new("a", "slow"), Box::new(Slow));
        let mut watching = stream.watch(Want::Jpeg);
        for _ in 0..2 {
            watching.next().await.unwrap();
        }
        // Who comes now is not given it at once any more.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let moment = Duration::from_millis(20);
        let smaller = Shape { size: Some((8, 8)), ..Shape::default() };
        for (shape, size) in [(Shape::default(), (16, 16)), (smaller, (8, 8))] {
            let frame = next(&stream, shape, moment).await.unwrap();
            assert_eq!(media::codec::Decoder::header(frame.jpeg().unwrap()).unwrap(), size);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_newest_picture_of_a_slow_source_is_made_once_for_all_who_ask_for_the_same() {
        let stream = Stream::new(StreamSettings::new("a", "slow"), Box::new(Slow));
        let mut watching = stream.watch(Want::Jpeg);
        for _ in 0..2 {
            watching.next().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let smaller = Shape { size: Some((8, 8)), ..Shape::default() };
        // Who comes a moment later finds it too, as long as there is one who waits.
        let held = stream.still(smaller);
        let stream = Arc::new(stream);
        let asked = (0..12).map(|_| {
            let stream = Arc::clone(&stream);
            async move { next(&stream, smaller, Duration::from_millis(20)).await }
        });
        let frames = asked.collect::<tokio::task::JoinSet<_>>().join_all().await;
        let places = frames.iter().map(|frame| frame.as_ref().unwrap().jpeg().unwrap().as_ptr());
        assert_eq!(places.collect::<std::collections::BTreeSet<_>>().len(), 1);
        drop(held);
    }

    /// Brings, again and again, what is a JPEG by its headers and cannot be decoded.
    struct Undecodable;

    impl Input for Undecodable {
        fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
            let image = media::Image::zeroed(16, 16, media::PixelFormat::Bgr)?;
            let mut jpeg = media::codec::Encoder::new()?.encode(&image, 80)?.to_vec();
            // No Huffman table says what follows.
            let tables = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC4]).ok_or("there are tables")?;
            jpeg[tables + 4..tables + 20].fill(0xFF);
            while outlet.is_wanted() {
                outlet.put(media::Picture::Jpeg(jpeg.clone().into()), SystemTime::now());
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(End::Unwanted)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_gets_none_because_it_cannot_be_decoded_is_told_so() {
        let stream = Stream::new(StreamSettings::new("a", "undecodable"), Box::new(Undecodable));
        let mut watching = stream.watch(Want::Jpeg);
        watching.next().await.unwrap();
        let smaller = Shape { size: Some((8, 8)), ..Shape::default() };
        let problem = next(&stream, smaller, Duration::from_millis(200)).await.unwrap_err();
        let said = problem.to_string();
        assert!(said.starts_with("the source's picture cannot be made a JPEG of this kind: "), "{said}");
        assert_eq!(problem.into_response().status(), StatusCode::BAD_GATEWAY);
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
