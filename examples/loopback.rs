//! A stream from this program to itself: segmenter, two sockets and a reassembler, in one thread.
//!
//! `cargo run --example loopback` sends a hundred frames of growing size and says what became of each tenth.

use segment::socket::{PathProbe, ReceiveSocket, Route, SendSocket};
use segment::wire::tag::Tag;
use segment::{Reassembler, Segmenter, WireFrame};
use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

fn main() -> Result<(), Box<dyn Error>> {
    let mut receive = ReceiveSocket::bind("127.0.0.1:0".parse()?)?;
    let remote = receive.local_addr()?;
    let send = SendSocket::for_remote(remote)?;
    let mut route = Route::new(remote);
    let path = PathProbe::new(remote)?.path()?;
    let mut reassembler = Reassembler::new();

    for number in 0..100 {
        // Any bytes between SOI and EOI do for a picture that nobody looks at.
        let jpeg = [&[0xFF, 0xD8], vec![0x55; 2_000 * (number as usize + 1)].as_slice(), &[0xFF, 0xD9]].concat();
        let captured_at = SystemTime::UNIX_EPOCH.elapsed()?.as_micros() as u64;
        let frame = WireFrame::tagged(&jpeg, &Tag { flags: 0, stream_id: 1, number, captured_at })?;
        let sent = send.send_batch(Segmenter::new(path.datagram_len(frame.len()))?.segment(&frame)?, &mut route);
        if let Some(failure) = sent.failure {
            return Err(failure.into());
        }

        let received = loop {
            if let Some(frame) = reassembler.poll_frame() {
                break frame;
            }
            match receive.recv(Duration::from_secs(1))? {
                Some(received) => {
                    for datagram in received.datagrams() {
                        reassembler.push(Instant::now(), received.source, datagram)?;
                    }
                }
                None => return Err("a datagram was lost on loopback".into()),
            }
        };
        assert_eq!(received.jpeg, jpeg);
        if number % 10 == 0 {
            println!("frame {number}: {} bytes in {} datagrams, whole", jpeg.len(), received.datagrams);
        }
    }
    println!("{} frames, {} datagrams", reassembler.stats().frames, reassembler.stats().datagrams);
    Ok(())
}
