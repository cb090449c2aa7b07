//! One system call for each datagram, as the standard library has them.

use crate::stamp::Incoming;
use bench::END;
use bench::arrivals::Arrivals;
use bench::load::ReceiveLoad;
use media::memory::{Memory, beginning};
use std::net::{SocketAddr, UdpSocket};

use crate::offload::LONGEST;

pub(crate) fn send(socket: &UdpSocket, frame: &[u8], datagram_size: usize, to: SocketAddr) -> anyhow::Result<u64> {
    let mut datagrams = 0;
    for datagram in frame.chunks(datagram_size) {
        socket.send_to(datagram, to)?;
        datagrams += 1;
    }
    Ok(datagrams)
}

pub(crate) fn receive(socket: &UdpSocket, load: &ReceiveLoad, granted: usize) -> anyhow::Result<()> {
    let mut memory = Memory::default().take(LONGEST);
    let begin = beginning(&memory);
    let buffer = &mut memory[begin..begin + LONGEST];
    let mut incoming = Incoming::default();
    let mut arrivals = Arrivals::begin(load, granted)?;
    loop {
        let (len, _) = socket.recv_from(buffer)?;
        let datagram = &buffer[..len];
        if datagram == END {
            return arrivals.end();
        }
        arrivals.datagrams += 1;
        incoming.take(datagram, &mut arrivals)?;
    }
}
