//! The bare floor: the bytes of frames through the kernel, with no protocol. Whatever a protocol costs comes on top.
//!
//! Datagrams of 64 KB by plain `send_to` and `recv_from`; smaller ones in batches by GSO and GRO, or one by one with
//! `--no-gso`. Both sides block; nothing spins. With `--stdin` the sender reads its frames from a pipe, whose length it
//! knows beforehand.

mod offload;
mod plain;
mod stamp;

use bench::load::{ReceiveLoad, SendLoad};
use bench::{pictures, sending, sockets};
use clap::Parser;
use nix::fcntl::{FcntlArg, fcntl};
use std::fs::File;
use std::io::{self, Read};
use std::net::UdpSocket;
use std::os::fd::AsFd;

/// What the pipe is asked to hold: as much as the program `sender` asks for.
const PIPE_BYTES: i32 = 256 << 10;

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
        /// Read the pictures from standard input, where they come in turn, each when it is due
        #[arg(long)]
        stdin: bool,
        /// Have at least so many pictures in memory, in place of as many as there are files: as who could send them
        /// again
        #[arg(long, value_name = "N")]
        keep: Option<usize>,
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
        Cli::Send { load, no_gso, stdin, keep } => {
            send(&load, !no_gso && offload::fits(load.datagram_size), stdin, keep)
        }
        Cli::Receive { load, no_gso } => {
            let (socket, granted) = sockets::listen(load.bind, load.receive_buffer)?;
            if no_gso { plain::receive(&socket, &load, granted) } else { offload::receive(&socket, &load, granted) }
        }
    }
}

fn send(load: &SendLoad, gso: bool, from_stdin: bool, keep: Option<usize>) -> anyhow::Result<()> {
    let files = pictures::load(&load.pictures, "jpg")?;
    // All files equally often: the lengths come in their turn, too.
    let in_turn = keep.unwrap_or(1).max(1).next_multiple_of(files.len());
    let mut frames: Vec<_> = files.iter().cycle().take(in_turn).cloned().collect();
    let socket: UdpSocket = sockets::sender()?;
    let mut pipe = from_stdin.then(pipe).transpose()?;
    let send_frame = |number: u32| {
        let frame = &mut frames[number as usize % in_turn];
        if let Some(pipe) = &mut pipe {
            pipe.read_exact(frame)?;
        }
        stamp::write(frame, number)?;
        if gso {
            offload::send(&socket, frame, load.datagram_size, load.remote)
        } else {
            plain::send(&socket, frame, load.datagram_size, load.remote)
        }
    };
    sending::run(load, send_frame, |end| socket.send_to(end, load.remote).map(drop))
}

fn pipe() -> anyhow::Result<File> {
    let pipe = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES))?;
    Ok(pipe)
}
