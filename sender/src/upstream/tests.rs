use super::*;
use crate::DatagramSize;
use media::PixelFormat;
use media::codec::{Decoder, Encoder};
use segment::Reassembler;
use segment::wire::tag::Tag;
use std::net::UdpSocket;
use std::time::{Duration, Instant, UNIX_EPOCH};

mod group;
mod paced;
mod sealed;
mod sequenced;
mod tcp;

/// Somebody who receives. Frames are kept by the kernel until they are asked for.
struct Receiver {
    socket: UdpSocket,
    reassembler: Reassembler,
}

impl Receiver {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { socket, reassembler: Reassembler::new() }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn frame(&mut self) -> (Bytes, Option<Tag>) {
        let mut datagram = vec![0; 65_535];
        loop {
            if let Some(frame) = self.reassembler.poll_frame() {
                return (frame.jpeg, frame.tag);
            }
            let (len, source) = self.socket.recv_from(&mut datagram).expect("a frame comes");
            self.reassembler.push(Instant::now(), source, &datagram[..len]).unwrap();
        }
    }

    /// The next datagram, if one has come.
    fn datagram(&self) -> Option<Vec<u8>> {
        let mut datagram = vec![0; 65_535];
        self.socket.set_nonblocking(true).unwrap();
        let received = self.socket.recv(&mut datagram);
        self.socket.set_nonblocking(false).unwrap();
        datagram.truncate(received.ok()?);
        Some(datagram)
    }

    /// Whether nothing has come.
    fn is_silent(&self) -> bool {
        self.datagram().is_none()
    }
}

fn image(width: u32, height: u32, seed: u32) -> Image {
    let pixels = (0..width * height * 3).map(|at| (at.wrapping_mul(seed) % 251) as u8).collect();
    Image::new(width, height, PixelFormat::Bgr, pixels).unwrap()
}

fn jpeg(width: u32, seed: u32) -> Bytes {
    Encoder::new().unwrap().encode(&image(width, 48, seed), 90).unwrap()
}

#[test]
fn jpegs_go_to_every_remote_byte_for_byte_with_consecutive_tags_and_their_capture_times() {
    let mut receivers = [Receiver::new(), Receiver::new()];
    let builder = receivers.iter().fold(Upstream::builder().live(false), |builder, one| builder.remote(one.address()));
    // Named twice, sent to once.
    let mut upstream = builder.remote(receivers[0].address()).datagram_size(DatagramSize::Fixed(200)).start().unwrap();
    assert_eq!(upstream.destinations().len(), 2);
    let jpegs: Vec<_> = (1..=5).map(|seed| jpeg(64, seed)).collect();
    for (captured_at, jpeg) in (1..).zip(&jpegs) {
        let captured_at = UNIX_EPOCH + Duration::from_micros(captured_at);
        upstream.send(Captured { picture: Picture::Jpeg(jpeg.clone()), captured_at }).unwrap();
    }
    let totals = upstream.close().unwrap();
    assert_eq!((totals.frames, totals.encode_ms, totals.send_errors), (5, None, 0));
    let on_the_wire: u64 = jpegs.iter().map(|jpeg| jpeg.len() as u64 + 42).sum();
    assert_eq!(totals.bytes, 2 * on_the_wire + totals.datagrams);
    let mut streams = Vec::new();
    for receiver in &mut receivers {
        for (number, jpeg) in (0..).zip(&jpegs) {
            let (received, tag) = receiver.frame();
            let tag = tag.unwrap();
            assert_eq!((&received, tag.number, tag.captured_at, tag.flags), (jpeg, number, u64::from(number) + 1, 1));
            streams.push(tag.stream_id);
        }
        assert!(receiver.is_silent());
    }
    assert!(streams.iter().all(|id| *id == streams[0]));
}

#[test]
fn a_jpeg_that_need_not_wait_for_anything_has_been_sent_when_the_call_comes_back() {
    let receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).start().unwrap();
    for sent in 1..=3 {
        assert_eq!(upstream.send_jpeg(jpeg(64, 1)).unwrap(), Accepted::Alone);
        assert_eq!(upstream.figures().frames, sent);
    }
    assert_eq!(upstream.close().unwrap().replaced["transmitter"], 0);
}

#[test]
fn pictures_and_jpegs_in_turn_keep_their_order() {
    let mut receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).live(false).start().unwrap();
    for n in 0..40 {
        let width = 64 + n;
        if n % 3 == 0 { upstream.send_frame(image(width, 48, 7)) } else { upstream.send_jpeg(jpeg(width, 7)) }.unwrap();
        assert_eq!(Decoder::header(&receiver.frame().0).unwrap().0, width, "one at a time");
    }
    for n in 0..10 {
        let width = 64 + n;
        if n % 3 == 0 { upstream.send_frame(image(width, 48, 7)) } else { upstream.send_jpeg(jpeg(width, 7)) }.unwrap();
    }
    let totals = upstream.close().unwrap();
    assert_eq!((totals.frames, totals.replaced["encoder"] + totals.replaced["transmitter"]), (50, 0));
    for n in 0..10 {
        assert_eq!(Decoder::header(&receiver.frame().0).unwrap().0, 64 + n, "as fast as it goes");
    }
}

#[test]
fn a_live_stream_never_waits_and_counts_what_it_replaced() {
    let mut receiver = Receiver::new();
    // Frames so small and few that the kernel holds all of them until they are asked for.
    let mut upstream = Upstream::builder().remote(receiver.address()).quality(1).start().unwrap();
    // Forty pictures in the time in which a few can be encoded; the last one always arrives.
    let pictures: Vec<_> = (0..40).map(|n| image(640 + n, 480, 7)).collect();
    let replaced = pictures.into_iter().map(|picture| upstream.send_frame(picture).unwrap());
    let replaced = replaced.filter(|&accepted| accepted == Accepted::InsteadOfOlder).count() as u64;
    let totals = upstream.close().unwrap();
    assert_eq!(totals.replaced["encoder"], replaced);
    assert!(replaced > 0 && totals.frames + replaced + totals.replaced["transmitter"] == 40, "{totals}");
    assert!(totals.encode_ms.is_some());
    let last = (0..totals.frames).map(|_| receiver.frame().0).last().unwrap();
    assert_eq!(Decoder::header(&last).unwrap().0, 679);
}

#[test]
fn a_stream_ends_after_exactly_as_many_frames_as_asked_for() {
    let mut receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).live(false).max_frames(3).start().unwrap();
    let monitor = upstream.monitor();
    let error = (0..).find_map(|_| upstream.send_jpeg(jpeg(64, 1)).err()).unwrap();
    assert!(matches!(error, UpstreamError::Ended) && error.is_final() && monitor.has_ended());
    assert_eq!(upstream.close().unwrap().frames, 3);
    for _ in 0..3 {
        receiver.frame();
    }
    assert!(receiver.is_silent());
}

#[test]
fn without_a_tag_the_wire_carries_nothing_but_the_jpeg() {
    let receiver = Receiver::new();
    let jpeg = jpeg(64, 1);
    let mut upstream = Upstream::builder().remote(receiver.address()).tag(false).start().unwrap();
    upstream.send_jpeg(jpeg.clone()).unwrap();
    upstream.close().unwrap();
    let mut datagram = vec![0; 65_535];
    let len = receiver.socket.recv(&mut datagram).unwrap();
    assert_eq!(datagram[..len], [&[1], &jpeg[..]].concat());
}

#[test]
fn a_first_frame_that_does_not_fit_ends_the_stream_with_the_numbers() {
    let receiver = Receiver::new();
    let fixed = Upstream::builder().remote(receiver.address()).live(false).datagram_size(DatagramSize::Fixed(3));
    let mut upstream = fixed.start().unwrap();
    let error = (0..).find_map(|_| upstream.send_jpeg(jpeg(64, 1)).err()).unwrap();
    assert!(matches!(error, UpstreamError::Failed(_)) && error.is_final());
    let message = error.to_string();
    assert!(message.contains("does not fit in 255 datagrams of 3 bytes, which carry 510;"), "{message}");
    assert_eq!(upstream.close().unwrap_err().to_string(), message);
    assert!(receiver.is_silent());
}

#[test]
fn a_later_frame_that_does_not_fit_is_dropped_and_leaves_no_gap_in_the_numbers() {
    let mut receiver = Receiver::new();
    let size = DatagramSize::Fixed(10);
    let mut upstream = Upstream::builder().remote(receiver.address()).live(false).datagram_size(size).start().unwrap();
    let (small, large) = (jpeg(16, 1), jpeg(640, 1));
    assert!(small.len() + 42 < 255 * 9 && large.len() > 255 * 9, "{} {}", small.len(), large.len());
    for jpeg in [&small, &large, &small] {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    let totals = upstream.close().unwrap();
    assert_eq!((totals.frames, totals.dropped["too_large"]), (2, 1));
    assert_eq!(receiver.frame().1.unwrap().number, 0);
    assert_eq!(receiver.frame().1.unwrap().number, 1);
}

#[test]
fn what_is_no_jpeg_is_refused_and_the_next_frame_is_not() {
    let mut receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).start().unwrap();
    for bytes in [&b""[..], b"\xFF\xD8", b"GIF89a\xFF\xD9", b"\xFF\xD8 cut", b"\xFF\xD9", b"\0\0"] {
        let error = upstream.send_jpeg(Bytes::from_static(bytes)).unwrap_err();
        assert!(matches!(error, UpstreamError::Refused(FrameError::NotJpeg { len }) if len == bytes.len()));
        assert!(!error.is_final());
    }
    let filled_up = [&jpeg(64, 1)[..], &[0; 7]].concat();
    upstream.send_jpeg(filled_up.clone()).unwrap();
    assert_eq!(receiver.frame().0, filled_up);
    assert_eq!(upstream.close().unwrap().dropped["not_jpeg"], 6);
}

#[test]
fn a_stream_of_which_nothing_could_be_sent_is_no_success() {
    let receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).quality(50).start().unwrap();
    upstream.send_jpeg(&b"\xFF\xD8 not to be decoded \xFF\xD9"[..]).unwrap();
    let error = upstream.close().unwrap_err();
    assert!(matches!(error, UpstreamError::Failed(FrameError::Decode(_))), "{error}");
}

#[test]
fn dropping_a_stream_sends_what_has_begun() {
    let mut receiver = Receiver::new();
    let mut upstream = Upstream::builder().remote(receiver.address()).start().unwrap();
    upstream.send_frame(image(640, 480, 7)).unwrap();
    drop(upstream);
    assert_eq!(receiver.frame().1.unwrap().number, 0);
}

/// Sends until that is refused, which must be because the stream was stopped. Gives what closing it says then.
fn send_until_stopped(mut upstream: Upstream) -> Result<Figures, UpstreamError> {
    let (monitor, (says, said)) = (upstream.monitor(), std::sync::mpsc::channel());
    let sending = std::thread::spawn(move || {
        let error = (0..).find_map(|_| upstream.send_jpeg(jpeg(64, 1)).err()).unwrap();
        assert!(matches!(error, UpstreamError::ShutDown) && error.is_final(), "{error}");
        assert!(matches!(upstream.wait_until_begun(Duration::ZERO), Ok(true) | Err(UpstreamError::ShutDown)));
        let _ = says.send(upstream.close());
    });
    // By then it waits, as far as anybody can tell.
    std::thread::sleep(Duration::from_millis(50));
    monitor.stop();
    assert!(monitor.has_ended());
    let closed = said.recv_timeout(Duration::from_secs(30)).expect("it is released");
    sending.join().unwrap();
    closed
}

#[test]
fn stopping_a_stream_ends_it_whoever_sends() {
    let mut receiver = Receiver::new();
    for live in [false, true] {
        let upstream = Upstream::builder().remote(receiver.address()).live(live).start().unwrap();
        assert!(send_until_stopped(upstream).unwrap().frames > 0);
        receiver.frame();
    }
}

#[test]
fn both_families_of_addresses_are_served() {
    let mut v4 = Receiver::new();
    let Ok(socket) = UdpSocket::bind("[::1]:0") else { return };
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut v6 = Receiver { socket, reassembler: Reassembler::new() };
    let mut upstream = Upstream::builder().remote(v4.address()).remote(v6.address()).start().unwrap();
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    assert_eq!(v4.frame(), v6.frame());
}

#[test]
fn what_cannot_be_is_refused_at_the_start() {
    let start = |builder: Builder| builder.start().unwrap_err();
    let builder = || Upstream::builder().remote(([127, 0, 0, 1], 9).into());
    assert!(matches!(start(Upstream::builder()), UpstreamError::NoRemote));
    assert!(matches!(start(builder().remote(([127, 0, 0, 2], 0).into())), UpstreamError::NoPort(_)));
    assert!(matches!(start(builder().max_frames(0)), UpstreamError::NoFrames));
    assert!(matches!(start(builder().quality(0)), UpstreamError::Quality(0)));
    assert!(matches!(start(builder().size((0, 1))), UpstreamError::Size { width: 0, height: 1 }));
    assert!(matches!(start(builder().pace(crate::Pace::Mbit(-1.0))), UpstreamError::Pace(-1.0)));
    assert!(matches!(start(builder().datagram_size(DatagramSize::Fixed(1))), UpstreamError::DatagramSize(_)));
    assert!(matches!(start(builder().remote(([255, 255, 255, 255], 9).into())), UpstreamError::Remote(_)));
}
