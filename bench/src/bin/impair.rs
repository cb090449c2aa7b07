//! A bad link: carries packets from one Ethernet interface to another and back, and loses, delays, doubles, reorders
//! and damages some, as told. Addresses and groups pass unchanged. It takes root, and belongs between two veth pairs,
//! whose far ends have their offloads off: `ethtool -K eth0 tx off gso off tso off gro off tx-udp-segmentation off`.

use anyhow::Context;
use bench::impairment::{Counters, Impairment, Settings};
use bench::packet_socket::PacketSocket;
use clap::Parser;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Carries packets between two interfaces as a bad link does, until SIGTERM or SIGINT.
///
/// LINK is KEY=VALUE,…: loss (percent in all), burst (mean packets of a bad time; without it each packet is lost for
/// itself), within (percent lost in a bad time, default 100), delay and jitter (ms), reorder (percent held back) and
/// reorder-by (ms), duplicate and flip (percent). A flipped datagram has a right checksum, so that it reaches the
/// program.
///
/// Prints {"ready": true} when it carries, and its counters when it ends, one JSON object a line.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The interface at one end
    a: String,
    /// The interface at the other
    b: String,
    /// What happens to packets from A to B
    #[arg(long, value_name = "LINK", default_value = "")]
    forth: Settings,
    /// What happens to packets from B to A
    #[arg(long, value_name = "LINK", default_value = "")]
    back: Settings,
    /// The same seed and the same packets in both directions give the same losses
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Packets that are taken before those that are due go out. A frame's batch is about 16.
const BATCH: usize = 32;

/// Longer than any packet, also than one that an offload has made of many, so that these are seen and not cut.
const BUFFER_LEN: usize = 1 << 18;

/// What has happened in one direction.
#[derive(Debug, Serialize)]
struct Carried {
    #[serde(flatten)]
    counters: Counters,
    /// Packets that came in by the interface and were not taken here: this program was too slow.
    missed: u64,
    /// Packets that the other interface had no room for.
    refused: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let a = PacketSocket::open(&options.a)?;
    let b = PacketSocket::open(&options.b)?;
    let forth = Impairment::new(options.forth, options.seed);
    // Another direction, another fate.
    let back = Impairment::new(options.back, options.seed ^ u64::MAX);
    println!("{}", serde_json::json!({ "ready": true }));
    let (forth, back) = std::thread::scope(|scope| {
        let back = scope.spawn(|| carry(&b, &a, back, &stop));
        let forth = carry(&a, &b, forth, &stop);
        (forth, back.join())
    });
    let back = back.map_err(|_| anyhow::anyhow!("a thread panicked"))?;
    println!("{}", serde_json::json!({ "forth": forth?, "back": back? }));
    Ok(())
}

/// Carries packets in one direction until it is to stop. What is on its way then is dropped.
fn carry(from: &PacketSocket, to: &PacketSocket, mut link: Impairment, stop: &AtomicBool) -> anyhow::Result<Carried> {
    // Or the kernel would put sleeping off by up to 50 µs.
    nix::sys::prctl::set_timerslack(1).context("cannot set the timer slack")?;
    let result = carry_on(from, to, &mut link, stop);
    // The other direction is of no use without this one.
    stop.store(true, Ordering::Relaxed);
    let refused = result?;
    let counters = link.counters();
    let missed = from.received()?.saturating_sub(counters.packets);
    Ok(Carried { counters, missed, refused })
}

fn carry_on(from: &PacketSocket, to: &PacketSocket, link: &mut Impairment, stop: &AtomicBool) -> anyhow::Result<u64> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut refused = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = link.poll_timeout().map_or(LOOK, |due| due.saturating_duration_since(Instant::now()));
        from.wait(due.min(LOOK))?;
        let now = Instant::now();
        for _ in 0..BATCH {
            let Some(len) = from.recv(&mut buffer)? else { break };
            link.push(now, buffer[..len].to_vec());
        }
        let now = Instant::now();
        while let Some(packet) = link.poll(now) {
            refused += u64::from(!to.send(&packet)?);
        }
    }
    // What has come meanwhile was not missed.
    while let Some(len) = from.recv(&mut buffer)? {
        link.push(Instant::now(), buffer[..len].to_vec());
    }
    Ok(refused)
}
