//! From a raw picture to a decoded one, across the network: what a person waits for, camera and screen aside.

use anyhow::Context;
use bench::arrivals::now;
use bench::load::{ReceiveLoad, SendLoad};
use bench::pictures::{self, HEIGHT, QUALITY, WIDTH};
use bench::protocol::{self, Outlet};
use bench::sending;
use clap::{Parser, ValueEnum};
use media::codec::{Decoder, Encoder, Scale};
use media::{Image, PixelFormat};
use std::cell::RefCell;
use std::time::Duration;

/// Raw picture to decoded picture, at 1080p
#[derive(Debug, Parser)]
enum Cli {
    /// Encode and send pictures
    Send {
        #[command(flatten)]
        load: SendLoad,
        /// What the camera delivers
        #[arg(long, value_enum, default_value = "i420")]
        raw: Raw,
    },
    /// Receive and decode to BGR
    Receive(ReceiveLoad),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Raw {
    I420,
    Bgr,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Send { load, raw } => send(&load, raw),
        Cli::Receive(load) => receive(&load),
    }
}

fn send(load: &SendLoad, raw: Raw) -> anyhow::Result<()> {
    let (extension, format) = match raw {
        Raw::I420 => ("i420", PixelFormat::I420),
        Raw::Bgr => ("bgr", PixelFormat::Bgr),
    };
    let images = pictures::load(&load.pictures, extension)?
        .into_iter()
        .map(|pixels| Image::new(WIDTH, HEIGHT, format, pixels))
        .collect::<Result<Vec<_>, _>>()
        .context("a raw picture is not of the size that `pictures` makes")?;
    let mut encoder = Encoder::new()?;
    let outlet = RefCell::new(Outlet::open(load)?);
    let send = |number: u32| {
        let captured_at = now()?;
        let jpeg = encoder.encode(&images[number as usize % images.len()], QUALITY)?;
        outlet.borrow_mut().send(&jpeg, number, captured_at)
    };
    sending::run(load, send, |end| outlet.borrow().send_end(end))
}

fn receive(load: &ReceiveLoad) -> anyhow::Result<()> {
    let mut decoder = Decoder::new()?;
    let mut image = Image::zeroed(WIDTH, HEIGHT, PixelFormat::Bgr)?;
    protocol::receive(load, |frame, tag, arrivals| {
        decoder.decode_into(&frame.jpeg, PixelFormat::Bgr, Scale::Full, &mut image)?;
        arrivals.arrived(tag.number, Duration::from_micros(tag.captured_at))
    })
}
