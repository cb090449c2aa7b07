//! A stream that flows takes no memory for its datagrams, and for a frame only what is handed on.
//!
//! The only test of its program, as it counts what the whole program allocates.

#![cfg(feature = "socket")]

use segment::socket::{ReceiveSocket, Route, SendSocket};
use segment::wire::tag::Tag;
use segment::{Reassembler, Segmenter, WireFrame};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const FRAMES: u32 = 200;

/// For a frame: the handle by which its bytes are shared and come back, and what `Bytes` needs to share it.
const BLOCKS_A_FRAME: u64 = 2;

/// Bytes of these. Nothing as long as a frame, or as a datagram.
const BYTES_A_FRAME: u64 = 200;

struct Stream {
    send: SendSocket,
    route: Route,
    receive: ReceiveSocket,
    reassembler: Reassembler,
    segmenter: Segmenter,
    jpegs: [Vec<u8>; 2],
}

impl Stream {
    fn new(datagram_len: usize) -> Self {
        let receive = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let remote = receive.local_addr().unwrap();
        Self {
            send: SendSocket::for_remote(remote).unwrap(),
            route: Route::new(remote),
            receive,
            reassembler: Reassembler::new(),
            segmenter: Segmenter::new(datagram_len).unwrap(),
            jpegs: [165_000, 160_000].map(|len| [&[0xFF, 0xD8][..], &vec![0x55; len - 4], &[0xFF, 0xD9]].concat()),
        }
    }

    fn pass_frame(&mut self, number: u32) {
        let jpeg = &self.jpegs[number as usize % 2];
        let tag = Tag { flags: 0, stream_id: 1, number, captured_at: 0 };
        let frame = WireFrame::tagged(jpeg, &tag).unwrap();
        let sent = self.send.send_batch(self.segmenter.segment(&frame).unwrap(), &mut self.route);
        assert_eq!(sent.errors, 0);
        let frame = loop {
            if let Some(frame) = self.reassembler.poll_frame() {
                break frame;
            }
            let arrival = self.receive.recv_into(self.reassembler.landing(), Duration::from_secs(5)).unwrap();
            let arrival = arrival.expect("nothing is lost on loopback");
            self.reassembler.push_landed(Instant::now(), arrival.landed, |_| true);
        };
        assert_eq!(frame.jpeg, jpeg[..]);
    }
}

#[test]
fn a_stream_that_flows_allocates_nothing_for_its_datagrams() {
    let _profiler = dhat::Profiler::builder().testing().build();
    for (datagram_len, batches) in [(1_472, 3), (65_473, 0)] {
        let mut stream = Stream::new(datagram_len);
        (0..10).for_each(|number| stream.pass_frame(number));
        let before = dhat::HeapStats::get();
        (10..10 + FRAMES).for_each(|number| stream.pass_frame(number));
        let after = dhat::HeapStats::get();
        let blocks = (after.total_blocks - before.total_blocks).div_ceil(u64::from(FRAMES));
        let bytes = (after.total_bytes - before.total_bytes).div_ceil(u64::from(FRAMES));
        println!("datagrams of {datagram_len}: {blocks} blocks of {bytes} bytes a frame");
        // A batch takes some bytes in which the kernel is told where to cut.
        assert!(blocks <= BLOCKS_A_FRAME + batches, "{blocks} blocks a frame in datagrams of {datagram_len}");
        assert!(bytes <= BYTES_A_FRAME, "{bytes} bytes a frame in datagrams of {datagram_len}");
    }
}
