//! What goes over an Ethernet interface, packet by packet, past the network stack (packet(7)).

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvfrom, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeSpec;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// Bytes of receive buffer: some thousand packets, each charged with 2 KB.
const RECEIVE_BUFFER: usize = 16 << 20;

/// What the kernel says of a packet that the interface itself sends (packet(7), PACKET_OUTGOING).
const OUTGOING: u8 = 4;

/// Takes all that comes in by an interface, and sends by it.
#[derive(Debug)]
pub struct PacketSocket {
    interface: String,
    socket: OwnedFd,
    /// What had come in by the interface before.
    received_before: u64,
}

impl PacketSocket {
    /// Begins to take what comes in by the interface of this name.
    ///
    /// # Errors
    /// Where there is no such interface, or this process may not (CAP_NET_RAW).
    pub fn open(interface: &str) -> anyhow::Result<Self> {
        // The kernel's number of an interface, in the form of an address to bind to.
        let address = getifaddrs()?
            .filter(|found| found.interface_name == interface)
            .find_map(|found| found.address?.as_link_addr().copied())
            .with_context(|| format!("there is no interface {interface} here"))?;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)
            .context("cannot open a packet socket, which takes root")?;
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        bind(socket.as_raw_fd(), &address).with_context(|| format!("cannot bind to {interface}"))?;
        let mut opened = Self { interface: interface.into(), socket, received_before: 0 };
        // Until here the socket took what came by any interface.
        let mut buffer = [0; 1 << 16];
        while opened.recv(&mut buffer)?.is_some() {}
        opened.received_before = opened.interface_received()?;
        Ok(opened)
    }

    /// The next packet, whose length is given, or none if none waits. A longer one than `buffer` is cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn recv(&self, buffer: &mut [u8]) -> anyhow::Result<Option<usize>> {
        loop {
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), buffer) {
                Ok((_, Some(from))) if from.pkttype() == OUTGOING => {}
                Ok((len, _)) => return Ok(Some(len)),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error).with_context(|| format!("cannot receive from {}", self.interface)),
            }
        }
    }

    /// Sends a packet. False where the interface has no room for it.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&self, packet: &[u8]) -> anyhow::Result<bool> {
        loop {
            match send(self.socket.as_raw_fd(), packet, MsgFlags::empty()) {
                Ok(sent) => {
                    ensure!(sent == packet.len(), "{} took {sent} bytes of {}", self.interface, packet.len());
                    return Ok(true);
                }
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return Ok(false),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error).with_context(|| format!("cannot send by {}", self.interface)),
            }
        }
    }

    /// Waits until a packet has come, at most for so long.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, timeout: Duration) -> anyhow::Result<()> {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut fds, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot wait for {}", self.interface)),
        }
    }

    /// How many packets have come in by the interface since this was opened, as the interface itself counts.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn received(&self) -> anyhow::Result<u64> {
        Ok(self.interface_received()?.saturating_sub(self.received_before))
    }

    fn interface_received(&self) -> anyhow::Result<u64> {
        let path = format!("/sys/class/net/{}/statistics/rx_packets", self.interface);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        text.trim().parse().with_context(|| format!("no number in {path}"))
    }
}
