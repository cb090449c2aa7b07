//! What comes first of a sealed stream.

use super::*;
use segment::seal::{Direction, Key, Opener};
use segment::wire::control::Control;

/// A receiver takes nothing of a stream before it knows it to be of now.
#[test]
fn no_frame_goes_out_before_the_announce() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let key = Key::generate().unwrap();
    for _ in 0..20 {
        let remote = socket.local_addr().unwrap();
        let mut upstream = Upstream::builder().remote(remote).key(key.clone()).max_frames(1).start().unwrap();
        upstream.send_jpeg(jpeg(64, 48)).unwrap();
        let mut datagram = [0; 65_535];
        let len = socket.recv(&mut datagram).unwrap();
        let mut plain = Vec::new();
        Opener::new(key.clone(), Direction::FromSenders).open(&datagram[..len], &mut plain).unwrap();
        assert!(matches!(Control::parse(&plain), Ok(Control::Announce(_))), "{plain:?}");
        drop(upstream);
        // What else came of it is not the next stream's.
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut datagram).is_ok() {}
        socket.set_nonblocking(false).unwrap();
    }
}
