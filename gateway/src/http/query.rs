//! `?fps=`, `?size=`, `?quality=`: what a viewer asks of the pictures.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Problem;
use crate::shape::Shape;

/// The lowest and highest rate that can be asked for, in frames a second.
const MIN_FPS: f64 = 0.01;
const MAX_FPS: f64 = 1000.0;

/// What a viewer asks of the pictures. Other parameters are not ours: many clients add one against caches.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PictureQuery {
    /// At most so many frames a second.
    pub fps: Option<f64>,
    /// Size and quality.
    pub shape: Shape,
    /// Over a WebSocket: say before each picture when it was captured.
    pub times: bool,
}

impl PictureQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// [`Problem`] 400, which says what may be asked for.
    pub fn read(query: &str) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let pairs = query.split('&').filter(|pair| pair.contains('='));
        for (name, value) in pairs.flat_map(|pair| url::form_urlencoded::parse(pair.as_bytes())) {
            match &*name {
                "fps" => asked.fps = Some(fps(&value)?),
                "size" => asked.shape.size = Some(size(&value)?),
                "times" => asked.times = value != "0",
                "quality" => asked.shape.quality = Some(quality(&value)?),
                _ => {}
            }
        }
        Ok(asked)
    }
}

fn fps(value: &str) -> Result<f64, Problem> {
    value
        .parse()
        .ok()
        .filter(|fps| (MIN_FPS..=MAX_FPS).contains(fps))
        .ok_or_else(|| Problem::bad_request(format!("fps is frames a second, from {MIN_FPS} to {MAX_FPS}: ?fps=10")))
}

fn size(value: &str) -> Result<(u32, u32), Problem> {
    value
        .split_once(['x', 'X', ','])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|&(width, height)| Shape::is_size(width, height))
        .ok_or_else(|| {
            Problem::bad_request("size is width and height in pixels, no larger than 7680x4320: ?size=640x480")
        })
}

fn quality(value: &str) -> Result<u8, Problem> {
    value
        .parse()
        .ok()
        .filter(|quality| (1..=100).contains(quality))
        .ok_or_else(|| Problem::bad_request("quality is that of JPEG, from 1 to 100: ?quality=70"))
}

impl<S: Sync> FromRequestParts<S> for PictureQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood() {
        let asked = PictureQuery::read("fps=12.5&size=640x480&quality=70&_=1699").unwrap();
        let shape = Shape { size: Some((640, 480)), quality: Some(70), flip: false };
        assert_eq!(asked, PictureQuery { fps: Some(12.5), shape, times: false });
        // As URLSearchParams and forms write it, too.
        for size in ["size=640,480", "size=640%2C480", "size=640%78480"] {
            assert_eq!(PictureQuery::read(size).unwrap().shape.size, Some((640, 480)), "{size}");
        }
        assert!(PictureQuery::read("fps&times=1").unwrap().times);
        assert_eq!(PictureQuery::read(""), Ok(PictureQuery::default()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in
            ["fps=0", "fps=-1", "fps=nan", "fps=", "size=0x5", "size=9", "size=65536x1", "quality=0", "quality=101"]
        {
            assert!(PictureQuery::read(query).is_err(), "{query}");
        }
    }
}
