//! What this machine says about its own network: interfaces, memberships, ports and counters. Nothing here sends.
//!
//! Most of it is Linux's /proc and /sys. Where a file is not there nothing is known, and nothing is said.
//!
//! * [`Link`]: an interface, and what is in the way of live video on it
//! * [`Finding`]: what is not as live video wants it, in a sentence, with [`Remedy`]s
//! * [`is_listed`]: whether the kernel lists a group as joined
//! * [`holders`]: who has a port
//! * [`Counters`]: packets that came to this machine and to no program
//! * [`is_silent`]: whether a neighbour does not answer
//! * [`Guard`]: the program that keeps the firewall's rules

mod counters;
mod finding;
mod guard;
mod joined;
mod link;
mod neighbour;
mod port;
mod remedy;

pub use counters::{Counters, Swallowed};
pub use finding::Finding;
pub use guard::Guard;
pub use joined::is_listed;
pub use link::{Link, Need};
pub use neighbour::is_silent;
pub use port::{Holder, Process, holders};
pub use remedy::Remedy;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address as /proc/net prints it: in hexadecimal, each 32 bits as a number of this machine.
fn address_of_words(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut octets = [0; 16];
            octets.iter_mut().zip(words.as_flattened()).for_each(|(octet, byte)| *octet = *byte);
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proc_are_read() {
        for (text, address) in [
            ("0100007F", "127.0.0.1"),
            ("471D03E0", "224.3.29.71"),
            ("00000000000000000000000000000000", "::"),
            ("0000000000000000FFFF00000100007F", "::ffff:127.0.0.1"),
            ("B80D0120000000000000000001000000", "2001:db8::1"),
        ] {
            assert_eq!(address_of_words(text), Some(address.parse().unwrap()));
        }
        for text in ["", "0100007", "0100007G", "0100007F0", "né00007F"] {
            assert_eq!(address_of_words(text), None, "{text}");
        }
    }
}
