//! Shows live streams in browsers: motion JPEG, JPEGs and MPEG-1 over WebSockets, a page, Redis; for hundreds of
//! viewers.
//!
//! ```text
//!  input ──► Outlet ──► Shaper ──► Frame in a slot ──► MJPEG, JPEG over WebSocket: one task per viewer
//!  (own thread, while   (only what        │       ──► rendition: another size or quality, once for all who want it
//!   somebody looks)      is asked for)    └──────────► MPEG-1 encoder, Redis publisher
//! ```
//!
//! * [`stream::Stream`]: one source, however many look at it. [`Stream::watch`](stream::Stream::watch) is how anything
//!   takes its frames: the newest each, [`frame::Frame`]
//! * [`input`]: where pictures come from. To add one: see there
//! * [`site::Site`]: what one address serves: streams by id, and who looks
//! * [`http`]: what is answered to which path. To add an output: see there
//! * [`serve`]: connections; [`tls`]: https
//! * [`run`]: the program, from its options ([`cli`]) to its end; [`credential`]: what else it does
//! * [`config`]: what is to be served where, and the file that says so; `sites`: serving it, as it changes
//! * `protection`: who may look and https, from files that `renewal` looks at
//! * [`mpeg1`]: an encoder per stream, while somebody wants MPEG-1; [`publish`]: to Redis
//! * [`redis_frame`]: pictures as they go through Redis
//! * [`shape`]: size, flip and quality
//! * [`viewers`]: who looks, and what each gets

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod config;
pub mod credential;
pub mod frame;
pub mod http;
pub mod input;
pub mod mpeg1;
mod protection;
pub mod publish;
mod rate;
pub mod redis_frame;
mod renewal;
pub mod run;
pub mod serve;
pub mod shape;
pub mod site;
mod sites;
pub mod stream;
mod system;
mod text_file;
mod throughput;
pub mod tls;
pub mod viewers;
