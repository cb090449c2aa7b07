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

/// A wait that takes less was none: that long the call itself takes.
const AT_ONCE: Duration = Duration::from_micros(10);

/// Where seconds have 32 bits, they are no more.
const LONGEST_WAIT: Duration = Duration::from_secs(i32::MAX as u64);

/// What is in the buffer, and when the kernel received it.
pub(super) type Taken = (Landed, Option<SystemTime>);

/// What there is to one socket's datagrams beside their bytes.
#[derive(Debug)]
pub(super) struct Inlet {
    control: Vec<u8>,
    kernel_drops: u32,
    /// What SO_RCVTIMEO is set to.
    patience: Option<Duration>,
    /// Whether the last wait for so long was in vain.
    ran_out: bool,
    /// Whether what came last had to be waited for: then what comes next probably has to, too, and to look whether it
    /// is there already would be a call for nothing.
    had_to_wait: bool,
}

/// The waits that one call both waits for and takes what comes (SO_RCVTIMEO), the longest first: shorter ones are too
/// short for the clock that this goes by (jiffies, up to 10 ms), and few different ones spare setting it again and
/// again.
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
        Self {
            control: nix::cmsg_space!(TimeSpec, u32, i32),
            kernel_drops: 0,
            patience: None,
            ran_out: false,
            had_to_wait: false,
        }
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
        while let Some(longest) = PATIENCE.into_iter().find(|&patience| patience <= left) {
            // As long as datagrams come sooner, a shorter wait than need be costs nothing; another one is a call of its
            // own.
            let patience = self.patience.filter(|patience| *patience <= longest && !self.ran_out).unwrap_or(longest);
            if self.patience != Some(patience) {
                socket.set_read_timeout(Some(patience))?;
                self.patience = Some(patience);
            }
            let taken = self.take_by(socket, buffer, MsgFlags::empty())?;
            let waited = since.elapsed();
            self.ran_out = taken.is_none();
            left = left.saturating_sub(waited);
            // A moment less than asked for is not worth another call, and a signal ends the wait.
            if taken.is_some() || waited < patience || left < NOT_WORTH_A_CALL {
                return Ok(taken);
            }
            since += waited;
        }
        if !self.had_to_wait
            && let Some(taken) = self.take(socket, buffer)?
        {
            return Ok(Some(taken));
        }
        let is_there = wait(&[socket], left)?;
        self.had_to_wait = since.elapsed() > AT_ONCE;
        if is_there { self.take(socket, buffer) } else { Ok(None) }
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
pub(super) fn wait(sockets: &[&UdpSocket], timeout: Duration) -> io::Result<bool> {
    match sockets {
        // Where datagrams are received, nothing is allocated for one.
        [one] => wait_for(&mut [readable(one)], timeout),
        several => wait_for(&mut several.iter().map(|socket| readable(socket)).collect::<Vec<_>>(), timeout),
    }
}

/// Waits until one of these has what is wanted of it; false if none has after `timeout`, or a signal came.
pub(super) fn wait_for(poll: &mut [PollFd<'_>], timeout: Duration) -> io::Result<bool> {
    // What the kernel cannot count is for ever.
    let timeout = (timeout < LONGEST_WAIT).then(|| TimeSpec::from_duration(timeout));
    match ppoll(poll, timeout, None) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn readable(socket: &UdpSocket) -> PollFd<'_> {
    PollFd::new(socket.as_fd(), PollFlags::POLLIN)
}

fn socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
