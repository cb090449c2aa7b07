//! What must hold whatever comes from outside: a function for each parser and each state machine, which takes any
//! bytes.
//!
//! `fuzz/` calls them with what a fuzzer makes up (`script/fuzz`); the test of this crate calls them with what is kept
//! in `fuzz/corpus`, in every run of the tests, without a fuzzer. To add one: a file here, a line in [`TARGETS`], a
//! file in `fuzz/fuzz_targets` and its lines in `fuzz/Cargo.toml`, and a folder with some real traffic in
//! `fuzz/corpus`.

pub mod announcer;
pub mod command_line;
pub mod config;
pub mod control;
#[path = "../../tests/link/mod.rs"]
mod link;
pub mod matroska;
pub mod mjpeg;
pub mod options;
pub mod pickle;
pub mod plain_wire;
pub mod reassembler;
pub mod redis;
pub mod repeater;
pub mod responder;
mod script;
pub mod sealed;
pub mod sequenced;
pub mod stream;
pub mod tag;

/// What is run on any bytes, and panics where something does not hold.
pub type Target = fn(&[u8]);

/// All of them, by the name of their folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 17] = [
    ("announcer", announcer::run),
    ("command_line", command_line::run),
    ("config", config::run),
    ("control", control::run),
    ("matroska", matroska::run),
    ("mjpeg", mjpeg::run),
    ("options", options::run),
    ("pickle", pickle::run),
    ("plain_wire", plain_wire::run),
    ("reassembler", reassembler::run),
    ("redis", redis::run),
    ("repeater", repeater::run),
    ("responder", responder::run),
    ("sealed", sealed::run),
    ("sequenced", sequenced::run),
    ("stream", stream::run),
    ("tag", tag::run),
];
