//! The crate `segment` alone, between two processes: what the protocol costs.

use bench::arrivals::now;
use bench::load::{ReceiveLoad, SendLoad};
use bench::protocol::{self, Outlet};
use bench::{pictures, sending};
use clap::Parser;
use media::memory;
use std::cell::RefCell;
use std::time::Duration;

/// The library, one thread a side
#[derive(Debug, Parser)]
enum Cli {
    /// Send frames
    Send(SendLoad),
    /// Receive frames
    Receive(ReceiveLoad),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Send(load) => {
            // In memory as the sender's sources have them.
            let frames: Vec<_> = pictures::load(&load.pictures, "jpg")?.iter().map(|jpeg| memory::copy(jpeg)).collect();
            let outlet = RefCell::new(Outlet::open(&load)?);
            let send = |number: u32| {
                let frame = &frames[number as usize % frames.len()];
                outlet.borrow_mut().send(frame, number, now()?)
            };
            sending::run(&load, send, |end| outlet.borrow().send_end(end))
        }
        Cli::Receive(load) => protocol::receive(&load, |_, tag, arrivals| {
            arrivals.arrived(tag.number, Duration::from_micros(tag.captured_at))
        }),
    }
}
