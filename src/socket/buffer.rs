//! The kernel's receive buffer: what is asked for, what is granted, and whether a frame fits.

use socket2::SockRef;
use std::io;

/// Receive buffer asked for, in bytes: the largest frames that cameras make (4K at quality 95 is about 4 MB) twice
/// over, so that a receiver may sleep for a frame.
pub const WANTED_RECEIVE_BUFFER: usize = 8 << 20;

/// The least receive buffer that the kernel is trusted to hold for a frame of `n` bytes is `OVERHEAD * n`: each
/// datagram is charged with the memory it occupies, which for datagrams of MTU size is up to twice their length
/// (socket(7), SO_RCVBUF: "The kernel doubles this value to allow space for bookkeeping overhead").
const OVERHEAD: usize = 2;

/// What the kernel granted of the receive buffer asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Bytes asked for.
    pub asked: usize,
    /// Bytes of datagrams that the kernel will hold, bookkeeping not counted.
    pub granted: usize,
}

impl Granted {
    /// Whether a frame of so many bytes fits while nobody reads.
    #[must_use]
    pub fn holds(&self, frame_len: usize) -> bool {
        frame_len <= self.granted
    }

    /// The command that lets the kernel grant what was asked for.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!("sudo sysctl -w net.core.rmem_max={}", self.asked)
    }
}

/// Asks for a receive buffer of `bytes`. The kernel clamps silently (socket(7), rmem_max), so what it granted is read
/// back. A process that may (CAP_NET_ADMIN) goes past the limit.
pub(crate) fn request(socket: &std::net::UdpSocket, bytes: usize) -> io::Result<Granted> {
    let reference = SockRef::from(socket);
    // An int, of which the kernel would take the lower half of something longer.
    let asked = bytes;
    let bytes = bytes.min(i32::MAX as usize);
    if !force(socket, bytes) {
        reference.set_recv_buffer_size(bytes)?;
    }
    // Linux reports twice what was granted, and accounts for it so; elsewhere it is what it is.
    let reported = reference.recv_buffer_size()?;
    let granted = if cfg!(target_os = "linux") { reported / OVERHEAD } else { reported };
    Ok(Granted { asked, granted })
}

#[cfg(target_os = "linux")]
fn force(socket: &std::net::UdpSocket, bytes: usize) -> bool {
    nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::RcvBufForce, &bytes).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn force(_socket: &std::net::UdpSocket, _bytes: usize) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_read_back() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let granted = request(&socket, 100_000).unwrap();
        assert_eq!(granted, Granted { asked: 100_000, granted: 100_000 });
        assert!(granted.holds(100_000) && !granted.holds(100_001));
    }

    #[test]
    fn whoever_asks_for_all_there_is_gets_much() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let much = request(&socket, 100_000_000).unwrap().granted;
        for bytes in [1 << 31, 3 << 30, 1 << 32, usize::MAX] {
            let granted = request(&socket, bytes).unwrap();
            assert!(granted.asked == bytes && granted.granted >= much, "{granted:?}");
        }
    }

    #[test]
    fn the_remedy_is_a_command_with_the_number() {
        assert_eq!(Granted { asked: 5, granted: 1 }.remedy(), "sudo sysctl -w net.core.rmem_max=5");
    }
}
