//! The sequenced wire, to those who read it and to nobody else.

use super::*;
use crate::{Fec, Wire};
use segment::wire::control::{Ack, Control, Leave, Nack};
use segment::wire::sequenced::{Header, Kind};
use segment::wire::tag::{self, Found};
use std::net::Ipv4Addr;

const PATIENCE: Duration = Duration::from_secs(20);

/// A receiver by hand: where the stream comes, and where its acks leave from.
struct Upgraded {
    stream: UdpSocket,
    own: UdpSocket,
    stream_id: u64,
    sender: SocketAddr,
}

impl Upgraded {
    /// Listens at this host, which on Linux may be any that begins with 127.
    fn at(host: u8) -> Self {
        let socket = || {
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            socket
        };
        Self { stream: socket(), own: socket(), stream_id: 0, sender: ([0, 0, 0, 0], 0).into() }
    }

    fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// The next datagram, which may not come.
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut datagram = vec![0; 65_535];
        let (len, sender) = self.stream.recv_from(&mut datagram).ok()?;
        self.sender = sender;
        datagram.truncate(len);
        if let Found::Tag(claim) = tag::find(&datagram[1..]) {
            self.stream_id = claim.tag.stream_id;
        } else if let Ok((header, _)) = Header::parse(&datagram) {
            self.stream_id = header.stream_id;
        }
        Some(datagram)
    }

    fn say(&self, control: &Control) {
        self.own.send_to(&control.to_vec(), self.sender).unwrap();
    }

    fn acknowledge(&self) {
        let capabilities = Ack::READS_SEQUENCED | Ack::SENDS_NACK;
        self.say(&Control::Ack(Ack { stream_id: self.stream_id, receiver_id: 7, capabilities, ..Ack::default() }));
    }

    /// Has the stream sent on until a datagram comes that is asked for.
    fn until(&mut self, upstream: &mut Upstream, jpeg: &Bytes, is_it: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            upstream.send_jpeg(jpeg.clone()).unwrap();
            while let Some(datagram) = self.next() {
                if is_it(&datagram) {
                    return datagram;
                }
            }
        }
        panic!("it does not come");
    }
}

fn is_data(datagram: &[u8]) -> bool {
    Header::parse(datagram).is_ok_and(|(header, _)| header.kind == Kind::Data)
}

fn is_plain(datagram: &[u8]) -> bool {
    datagram[0] != 0
}

#[test]
#[cfg(target_os = "linux")]
fn who_acknowledges_gets_the_sequenced_wire_and_an_old_receiver_beside_it_never_an_escape() {
    let (mut upgraded, mut old) = (Upgraded::at(1), Upgraded::at(2));
    let jpeg = jpeg(64, 3);
    let builder = Upstream::builder().remote(upgraded.address()).remote(old.address());
    let mut upstream = builder.datagram_size(DatagramSize::Fixed(200)).start().unwrap();
    upgraded.until(&mut upstream, &jpeg, is_plain);
    upgraded.acknowledge();
    let first = upgraded.until(&mut upstream, &jpeg, is_data);
    let (header, _) = Header::parse(&first).unwrap();
    assert_eq!((header.frame_len as usize, header.m, first.len() <= 200), (jpeg.len(), 0, true));
    let figures = upstream.figures();
    assert_eq!((figures.receivers[0].wire, figures.parity_share), ("sequenced", 0.0));
    upgraded.say(&Control::Leave(Leave { stream_id: upgraded.stream_id, receiver_id: 7 }));
    upgraded.until(&mut upstream, &jpeg, is_plain);
    upstream.close().unwrap();
    let mut datagrams = 0;
    while let Some(datagram) = old.next() {
        assert!(is_plain(&datagram), "an old receiver would crash");
        datagrams += 1;
    }
    assert!(datagrams > 0);
}

#[test]
fn what_is_asked_for_again_comes_again_and_is_counted() {
    let mut receiver = Upgraded::at(1);
    let jpeg = jpeg(64, 5);
    let builder = Upstream::builder().remote(receiver.address()).wire(Wire::Sequenced);
    let mut upstream = builder.datagram_size(DatagramSize::Fixed(200)).start().unwrap();
    let of_a_frame = |datagram: &[u8]| Header::parse(datagram).is_ok_and(|(header, _)| header.countdown == 1);
    let last = receiver.until(&mut upstream, &jpeg, of_a_frame);
    let number = Header::parse(&last).unwrap().0.number;
    let nack = |receiver_id| Nack { stream_id: 0, receiver_id, number, countdowns: vec![1] };
    let ask = |receiver: &Upgraded, receiver_id| {
        receiver.say(&Control::Nack(Nack { stream_id: receiver.stream_id, ..nack(receiver_id) }));
    };
    ask(&receiver, 7);
    // An announce may come.
    assert!(receiver.next().is_none_or(|datagram| datagram != last), "who is not listed is not heard");
    receiver.acknowledge();
    let start = Instant::now();
    let again = loop {
        // The ack may be read after the nack, and a share of the data must have been sent first.
        ask(&receiver, 7);
        if let Some(datagram) = receiver.next().filter(|datagram| *datagram == last) {
            break datagram;
        }
        assert!(start.elapsed() < PATIENCE);
    };
    assert_eq!(again, last);
    let totals = upstream.close().unwrap();
    assert!(totals.repeats >= 1 && totals.repair_bytes >= last.len() as u64, "{totals:?}");
}

#[test]
fn a_share_of_parity_goes_out_from_the_first_datagram_and_is_announced() {
    let mut receiver = Upgraded::at(1);
    let jpeg = jpeg(64, 7);
    let builder = Upstream::builder().remote(receiver.address()).fec(Fec::Percent(50)).live(false);
    let mut upstream = builder.datagram_size(DatagramSize::Fixed(100)).max_frames(3).start().unwrap();
    for _ in 0..3 {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    let totals = upstream.close().unwrap();
    let (mut data, mut parity, mut announces) = (0, 0, 0);
    while let Some(datagram) = receiver.next() {
        match Header::parse(&datagram) {
            Ok((Header { kind: Kind::Data, .. }, _)) => data += 1,
            Ok((Header { kind: Kind::Parity, .. }, _)) => parity += 1,
            Err(_) => match Control::parse(&datagram).unwrap() {
                Control::Announce(announce) => {
                    assert!(announce.is_sequenced);
                    announces += 1;
                }
                other => assert!(matches!(other, Control::Bye(_)), "{other:?}"),
            },
        }
    }
    let k = (jpeg.len() + 4).div_ceil(68);
    assert_eq!((data, parity), (3 * k as u64, 3 * k.div_ceil(2) as u64));
    assert_eq!((totals.datagrams, totals.parity), (data + parity, parity));
    assert!(announces >= 1 && (totals.parity_share - 0.5).abs() < 0.05);
}

#[test]
fn what_cannot_go_together_is_refused() {
    let builder = || Upstream::builder().remote(([127, 0, 0, 1], 9).into());
    let refused = |builder: Builder| builder.start().unwrap_err().to_string();
    assert!(refused(builder().wire(Wire::Plain).fec(Fec::Percent(0))).contains("the plain wire has no parity"));
    assert!(refused(builder().fec(Fec::Percent(101))).contains("101 %"));
    let short = builder().wire(Wire::Sequenced).datagram_size(DatagramSize::Fixed(33));
    assert!(refused(short).contains("33 bytes are not possible on the sequenced wire"));
    assert!(builder().datagram_size(DatagramSize::Fixed(33)).start().is_ok());
}
