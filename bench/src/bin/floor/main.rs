//! The bare floor: the bytes of frames through the kernel, with no protocol. Whatever a protocol costs comes on top.
//!
//! Datagrams of 64 KB by plain `send_to` and `recv_from`; smaller ones in batches by GSO and GRO, or one by one with
//! `--no-gso`. Both sides block; nothing spins.

mod offload;
mod plain;
mod stamp;

use bench::load::{ReceiveLoad, SendLoad};
use bench::{pictures, sending, sockets};
use clap::Parser;
use std::net::UdpSocket;

/// The same bytes with no protocol
#[derive(Debug, Parser)]
enum Cli {
    /// Send frames
    Send {
        #[command(flatten)]
        load: SendLoad,
        /// One system call for each datagram
        #[arg(long)]
        no_gso: bool,
    },
    /// Receive frames
    Receive {
        #[command(flatten)]
        load: ReceiveLoad,
        /// One system call for each datagram
        #[arg(long)]
        no_gso: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Send { load, no_gso } => send(&load, !no_gso && offload::fits(load.datagram_size)),
        Cli::Receive { load, no_gso } => {
            let (socket, granted) = sockets::listen(load.bind, load.receive_buffer)?;
            if no_gso { plain::receive(&socket, &load, granted) } else { offload::receive(&socket, &load, granted) }
        }
    }
}

fn send(load: &SendLoad, gso: bool) -> anyhow::Result<()> {
    let mut frames = pictures::load(&load.pictures, "jpg")?;
    let socket: UdpSocket = sockets::sender()?;
    let in_turn = frames.len();
    let send_frame = |number: u32| {
        let frame = &mut frames[number as usize % in_turn];
        stamp::write(frame, number)?;
        if gso {
            offload::send(&socket, frame, load.datagram_size, load.remote)
        } else {
            plain::send(&socket, frame, load.datagram_size, load.remote)
        }
    };
    sending::run(load, send_frame, |end| socket.send_to(end, load.remote).map(drop))
}
