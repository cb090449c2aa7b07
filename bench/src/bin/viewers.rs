//! Viewers of motion JPEG over HTTP, many at once in one process, and how late each picture is.
//!
//! The pictures say when they were taken: sixteen digits in a comment right at the front, microseconds since 1970, as
//! `bench/suite/peers/v4l2_device.c` and `stamped_feed.py` write them.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::Serialize;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sixteen digits behind SOI, the marker of the comment and its length (T.81 B.2.4.5).
const STAMP: std::ops::Range<usize> = 6..22;

/// Viewers come one after another, as long apart: all at once would overflow the queue of those that wait to be
/// accepted.
const APART: Duration = Duration::from_millis(2);

/// Many viewers of motion JPEG over HTTP
#[derive(Debug, Parser)]
struct Cli {
    /// Where the server listens
    #[arg(long, value_name = "ADDR:PORT")]
    address: SocketAddr,
    /// What to ask for
    #[arg(long)]
    path: String,
    /// How many look
    #[arg(long, value_name = "N")]
    viewers: usize,
    /// How many more ask for the stream and read nothing of it
    #[arg(long, value_name = "N", default_value_t = 0)]
    idle: usize,
    /// What is counted begins after so many seconds with all of them
    #[arg(long)]
    settle: f64,
    /// And lasts so many
    #[arg(long)]
    seconds: f64,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Figures {
    frames: usize,
    seconds: f64,
    fps: f64,
    fewest: usize,
    latency_us: [u64; 3],
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(look(&cli))
}

async fn look(cli: &Cli) -> Result<()> {
    let begin = Instant::now() + APART * u32::try_from(cli.viewers)? + Duration::from_secs_f64(cli.settle);
    let end = begin + Duration::from_secs_f64(cli.seconds);
    let mut idle = Vec::new();
    for _ in 0..cli.idle {
        idle.push(ask(cli.address, &cli.path).await?);
    }
    let mut viewers = tokio::task::JoinSet::new();
    for _ in 0..cli.viewers {
        viewers.spawn(view(cli.address, cli.path.clone(), begin, end));
        tokio::time::sleep(APART).await;
    }
    tokio::time::sleep_until(begin.into()).await;
    // Whoever measures the server reads this and begins, and the other line and ends.
    bench::report::print(&serde_json::json!({"begin": true}))?;
    tokio::time::sleep_until(end.into()).await;
    bench::report::print(&serde_json::json!({"end": true}))?;
    let (mut late, mut fewest) = (Vec::new(), usize::MAX);
    while let Some(viewer) = viewers.join_next().await {
        let delays = viewer.context("a viewer failed")??;
        fewest = fewest.min(delays.len());
        late.extend(delays);
    }
    ensure!(!late.is_empty(), "no picture came");
    late.sort_unstable();
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    let (frames, seconds) = (late.len(), cli.seconds);
    let latency_us = [at(0.5), at(0.99), at(1.0)];
    // Until here they were there.
    drop(idle);
    bench::report::print(&Figures { frames, seconds, fps: frames as f64 / seconds, fewest, latency_us })
}

/// Asks for the stream.
async fn ask(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// Reads to the end; the delays, in µs, of the pictures whose last byte came between `begin` and `end`.
async fn view(address: SocketAddr, path: String, begin: Instant, end: Instant) -> Result<Vec<u64>> {
    let mut stream = ask(address, &path).await?;
    let (mut buffer, mut filled) = (vec![0; 1 << 16], 0);
    let mut delays = Vec::new();
    loop {
        // The head of a part, and with it some of the picture.
        let (head, len) = loop {
            if let Some(found) = part(&buffer[..filled])? {
                break found;
            }
            ensure!(filled < buffer.len(), "a head without end");
            let now = tokio::time::timeout_at(end.into(), stream.read(&mut buffer[filled..])).await;
            match now {
                Err(_) => return Ok(delays),
                Ok(Ok(0)) => bail!("the server ended the stream"),
                Ok(read) => filled += read?,
            }
        };
        let mut seen = filled - head;
        let mut kept = [0; STAMP.end];
        let mut have = seen.min(STAMP.end);
        kept[..have].copy_from_slice(&buffer[head..head + have]);
        while seen < len {
            let read = tokio::time::timeout_at(end.into(), stream.read(&mut buffer)).await;
            let read = match read {
                Err(_) => return Ok(delays),
                Ok(read) => read?,
            };
            ensure!(read > 0, "the server ended the stream within a picture");
            let wanted = (STAMP.end - have).min(read);
            kept[have..have + wanted].copy_from_slice(&buffer[..wanted]);
            have += wanted;
            (seen, filled) = (seen + read, read);
        }
        let now = Instant::now();
        if now >= begin {
            delays.push(delay(&kept)?);
        }
        // What came with the end of the picture belongs to the next.
        let rest = seen - len;
        buffer.copy_within(filled - rest..filled, 0);
        filled = rest;
    }
}

/// Where the picture begins of the first part in `bytes`, and how long it is; `None` if its head has not come whole.
fn part(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let Some(at) = text.find("content-length:") else { return Ok(None) };
    let Some(head) = bytes[at..].windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let value = text[at + "content-length:".len()..].lines().next().unwrap_or_default();
    Ok(Some((at + head + 4, value.trim().parse().context("a length that is none")?)))
}

fn delay(front: &[u8; STAMP.end]) -> Result<u64> {
    let taken: u64 = std::str::from_utf8(&front[STAMP])?.parse().context("the picture has no stamp")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(u64::try_from(now.as_micros())?.saturating_sub(taken))
}
