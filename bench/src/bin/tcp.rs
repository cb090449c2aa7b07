//! Frames over TCP as fast as they go, by the crates `sender` and `receiver`, between two processes.

use anyhow::{Context, bail, ensure};
use bench::pictures::{self, HEIGHT, WIDTH};
use bench::report;
use clap::{Args, Parser, Subcommand, ValueEnum};
use media::{Image, Picture, PixelFormat};
use receiver::{Downstream, Taken};
use sender::source::Captured;
use sender::{Framing, Upstream};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Without a frame for so long, the other end hangs or has never been there.
const SILENCE: Duration = Duration::from_secs(20);

/// Frames over TCP, as fast as they go
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    end: End,
}

#[derive(Debug, Subcommand)]
enum End {
    /// Listen, and send to the first that connects
    Send {
        #[command(flatten)]
        load: Load,
        /// Folder of the pictures to send, in turn: *.jpg, or *.bgr for pickles
        #[arg(long, value_name = "DIR")]
        pictures: PathBuf,
    },
    /// Connect, and receive
    Receive(Load),
}

#[derive(Debug, Args)]
struct Load {
    /// Where the sending end listens
    #[arg(long, value_name = "ADDR:PORT")]
    address: SocketAddr,
    /// How frames are told apart
    #[arg(long, value_enum)]
    framing: FramingName,
    /// End after so many
    #[arg(long, value_name = "N")]
    frames: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramingName {
    Upstream,
    Pickle,
}

/// What the Python peers of the tests say, too.
#[derive(Debug, Serialize)]
struct Received {
    /// Frames that came.
    frames: u32,
    /// Bytes of their pictures.
    bytes: u64,
    /// From the first frame to the last.
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Sent {
    frames: u64,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().end {
        End::Send { load, pictures } => send(&load, &pictures),
        End::Receive(load) => receive(&load),
    }
}

impl From<FramingName> for Framing {
    fn from(name: FramingName) -> Self {
        match name {
            FramingName::Upstream => Self::Upstream,
            FramingName::Pickle => Self::Pickle,
        }
    }
}

fn send(load: &Load, folder: &Path) -> anyhow::Result<()> {
    // Before anybody can connect: reading the pictures is not measured.
    let pictures = match load.framing {
        FramingName::Upstream => {
            pictures::load(folder, "jpg")?.into_iter().map(|jpeg| Picture::Jpeg(jpeg.into())).collect::<Vec<_>>()
        }
        FramingName::Pickle => pictures::load(folder, "bgr")?
            .into_iter()
            .map(|pixels| Image::shared(WIDTH, HEIGHT, PixelFormat::Bgr, pixels.into()).map(Picture::Raw))
            .collect::<Result<_, _>>()
            .context("a raw picture is not of the size that `pictures` makes")?,
    };
    // Not live: each frame waits for the one before, and none is replaced.
    let mut upstream = Upstream::builder().listen(load.address, load.framing.into()).live(false).start()?;
    ensure!(upstream.wait_until_begun(SILENCE)?, "nobody has connected");
    for picture in pictures.iter().cycle().take(load.frames as usize) {
        upstream.send(Captured::now(picture.clone()))?;
    }
    report::print(&Sent { frames: upstream.close()?.frames })
}

fn receive(load: &Load) -> anyhow::Result<()> {
    let downstream = Downstream::builder()
        .connect(load.address.ip().to_string(), load.address.port(), load.framing.into())
        .max_frames(load.frames.into())
        .hold()
        .start()?;
    let frames = downstream.every("bench");
    downstream.release();
    let mut received = Received { frames: 0, bytes: 0, seconds: 0.0 };
    let mut first = None;
    loop {
        match frames.take(SILENCE) {
            Taken::Value(frame) => {
                received.frames += 1;
                received.bytes += frame.byte_len() as u64;
                received.seconds = first.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
            }
            Taken::Closed => break,
            Taken::TimedOut => bail!("no frame for {} s", SILENCE.as_secs()),
        }
    }
    ensure!(frames.overflowed() == 0, "{} frames found the queue full", frames.overflowed());
    report::print(&received)
}
