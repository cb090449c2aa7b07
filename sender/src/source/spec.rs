//! What the user wrote after `--source`.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use terminal::url::without_password;

/// What the user wrote after `--source`. Displays as it is written, a scheme in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceSpec {
    /// `auto`: camera 0, or the test card where there is none.
    #[default]
    Auto,
    /// `test`: the test card.
    Test,
    /// `camera:N`.
    Camera(u32),
    /// `-`: motion JPEG on standard input.
    Stdin,
    /// `http://…`, `https://…`, `rtsp://…`, `rtsps://…`.
    Url(String),
    /// Anything else: a video or image file, a recording, a folder of images, or a pattern such as `frames/%06d.jpg` or
    /// `shots/*.png`.
    Path(PathBuf),
}

/// Why a source cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Nothing was written.
    #[error("the source is empty: write auto, test, camera:0, - or the name of a file")]
    Empty,
    /// `camera` without its number, or with something that is none.
    #[error("{written:?} names no camera: write camera:0 for the first, camera:1 for the second")]
    Camera {
        /// What was written.
        written: String,
    },
    /// An address of a kind that is not understood.
    #[error("{scheme}:// is not an address that can be played: http, https, rtsp and rtsps are")]
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
}

const SCHEMES: [&str; 4] = ["http", "https", "rtsp", "rtsps"];

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(written: &str) -> Result<Self, SpecError> {
        let no_camera = || SpecError::Camera { written: written.to_owned() };
        match written {
            "" => return Err(SpecError::Empty),
            "auto" => return Ok(Self::Auto),
            "test" => return Ok(Self::Test),
            "-" => return Ok(Self::Stdin),
            "camera" => return Err(no_camera()),
            _ => {}
        }
        if let Some(number) = written.strip_prefix("camera:") {
            let plain = number.bytes().all(|byte| byte.is_ascii_digit());
            return number.parse().ok().filter(|_| plain).map(Self::Camera).ok_or_else(no_camera);
        }
        let Some((scheme, rest)) = written.split_once("://") else { return Ok(Self::Path(written.into())) };
        // FFmpeg knows schemes in small letters only; they mean the same (RFC 3986 section 3.1).
        let lowered = scheme.to_ascii_lowercase();
        match scheme {
            _ if SCHEMES.contains(&lowered.as_str()) => Ok(Self::Url(format!("{lowered}://{rest}"))),
            _ if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Err(SpecError::Scheme { scheme: scheme.to_owned() })
            }
            _ => Ok(Self::Path(written.into())),
        }
    }
}

/// As it is written, a scheme in small letters, with a password that it has.
impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Test => f.write_str("test"),
            Self::Camera(number) => write!(f, "camera:{number}"),
            Self::Stdin => f.write_str("-"),
            Self::Url(url) => f.write_str(url),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl SourceSpec {
    /// What stands on the command line. What is no text can only be the name of a file.
    ///
    /// # Errors
    /// As [`FromStr`].
    pub fn of(written: &OsStr) -> Result<Self, SpecError> {
        written.to_str().map_or_else(|| Ok(Self::Path(written.into())), str::parse)
    }

    /// What it is called in messages and titles, where no user's name and password belong, nor what stands behind a
    /// question mark: cameras take passwords there too, and it may be long.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Url(url) => shown(url),
            other => other.to_string(),
        }
    }

    /// Whether it is a file, which has an end and can be played again, or may be one.
    pub(crate) fn may_be_a_file(&self) -> bool {
        match self {
            Self::Path(_) => true,
            Self::Url(url) => is_http(url),
            Self::Auto | Self::Test | Self::Camera(_) | Self::Stdin => false,
        }
    }
}

/// Whether an address is one of HTTP, which has files beside streams.
pub(super) fn is_http(url: &str) -> bool {
    url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
}

/// An address as messages show it: [without a password](without_password), and with the query cut off.
pub(super) fn shown(url: &str) -> String {
    let url = without_password(url);
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_understood_and_displays_as_written() {
        for (written, meant) in [
            ("auto", SourceSpec::Auto),
            ("test", SourceSpec::Test),
            ("camera:0", SourceSpec::Camera(0)),
            ("camera:12", SourceSpec::Camera(12)),
            ("-", SourceSpec::Stdin),
            ("rtsp://host/live", SourceSpec::Url("rtsp://host/live".into())),
            ("http://host:8080/stream", SourceSpec::Url("http://host:8080/stream".into())),
            ("./test", SourceSpec::Path("./test".into())),
            ("frames/%06d.jpg", SourceSpec::Path("frames/%06d.jpg".into())),
            ("clip.mp4", SourceSpec::Path("clip.mp4".into())),
        ] {
            assert_eq!(written.parse(), Ok(meant.clone()));
            assert_eq!(meant.to_string(), written);
        }
    }

    #[test]
    fn schemes_are_written_in_large_letters_too() {
        for (written, meant) in
            [("HTTP://Host/A", "http://Host/A"), ("Rtsps://me:P@host/Live", "rtsps://me:P@host/Live")]
        {
            assert_eq!(written.parse(), Ok(SourceSpec::Url(meant.to_owned())));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_a_file() {
        use std::os::unix::ffi::OsStrExt;
        let name = OsStr::from_bytes(b"a\xFF b/x.jpg");
        assert_eq!(SourceSpec::of(name), Ok(SourceSpec::Path(name.into())));
        assert_eq!(SourceSpec::of(OsStr::new("test")), Ok(SourceSpec::Test));
    }

    #[test]
    fn what_may_hold_a_password_is_taken_out_of_an_address() {
        for (url, told, shown) in [
            ("rtsp://me:p@ss@cam/live?a=b@c", "rtsp://cam/live?a=b@c", "rtsp://cam/live?…"),
            ("http://cam:80/a@b", "http://cam:80/a@b", "http://cam:80/a@b"),
            ("http://cam", "http://cam", "http://cam"),
        ] {
            assert_eq!(without_password(url), told);
            assert_eq!(url.parse::<SourceSpec>().unwrap().name(), shown);
        }
    }

    #[test]
    fn what_cannot_be_meant_says_what_to_write() {
        for written in ["camera", "camera:", "camera:-1", "camera:+1", "camera:one", "camera:99999999999"] {
            let error = written.parse::<SourceSpec>().unwrap_err();
            assert_eq!(error, SpecError::Camera { written: written.to_owned() });
            assert!(error.to_string().contains("camera:0"));
        }
        assert_eq!("".parse::<SourceSpec>(), Err(SpecError::Empty));
        assert_eq!("ftp://host/a".parse::<SourceSpec>(), Err(SpecError::Scheme { scheme: "ftp".into() }));
    }
}
