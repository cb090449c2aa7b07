//! Flow control for full speed: beside the network, so that it is the same for everybody.
//!
//! At full speed a sender without flow control fills the receiver's buffer, and what is lost there distorts what a frame
//! costs. With credit at most [`WINDOW`] frames are on their way.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Frames on their way at most: 2.6 MB at 165 KB a frame, which datagrams of 1,472 bytes make 4.2 MB of the kernel's
/// memory. A receive buffer of 4 MiB, which the kernel doubles, holds that.
const WINDOW: u32 = 16;
/// Frames for which one byte goes back: half the window, so that neither side has to wait for each frame.
const GROUP: u32 = 8;

/// The sending end.
#[derive(Debug)]
pub struct Spend(File);

impl Spend {
    /// Opens the FIFO, and waits for the other end.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(fifo: &Path) -> io::Result<Self> {
        File::open(fifo).map(Self)
    }

    /// Waits until frame `number` may be sent.
    ///
    /// # Errors
    /// What the system says; above all the end of the file, when the receiver has ended.
    pub fn wait(&mut self, number: u32) -> io::Result<()> {
        if number >= WINDOW && number.is_multiple_of(GROUP) {
            self.0.read_exact(&mut [0])?;
        }
        Ok(())
    }
}

/// The receiving end.
#[derive(Debug)]
pub struct Grant {
    fifo: File,
    granted: u32,
}

impl Grant {
    /// Opens the FIFO, and waits for the other end.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(fifo: &Path) -> io::Result<Self> {
        Ok(Self { fifo: OpenOptions::new().write(true).open(fifo)?, granted: 0 })
    }

    /// Says that frame `number` has been taken, and with it all before, lost ones too.
    ///
    /// # Errors
    /// What the system says.
    pub fn taken(&mut self, number: u32) -> io::Result<()> {
        while self.granted < (number + 1) / GROUP {
            self.granted += 1;
            match self.fifo.write_all(&[1]) {
                // The sender has sent its last frame and needs no more.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                result => result?,
            }
        }
        Ok(())
    }
}
