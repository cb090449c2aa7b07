//! The other program of this workspace, for tests of both together.
//!
//! Of the workspace, not of one crate; a test includes it by `#[path]`.

use std::path::Path;
use std::process::Command;

/// The program `name`, which cargo puts beside `ours`.
///
/// Testing the whole workspace builds it first. Testing one crate does not: then it is built here if there is none, and
/// whoever has changed it builds it anew.
pub(crate) fn beside(ours: &str, name: &str, arguments: &[&str]) -> Command {
    let path = Path::new(ours).with_file_name(name);
    if !path.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", name, "--bin", name]);
        // The profile's folder is "debug" for the profile "dev".
        if path.parent().is_some_and(|folder| folder.ends_with("release")) {
            cargo.arg("--release");
        }
        let built = cargo.status().unwrap_or_else(|error| panic!("cargo does not run: {error}"));
        assert!(built.success() && path.exists(), "cannot build {}", path.display());
    }
    let mut command = Command::new(path);
    command.args(arguments).env_remove("RUST_LOG").env_remove("DISPLAY");
    command
}
