//! What the command line asks for, as the library takes it.

use std::net::SocketAddr;

use terminal::{Failure, HostPort};

use crate::cli::Cli;
use crate::source::SourceOptions;
use crate::{Builder, Upstream};

pub(super) fn of_stream(cli: &Cli) -> Result<Builder, Failure> {
    let builder = Upstream::builder().size(cli.size.map(pixels)).datagram_size(cli.datagram_size).tag(!cli.no_tag);
    let builder = builder.wire(cli.wire).fec(cli.fec).pace(cli.pace).busy_poll(cli.busy_poll);
    let mut builder = cli.sealing.apply(cli.multicast.apply(builder)?)?;
    for remote in &cli.remotes {
        builder = builder.remote(resolve(remote)?);
    }
    for address in cli.tcp.addresses() {
        builder = builder.listen(resolve(&address.map_err(Failure::usage)?)?, cli.tcp.framing());
    }
    if let Some(quality) = cli.quality {
        builder = builder.quality(quality);
    }
    if let Some(name) = &cli.name {
        builder = builder.name(name);
    }
    if let Some(frames) = cli.frames {
        builder = builder.max_frames(frames);
    }
    Ok(builder)
}

/// Of a name with addresses of both families an IPv4 one: receivers listen on 0.0.0.0 if not told otherwise, and would
/// never see what is sent to the `::1` that `localhost` often leads to first.
fn resolve(remote: &HostPort) -> Result<SocketAddr, Failure> {
    let addresses = remote.resolve_all()?;
    match addresses.iter().find(|address| address.is_ipv4()) {
        Some(&address) => Ok(address),
        None => Ok(remote.resolve()?),
    }
}

pub(super) fn of_source(cli: &Cli) -> SourceOptions {
    let Cli { fps, repeat, speed, .. } = *cli;
    SourceOptions { size: cli.size.map(pixels), fps, repeat, realtime: !cli.no_realtime, speed }
}

pub(super) fn pixels(size: terminal::Size) -> (u32, u32) {
    (size.width.get().into(), size.height.get().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_with_both_families_an_ipv4_address_is_taken() {
        let remote = |text| HostPort::remote(text).unwrap();
        assert!(resolve(&remote("localhost:9")).unwrap().is_ipv4());
        assert!(resolve(&remote("[::1]:9")).unwrap().is_ipv6());
    }
}
