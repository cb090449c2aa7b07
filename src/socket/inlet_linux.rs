//! Receiving on Linux: recvmsg(2) with control messages, ppoll(2).

use super::Received;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime};

/// Room for the longest datagram that UDP can say (RFC 768, 16-bit length), so that none is ever cut; nor is what
/// UDP_GRO joins any longer (udp(7)).
const BUFFER_LEN: usize = 65_535;

/// Who sent what is in the buffer, how many bytes that is, those of each datagram but the last, and when the kernel
/// received it.
pub(super) type Taken = (SocketAddr, usize, usize, Option<SystemTime>);

/// What one socket's datagrams are received into.
#[derive(Debug)]
pub(super) struct Inlet {
    datagrams: Box<[u8]>,
    control: Vec<u8>,
    kernel_drops: u32,
}

impl Inlet {
    pub(super) fn new(socket: &UdpSocket) -> Self {
        // All are comforts: without them the time of reading stands in, drops go uncounted, and each datagram costs a
        // call of its own.
        for (option, result) in [
            ("UDP_GRO", setsockopt(socket, sockopt::UdpGroSegment, &true)),
            ("SO_TIMESTAMPNS", setsockopt(socket, sockopt::ReceiveTimestampns, &true)),
            ("SO_RXQ_OVFL", setsockopt(socket, sockopt::RxqOvfl, &1)),
        ] {
            if let Err(error) = result {
                tracing::debug!(option, %error, "the kernel does not have this option");
            }
        }
        Self {
            datagrams: vec![0; BUFFER_LEN].into_boxed_slice(),
            control: nix::cmsg_space!(TimeSpec, u32, i32),
            kernel_drops: 0,
        }
    }

    /// Takes a datagram if there is one, or several of one sender that the kernel has joined. Does not wait.
    pub(super) fn take(&mut self, socket: &UdpSocket) -> io::Result<Option<Taken>> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.datagrams)];
            let received = recvmsg::<SockaddrStorage>(
                socket.as_raw_fd(),
                &mut parts,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            );
            let message = match received {
                Ok(message) => message,
                Err(Errno::EAGAIN) => return Ok(None),
                // An ICMP error for something that was sent earlier says nothing about what comes in.
                Err(Errno::EINTR | Errno::ECONNREFUSED) => continue,
                Err(error) => return Err(error.into()),
            };
            let (mut arrived_at, mut datagram_len) = (None, message.bytes);
            for control in message.cmsgs()? {
                match control {
                    ControlMessageOwned::ScmTimestampns(time) => {
                        arrived_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from(time));
                    }
                    ControlMessageOwned::RxqOvfl(drops) => self.kernel_drops = drops,
                    ControlMessageOwned::UdpGroSegments(len) => {
                        datagram_len = usize::try_from(len).unwrap_or(datagram_len);
                    }
                    _ => {}
                }
            }
            // A datagram without a sender's address cannot come from a UDP socket.
            let Some(source) = message.address.as_ref().and_then(socket_addr) else { continue };
            return Ok(Some((source, message.bytes, datagram_len, arrived_at)));
        }
    }

    /// What was taken.
    pub(super) fn received(&self, (source, len, datagram_len, arrived_at): Taken) -> Received<'_> {
        Received { source, bytes: &self.datagrams[..len], datagram_len, arrived_at, kernel_drops: self.kernel_drops }
    }
}

/// Waits until one of the sockets has a datagram; false if none has after `timeout`.
pub(super) fn wait<const N: usize>(sockets: [&UdpSocket; N], timeout: Duration) -> io::Result<bool> {
    let mut poll = sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
    match ppoll(&mut poll, Some(TimeSpec::from_duration(timeout)), None) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
