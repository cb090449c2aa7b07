//! Recordings, as ffmpeg reads them.

use super::Clip;
use std::path::Path;
use std::process::{Command, Stdio};

/// What ffmpeg found in a recording.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which pictures, one after another.
    pub(crate) pictures: Vec<usize>,
    /// Bytes after these: a piece of a picture.
    pub(crate) rest: usize,
}

/// The pictures that ffmpeg finds from `seek` seconds on, untouched, whether or not it complains at the end.
pub(crate) fn frames_in(file: &Path, seek: f64, clip: &Clip) -> Found {
    let (pictures, rest) = clip.split(&bytes_in(file, seek));
    Found { pictures, rest }
}

/// The pictures that ffmpeg finds from `seek` seconds on, untouched, one after another.
pub(crate) fn bytes_in(file: &Path, seek: f64) -> Vec<u8> {
    let (seek, file) = (seek.to_string(), file.to_str().unwrap());
    output("ffmpeg", &["-v", "quiet", "-ss", &seek, "-i", file, "-c", "copy", "-f", "image2pipe", "-"])
}

/// What ffprobe tells about a file.
pub(crate) fn probe(file: &Path, arguments: &[&str]) -> String {
    let arguments = [&["-v", "quiet", "-of", "csv=p=0"], arguments, &[file.to_str().unwrap()]].concat();
    String::from_utf8(output("ffprobe", &arguments)).unwrap().trim().trim_end_matches(',').to_owned()
}

fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    ran.unwrap_or_else(|error| panic!("{program} does not run: {error}; script/bootstrap installs it")).stdout
}
