//! Receiving on Linux: recvmsg(2) with control messages, ppoll(2).

use crate::landing::Landed;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant, SystemTime};

/// So much of a wait may be left out.
const NOT_WORTH_A_CALL: Duration = Duration::from_millis(10);

/// What is in the buffer, and when the kernel received it.
pub(super) type Taken = (Landed, Option<SystemTime>);

/// What there is to one socket's datagrams beside their bytes.
#[derive(Debug)]
pub(super) struct Inlet {
    control: Vec<u8>,
    kernel_drops: u32,
    /// What SO_RCVTIMEO is set to.
    patience: Option<Duration>,
}

/// The waits that one call both waits for and takes what comes (SO_RCVTIMEO), the longest first: shorter ones are too
/// short for the clock that this goes by (jiffies, up to 10 ms), and few different ones spare setting it again and again.
const PATIENCE: [Duration; 3] = [Duration::from_secs(1), Duration::from_millis(200), Duration::from_millis(40)];

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
        Self { control: nix::cmsg_space!(TimeSpec, u32, i32), kernel_drops: 0, patience: None }
    }

    /// Takes a datagram if there is one, or several of one sender that the kernel has joined. Does not wait.
    pub(super) fn take(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<Taken>> {
        self.take_by(socket, buffer, MsgFlags::MSG_DONTWAIT)
    }

    /// The same, but waits for it, at most for about `timeout`.
    pub(super) fn take_within(
        &mut self,
        socket: &UdpSocket,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> io::Result<Option<Taken>> {
        // To wait in the call that takes costs a third of what another call for it does.
        let (mut left, mut since) = (timeout, Instant::now());
        while let Some(patience) = PATIENCE.into_iter().find(|&patience| patience <= left) {
            if self.patience != Some(patience) {
                socket.set_read_timeout(Some(patience))?;
                self.patience = Some(patience);
            }
            let taken = self.take_by(socket, buffer, MsgFlags::empty())?;
            let waited = since.elapsed();
            left = left.saturating_sub(waited);
            // A moment less than asked for is not worth another call, and a signal ends the wait.
            if taken.is_some() || waited < patience || left < NOT_WORTH_A_CALL {
                return Ok(taken);
            }
            since += waited;
        }
        let taken = self.take(socket, buffer)?;
        if taken.is_none() && wait([socket], left)? { self.take(socket, buffer) } else { Ok(taken) }
    }

    fn take_by(&mut self, socket: &UdpSocket, buffer: &mut [u8], flags: MsgFlags) -> io::Result<Option<Taken>> {
        loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let received = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut self.control), flags);
            let message = match received {
                Ok(message) => message,
                Err(Errno::EAGAIN) => return Ok(None),
                // Whoever waits may have something else to do now.
                Err(Errno::EINTR) if flags.is_empty() => return Ok(None),
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
            return Ok(Some((Landed { source, len: message.bytes, datagram_len }, arrived_at)));
        }
    }

    /// Datagrams that the kernel has dropped since the socket was opened.
    pub(super) fn kernel_drops(&self) -> u32 {
        self.kernel_drops
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
