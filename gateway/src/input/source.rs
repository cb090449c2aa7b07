//! What the program `sender` plays: the test card, cameras, files, standard input, network streams other than motion
//! JPEG.

use sender::source::{self, Next, Source, SourceError, SourceOptions, SourceSpec};

use super::spec::shown;
use super::{End, Input, InputError, Outlet};

/// A source of `sender`, opened when somebody looks.
#[derive(Debug)]
pub struct SourceInput {
    spec: SourceSpec,
    options: SourceOptions,
    always_on: bool,
}

impl SourceInput {
    /// The source that `spec` names. Files are played again and again.
    #[must_use]
    pub fn new(spec: SourceSpec, size: Option<(u32, u32)>, fps: Option<f64>) -> Self {
        // Whoever writes into a pipe is not to wait for a viewer.
        let always_on = spec == SourceSpec::Stdin;
        let repeat = !always_on;
        Self { spec, options: SourceOptions { size, fps, repeat, ..SourceOptions::default() }, always_on }
    }

    fn play(source: &mut dyn Source, outlet: &Outlet) -> Result<End, InputError> {
        let (mut replaced, mut broken) = (0, 0);
        // Of those that were broken, how many had come by the last picture.
        let mut before = 0;
        while outlet.is_wanted() {
            match source.next()? {
                Next::Picture(captured) => {
                    outlet.put(captured.picture, captured.captured_at);
                    before = source.broken();
                }
                Next::Waiting => outlet.check_silence(broken > before),
                Next::Ended => return Ok(End::Finished),
            }
            let now = source.replaced();
            outlet.lost(now.saturating_sub(replaced));
            replaced = now;
            let now = source.broken();
            outlet.broken(now.saturating_sub(broken));
            broken = now;
        }
        Ok(End::Unwanted)
    }
}

impl Input for SourceInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let mut source = source::open(&self.spec, &self.options).map_err(|error| told(&self.spec, error))?;
        tracing::debug!(source = source.describe(), "plays");
        Self::play(&mut *source, outlet)
    }

    fn is_always_on(&self) -> bool {
        self.always_on
    }
}

/// Why a source is not there, as viewers may be told it: with no more of its address than they are shown.
fn told(spec: &SourceSpec, error: SourceError) -> InputError {
    let (said, name) = (error.to_string(), spec.name());
    match spec {
        SourceSpec::Url(url) if name != shown(url) && said.contains(&name) => said.replace(&name, &shown(url)).into(),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_are_not_told_a_password_behind_the_question_mark() {
        let spec: SourceSpec = "rtsp://ann:secret@camera/live?password=hidden".parse().unwrap();
        let error = SourceError::Url { url: spec.name(), timeout: std::time::Duration::from_secs(5) };
        let told = told(&spec, error).to_string();
        assert!(told.starts_with("cannot open rtsp://camera/live?…: "), "{told}");
        assert!(!told.contains("secret") && !told.contains("hidden"), "{told}");
    }
}
