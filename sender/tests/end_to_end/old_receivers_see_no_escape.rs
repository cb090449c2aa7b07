//! An old receiver in Python beside one that reads the sequenced wire, at the same time: each is sent its own.

#![cfg(target_os = "linux")]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::scene::{Peer, jpeg};
use segment::wire::control::{Ack, Control};
use segment::wire::sequenced::{Header, Kind};
use segment::wire::tag::{self, Found};
use sender::Upstream;

const PATIENCE: Duration = Duration::from_secs(30);

/// Frames that the old receiver is to show while the other one is on the sequenced wire.
const FRAMES: usize = 50;

#[test]
fn an_old_receiver_shows_the_stream_beside_one_that_has_been_taken_up() {
    let old = Peer::start("old_receiver.py", &["--bind", "127.0.0.2:0", "--frames", &(2 * FRAMES).to_string()]);
    let [stream, own] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let remotes = [old.address.parse().unwrap(), stream.local_addr().unwrap()];
    let builder = remotes.into_iter().fold(Upstream::builder(), sender::Builder::remote);
    let mut upstream = builder.live(false).start().unwrap();
    let (start, mut taken_up) = (Instant::now(), 0);
    let mut datagram = vec![0; 65_535];
    for number in 0.. {
        assert!(start.elapsed() < PATIENCE, "it is never taken up");
        if taken_up >= FRAMES && number as usize > 2 * FRAMES {
            break;
        }
        upstream.send_jpeg(jpeg(number)).unwrap();
        while let Ok((len, sender)) = stream.recv_from(&mut datagram) {
            if let Ok((header, _)) = Header::parse(&datagram[..len]) {
                taken_up += usize::from(header.kind == Kind::Data && header.countdown == 1);
            } else if let Found::Tag(claim) = tag::find(&datagram[1..len]) {
                let stream_id = claim.tag.stream_id;
                let ack = Ack { stream_id, receiver_id: 7, capabilities: Ack::READS_SEQUENCED, ..Ack::default() };
                own.send_to(&Control::Ack(ack).to_vec(), sender).unwrap();
            }
        }
    }
    upstream.close().unwrap();
    let expected = format!("{{\"frames\": {0}, \"begin_and_end_as_jpeg\": {0}}}\n", 2 * FRAMES);
    assert_eq!(old.finish(), expected, "an escape would be the end of a frame, or its beginning");
}
