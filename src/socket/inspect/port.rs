//! Who has a UDP port.

use super::address_of_words;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// A socket of this machine that is bound to a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it is bound to.
    pub address: SocketAddr,
    /// Its owner's number.
    pub user: u32,
    /// The process that has it open, where we may know that.
    pub process: Option<Process>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// What the kernel calls it: the first 15 bytes of its program's name. May hold any character.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some(Process { id, name }) => write!(f, "{} (process {id})", name.escape_debug()),
            None => write!(f, "a program of user {}", self.user),
        }
    }
}

/// Sockets that stand in the way of binding to `address`, or take what is sent there: those of its port, at its address
/// or, on either side, at all addresses.
#[must_use]
pub fn holders(address: SocketAddr) -> Vec<Holder> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let sockets = bound(&read("/proc/net/udp")).chain(bound(&read("/proc/net/udp6"))).collect::<Vec<_>>();
    let overlapping = sockets.into_iter().filter(|socket| overlaps(address, socket.address));
    overlapping
        .map(|Bound { address, user, inode }| Holder {
            address,
            user,
            process: process_with(Path::new("/proc"), inode),
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    address: SocketAddr,
    user: u32,
    inode: u64,
}

fn overlaps(wanted: SocketAddr, had: SocketAddr) -> bool {
    let any = |ip: IpAddr| ip.is_unspecified();
    // A socket at :: has all IPv4 addresses too, unless it says otherwise, which is not listed.
    let (a, b) = (wanted.ip().to_canonical(), had.ip().to_canonical());
    wanted.port() == had.port()
        && (a == b || any(a) && (a.is_ipv6() || b.is_ipv4()) || any(b) && (b.is_ipv6() || a.is_ipv4()))
}

/// The sockets of /proc/net/udp or udp6: the second field is the address, the eighth the user, the tenth the inode.
fn bound(text: &str) -> impl Iterator<Item = Bound> {
    text.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        Some(Bound {
            address: SocketAddr::new(address_of_words(address)?, u16::from_str_radix(port, 16).ok()?),
            user: fields.get(7)?.parse().ok()?,
            inode: fields.get(9)?.parse().ok()?,
        })
    })
}

/// The process that has the socket open. Those of other users are only shown to root.
fn process_with(proc: &Path, inode: u64) -> Option<Process> {
    let link = format!("socket:[{inode}]");
    let numbered = |entry: std::fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()));
    let mut processes = std::fs::read_dir(proc).ok()?.filter_map(Result::ok).filter_map(numbered);
    let (id, path) = processes.find(|(_, path): &(u32, _)| {
        let open = std::fs::read_dir(path.join("fd")).into_iter().flatten().filter_map(Result::ok);
        open.map(|file| file.path()).any(|file| std::fs::read_link(file).is_ok_and(|to| to == Path::new(&link)))
    })?;
    let name = std::fs::read(path.join("comm")).unwrap_or_default();
    Some(Process { id, name: String::from_utf8_lossy(&name).trim_end().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_are_read_with_address_user_and_inode() {
        let text = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode \
                    ref pointer drops\n 1079: 0100007F:3039 00000000:0000 07 00000000:00000000 00:00000000 00000000  \
                    1000        0 48210 2 0000000000000000 0\n garbage\n";
        let sockets: Vec<_> = bound(text).collect();
        assert_eq!(sockets, [Bound { address: "127.0.0.1:12345".parse().unwrap(), user: 1000, inode: 48210 }]);
    }

    #[test]
    fn all_addresses_are_in_the_way_of_each() {
        for (wanted, had, expected) in [
            ("127.0.0.1:9", "127.0.0.1:9", true),
            ("127.0.0.1:9", "127.0.0.1:8", false),
            ("127.0.0.1:9", "127.0.0.2:9", false),
            ("127.0.0.1:9", "0.0.0.0:9", true),
            ("0.0.0.0:9", "127.0.0.1:9", true),
            ("[::]:9", "127.0.0.1:9", true),
            ("127.0.0.1:9", "[::]:9", true),
            ("0.0.0.0:9", "[::1]:9", false),
            ("[::1]:9", "0.0.0.0:9", false),
        ] {
            assert_eq!(overlaps(wanted.parse().unwrap(), had.parse().unwrap()), expected, "{wanted} {had}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_port_of_ours_is_ours() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let found = holders(socket.local_addr().unwrap());
        let process = found[0].process.as_ref().unwrap();
        assert_eq!((found.len(), process.id), (1, std::process::id()));
        assert!(found[0].to_string().ends_with(&format!("(process {})", process.id)));
    }

    #[test]
    fn without_a_process_the_user_is_named() {
        let holder = Holder { address: "0.0.0.0:9".parse().unwrap(), user: 1000, process: None };
        assert_eq!(holder.to_string(), "a program of user 1000");
        let process = Some(Process { id: 7, name: "a\x1b[2J".to_owned() });
        assert_eq!(Holder { process, ..holder }.to_string(), "a\\u{1b}[2J (process 7)");
    }
}
