//! The command line that all the programs share.

use crate::credit::Credit;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a sending end is to do.
#[derive(Debug, Args)]
pub struct SendLoad {
    /// Send there
    #[arg(long, value_name = "ADDR:PORT")]
    pub remote: SocketAddr,
    /// Folder of the pictures to send, in turn
    #[arg(long, value_name = "DIR")]
    pub pictures: PathBuf,
    /// End after so many
    #[arg(long, value_name = "N")]
    pub frames: u32,
    /// Frames a second; 0: as fast as it goes
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    pub fps: f64,
    /// Bytes of a datagram
    #[arg(long, value_name = "BYTES", default_value_t = 65_473)]
    pub datagram_size: usize,
    /// Flow control
    #[command(flatten)]
    pub credit: Credit,
}

/// What a receiving end is to do.
#[derive(Debug, Args)]
pub struct ReceiveLoad {
    /// Listen there
    #[arg(long, value_name = "ADDR:PORT")]
    pub bind: SocketAddr,
    /// Receive buffer to ask the kernel for
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    pub receive_buffer: usize,
    /// Flow control
    #[command(flatten)]
    pub credit: Credit,
}
