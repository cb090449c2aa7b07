//! Flow control for full speed: beside the network, so that it is the same for everybody.
//!
//! At full speed a sender without flow control fills the receiver's buffer, and what is lost there distorts what a
//! frame costs. With credit only so many frames are on their way as the receive buffer holds.

use clap::Args;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// How both ends are told about it.
#[derive(Debug, Args)]
pub struct Credit {
    /// FIFO through which the receiver lets the sender go on, so that none is lost at full speed
    #[arg(long, value_name = "FIFO")]
    credit: Option<PathBuf>,
    /// Frames that may be on their way
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,
}

impl Credit {
    /// Frames for which one byte goes back: half the window, so that neither side has to wait for each frame.
    fn group(&self) -> u32 {
        (self.window / 2).max(1)
    }
}

/// The sending end.
#[derive(Debug)]
pub struct Spend {
    fifo: File,
    group: u32,
    /// The first frame that may not be sent yet.
    end: u32,
}

impl Spend {
    /// Opens the FIFO, if there is one, and waits for the other end.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(credit: &Credit) -> io::Result<Option<Self>> {
        let Some(fifo) = &credit.credit else { return Ok(None) };
        Ok(Some(Self { fifo: File::open(fifo)?, group: credit.group(), end: credit.window }))
    }

    /// Waits until frame `number` may be sent.
    ///
    /// # Errors
    /// What the system says; above all the end of the file, when the receiver has ended.
    pub fn wait(&mut self, number: u32) -> io::Result<()> {
        while number >= self.end {
            self.fifo.read_exact(&mut [0])?;
            self.end += self.group;
        }
        Ok(())
    }
}

/// The receiving end.
#[derive(Debug)]
pub struct Grant {
    fifo: File,
    group: u32,
    granted: u32,
}

impl Grant {
    /// Opens the FIFO, if there is one, and waits for the other end.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(credit: &Credit) -> io::Result<Option<Self>> {
        let Some(fifo) = &credit.credit else { return Ok(None) };
        Ok(Some(Self { fifo: OpenOptions::new().write(true).open(fifo)?, group: credit.group(), granted: 0 }))
    }

    /// Says that frame `number` has been taken, and with it all before, lost ones too.
    ///
    /// # Errors
    /// What the system says.
    pub fn taken(&mut self, number: u32) -> io::Result<()> {
        while self.granted < (number + 1) / self.group {
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
