//! What a message says, and why it says nothing that can be read.

use std::borrow::Cow;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::FrameError;

/// What a message says. Whatever else stands in it is left out.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "data")]
    pub(super) data: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "size")]
    pub(super) size: Option<[u32; 2]>,
    #[serde(default, deserialize_with = "frame_number")]
    pub(super) frame_number: Option<u64>,
    /// Seconds since 1970, of our own JPEGs.
    #[serde(default, deserialize_with = "captured_at")]
    pub(super) captured_at: Option<f64>,
}

impl<'a> Message<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, FrameError> {
        match serde_json::from_slice(payload) {
            // A list of four would be taken, too.
            Ok(message) if begins_an_object(payload) => Ok(message),
            Ok(_) => Err(FrameError::NoObject),
            Err(error) => Err(wrong(payload, &error)),
        }
    }
}

fn begins_an_object(payload: &[u8]) -> bool {
    payload.trim_ascii_start().starts_with(b"{")
}

/// What people are told of a message that is not read because of `error`. Nothing of it is quoted: it may be a picture.
fn wrong(payload: &[u8], error: &serde_json::Error) -> FrameError {
    match serde_json::from_slice::<IgnoredAny>(payload) {
        Err(syntax) if syntax.is_eof() => FrameError::Json("it ends too early".to_owned()),
        Err(syntax) => FrameError::Json(syntax.to_string()),
        Ok(_) if !begins_an_object(payload) => FrameError::NoObject,
        Ok(_) => {
            let (text, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
            FrameError::Form(text.strip_suffix(&place).unwrap_or(&text).to_owned())
        }
    }
}

/// A text that lies where it is as long as nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn data<'de: 'a, 'a, D: Deserializer<'de>>(value: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    let text = Option::<Text<'_>>::deserialize(value);
    text.map(|text| text.map(|text| text.0))
        .map_err(|_| D::Error::custom("\"data\" is not a text: it has to be the picture in base64"))
}

fn size<'de, D: Deserializer<'de>>(value: D) -> Result<Option<[u32; 2]>, D::Error> {
    Option::deserialize(value).map_err(|_| D::Error::custom("\"size\" is not two whole numbers, such as [480, 640]"))
}

fn frame_number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(value).map_err(|_| D::Error::custom("\"frame_number\" is not a whole number"))
}

fn captured_at<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    let wrong = "\"captured_at\" is not a number: it has to be seconds since 1970";
    Option::deserialize(value).map_err(|_| D::Error::custom(wrong))
}
