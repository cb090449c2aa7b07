//! Many datagrams with one system call: GSO and GRO (udp(7), UDP_SEGMENT and UDP_GRO).

use crate::stamp::Incoming;
use bench::END;
use bench::arrivals::Arrivals;
use bench::load::ReceiveLoad;
use media::memory::{Memory, beginning};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// A batch is one UDP packet until it is cut: no longer than that may be.
const MAX_BATCH: usize = 65_507;

/// Bytes that one call can receive.
pub(crate) const LONGEST: usize = 65_535;

/// Whether a batch would hold more than one datagram of this size.
pub(crate) fn fits(datagram_size: usize) -> bool {
    datagram_size <= MAX_BATCH / 2
}

pub(crate) fn send(socket: &UdpSocket, frame: &[u8], datagram_size: usize, to: SocketAddr) -> anyhow::Result<u64> {
    let size = u16::try_from(datagram_size)?;
    let to = SockaddrStorage::from(to);
    for batch in frame.chunks(MAX_BATCH / datagram_size * datagram_size) {
        let control = [ControlMessage::UdpGsoSegments(&size)];
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(batch)], &control, MsgFlags::empty(), Some(&to))?;
    }
    Ok(frame.len().div_ceil(datagram_size) as u64)
}

pub(crate) fn receive(socket: &UdpSocket, load: &ReceiveLoad, granted: usize) -> anyhow::Result<()> {
    setsockopt(socket, sockopt::UdpGroSegment, &true)?;
    let mut memory = Memory::default().take(LONGEST);
    let begin = beginning(&memory);
    let buffer = &mut memory[begin..begin + LONGEST];
    let mut control = cmsg_space!(i32);
    let mut incoming = Incoming::default();
    let mut arrivals = Arrivals::begin(load, granted)?;
    loop {
        let (len, size) = {
            let mut room = [IoSliceMut::new(buffer)];
            let received =
                recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut room, Some(&mut control), MsgFlags::empty());
            let received = match received {
                Err(Errno::EINTR) => continue,
                received => received?,
            };
            // Without the message it is one datagram.
            let size = received.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::UdpGroSegments(size) => usize::try_from(size).ok(),
                _ => None,
            });
            (received.bytes, size.unwrap_or(received.bytes))
        };
        let batch = &buffer[..len];
        if batch == END {
            return arrivals.end();
        }
        arrivals.datagrams += len.div_ceil(size.max(1)) as u64;
        incoming.take(batch, &mut arrivals)?;
    }
}
