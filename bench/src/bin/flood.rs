//! Strangers that send to a port as fast as they are told to.

use anyhow::{Context, ensure};
use bench::strangers::Kind;
use clap::Parser;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};
use serde::Serialize;
use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Floods a port with datagrams from many ports of this machine.
///
/// Prints what was sent when it is done, a JSON object.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Where to
    #[arg(long, value_name = "ADDR:PORT")]
    to: SocketAddr,
    /// Of which kind
    #[arg(long)]
    kind: Kind,
    /// Datagrams a second, if this machine can
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rate: u32,
    /// For so long
    #[arg(long)]
    seconds: f64,
    /// Strangers, each with a port
    #[arg(long, value_name = "N", default_value_t = 64)]
    strangers: usize,
    /// The same seed gives the same datagrams
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Datagrams that are sent again and again: more than a receiver keeps in mind of any source.
const DIFFERENT: usize = 16_384;

/// Datagrams to a call, all of one stranger.
const BATCH: usize = 32;

/// What came of it.
#[derive(Debug, Serialize)]
struct Flooded {
    sent: u64,
    /// That the system refused: no buffers, or nobody listens there.
    refused: u64,
    seconds: f64,
    rate: f64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.rate > 0 && options.strangers > 0, "--rate and --strangers are at least 1");
    ensure!(options.seconds > 0.0 && options.seconds < 1e6, "--seconds is not a time");
    let mut random = fastrand::Rng::with_seed(options.seed);
    let datagrams = options.kind.datagrams(&mut random, DIFFERENT);
    let strangers = (0..options.strangers).map(|_| stranger(options.to)).collect::<anyhow::Result<Vec<_>>>()?;
    let (begin, lasting) = (Instant::now(), Duration::from_secs_f64(options.seconds));
    let (mut sent, mut refused) = (0_u64, 0_u64);
    let batches = datagrams.chunks(BATCH).cycle().zip(strangers.iter().cycle());
    for (batch, stranger) in batches {
        let due = Duration::from_secs_f64((sent + refused) as f64 / f64::from(options.rate));
        let elapsed = begin.elapsed();
        if elapsed >= lasting {
            break;
        }
        std::thread::sleep(due.saturating_sub(elapsed));
        let went = send(stranger, batch)?;
        sent += went as u64;
        refused += (batch.len() - went) as u64;
    }
    let seconds = begin.elapsed().as_secs_f64();
    bench::report::print(&Flooded { sent, refused, seconds, rate: sent as f64 / seconds })
}

fn stranger(to: SocketAddr) -> anyhow::Result<UdpSocket> {
    ensure!(to.is_ipv4(), "{to} is not IPv4");
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot open a socket")?;
    socket.connect(to).with_context(|| format!("there is no way to {to}"))?;
    socket.set_multicast_ttl_v4(1)?;
    Ok(socket)
}

/// How many of these the system took.
fn send(from: &UdpSocket, datagrams: &[Vec<u8>]) -> anyhow::Result<usize> {
    let slices: Vec<_> = datagrams.iter().map(|datagram| [IoSlice::new(datagram)]).collect();
    let mut headers = MultiHeaders::<()>::preallocate(slices.len(), None);
    match sendmmsg(from.as_raw_fd(), &mut headers, &slices, vec![None; slices.len()], [], MsgFlags::empty()) {
        Ok(sent) => Ok(sent.count()),
        // Nobody listens there any more, the link is down, or its queue is full: a stranger goes on.
        Err(Errno::ECONNREFUSED | Errno::ENOBUFS | Errno::ENETDOWN | Errno::ENETUNREACH | Errno::EAGAIN) => Ok(0),
        Err(error) => Err(error).context("cannot send"),
    }
}
