//! The loop of a sending end.

use crate::credit::Spend;
use crate::load::SendLoad;
use crate::pace::Pace;
use crate::report::{self, Sent};
use crate::{END, WARM_UP, usage};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The last frame gets this long to be taken before the end is said, and so long lies between the repeats.
const PAUSE: Duration = Duration::from_millis(60);
/// The end is said so often, as it may be lost like any datagram.
const TIMES: u32 = 3;

/// Sends each frame when it is due, says what it cost, and then says to the receiver that this was all.
///
/// `send` is given the frame's number and sends it; it tells how many datagrams that took. `send_end` sends [`END`].
///
/// # Errors
/// The first failure of either, or of the credit.
pub fn run(
    load: &SendLoad,
    mut send: impl FnMut(u32) -> anyhow::Result<u64>,
    send_end: impl Fn(&[u8]) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut spend = Spend::open(&load.credit)?;
    let mut datagrams = 0;
    let mut before = None;
    let begin = Instant::now();
    let pace = Pace::new(load.fps)?;
    for number in 0..load.frames {
        if number == WARM_UP {
            before = Some(usage::cpu_time()?);
        }
        pace.wait(number)?;
        if let Some(spend) = &mut spend {
            spend.wait(number)?;
        }
        datagrams += send(number)?;
    }
    let cpu_us = match before {
        Some(before) => Some((usage::cpu_time()? - before).as_secs_f64() * 1e6 / f64::from(load.frames - WARM_UP)),
        None => None,
    };
    let seconds = begin.elapsed().as_secs_f64();
    for _ in 0..TIMES {
        sleep(PAUSE);
        send_end(END)?;
    }
    report::print(&Sent { frames: load.frames, datagrams, seconds, cpu_us })
}
