//! Under construction.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
fn main() {}
