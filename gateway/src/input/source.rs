//! What the program `sender` plays: the test card, cameras, files, standard input, network streams other than motion
//! JPEG.

use sender::source::{self, Next, Source, SourceOptions, SourceSpec};

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
        let mut replaced = 0;
        while outlet.is_wanted() {
            match source.next()? {
                Next::Picture(captured) => outlet.put(captured.picture, captured.captured_at),
                Next::Waiting => {}
                Next::Ended => return Ok(End::Finished),
            }
            let now = source.replaced();
            outlet.lost(now.saturating_sub(replaced));
            replaced = now;
        }
        Ok(End::Unwanted)
    }
}

impl Input for SourceInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let mut source = source::open(&self.spec, &self.options)?;
        tracing::debug!(source = source.describe(), "plays");
        Self::play(&mut *source, outlet)
    }

    fn is_always_on(&self) -> bool {
        self.always_on
    }
}
