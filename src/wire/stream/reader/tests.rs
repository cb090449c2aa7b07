use super::*;
use crate::wire::stream::{END, MAX_JPEG_LEN};
use proptest::prelude::*;

/// A connection that brings at most so many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

/// A connection that brings zeros for ever.
struct Endless;

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = into.len().min(100_000);
        into[..count].fill(0);
        Ok(count)
    }
}

fn stream(framing: Framing, frames: &[Vec<u8>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| [&framing.header(frame.len()).unwrap()[..], frame].concat()).collect()
}

/// Everything but the parts, up to the end or an error.
fn all(reader: &mut FrameReader, connection: &mut impl Read) -> (Vec<Received>, Option<ReceiveError>) {
    let mut received = Vec::new();
    loop {
        match reader.receive(connection) {
            Ok(Received::Part) => {}
            Ok(end @ (Received::End | Received::Closed)) => {
                received.push(end);
                return (received, None);
            }
            Ok(frame) => received.push(frame),
            Err(error) => return (received, Some(error)),
        }
    }
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_the_bytes_arrive(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 0..8),
        step in 1..5000_usize,
        is_pickle: bool,
    ) {
        let framing = if is_pickle { Framing::Pickle } else { Framing::Upstream };
        let mut bytes = stream(framing, &frames);
        let mut expected: Vec<_> = frames.into_iter().map(|frame| Received::Frame(frame.into())).collect();
        if is_pickle {
            expected.push(Received::Closed);
        } else {
            bytes.extend(END);
            expected.push(Received::End);
        }
        let (received, error) = all(&mut FrameReader::new(framing), &mut Slow(&bytes, step));
        prop_assert!(error.is_none());
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn any_bytes_end_somehow_within_memory(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1..50_usize) {
        for framing in [Framing::Upstream, Framing::Pickle] {
            let mut reader = FrameReader::new(framing);
            all(&mut reader, &mut Slow(&bytes, step));
            prop_assert!(reader.memory() <= 128 << 10);
        }
    }
}

#[test]
fn a_connection_cut_anywhere_says_where() {
    let bytes = stream(Framing::Upstream, &[vec![7; 20]]);
    for len in 0..bytes.len() {
        let (received, error) = all(&mut FrameReader::new(Framing::Upstream), &mut &bytes[..len]);
        match (len, error) {
            (0, None) => assert_eq!(received, [Received::Closed]),
            (1..8, Some(ReceiveError::CutInHeader { received })) => assert_eq!(received, len),
            (8.., Some(ReceiveError::CutInFrame { received, len: 20 })) => assert_eq!(received, len - 8),
            (_, error) => panic!("cut after {len} bytes: {error:?}"),
        }
    }
}

#[test]
fn a_claim_that_is_too_long_breaks_the_stream_for_good() {
    for claim in [1 << 63, 1 << 30, MAX_JPEG_LEN as u64 + 1] {
        let bytes = [&claim.to_be_bytes()[..], &stream(Framing::Upstream, &[vec![7; 20]])].concat();
        let mut reader = FrameReader::new(Framing::Upstream);
        let mut connection = &bytes[..];
        for _ in 0..2 {
            let (received, error) = all(&mut reader, &mut connection);
            assert!(received.is_empty());
            let Some(ReceiveError::Length(LengthError::TooLong { len, .. })) = error else { panic!("{error:?}") };
            assert_eq!((len, reader.memory()), (claim, 0));
        }
    }
}

#[test]
fn memory_is_taken_as_bytes_arrive() {
    for framing in [Framing::Upstream, Framing::Pickle] {
        let mut reader = FrameReader::new(framing);
        let header = framing.header(framing.max_frame_len()).unwrap();
        assert_eq!(reader.receive(&mut &header[..]).unwrap(), Received::Part);
        let mut received = 0;
        while reader.receive(&mut Endless).unwrap() == Received::Part {
            received += 100_000;
            assert!(reader.memory() <= (2 * received).max(128 << 10), "{} for {received} bytes", reader.memory());
        }
    }
}

#[test]
fn frames_of_one_length_use_the_same_memory() {
    let frames = vec![vec![7; 500_000]; 20];
    let bytes = stream(Framing::Upstream, &frames);
    let mut reader = FrameReader::new(Framing::Upstream);
    let mut connection = &bytes[..];
    let mut places = std::collections::HashSet::new();
    let mut shown = Bytes::new();
    for _ in &frames {
        shown = loop {
            match reader.receive(&mut connection).unwrap() {
                Received::Part => {}
                Received::Frame(frame) => break frame,
                end => panic!("{end:?}"),
            }
        };
        places.insert(shown.as_ptr());
    }
    assert_eq!(shown, frames[0]);
    assert!(places.len() <= 2, "{} pieces of memory, where one is shown and one is read", places.len());
}

#[test]
fn a_read_that_would_block_loses_nothing() {
    struct Blocks<'a>(Slow<'a>, bool);
    impl Read for Blocks<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(into) }
        }
    }
    let bytes = stream(Framing::Pickle, &[vec![7; 50]]);
    let mut connection = Blocks(Slow(&bytes, 3), false);
    let mut reader = FrameReader::new(Framing::Pickle);
    let frame = loop {
        match reader.receive(&mut connection) {
            Ok(Received::Frame(frame)) => break frame,
            Ok(Received::Part) => {}
            Err(ReceiveError::Read(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(frame, vec![7; 50]);
}

#[test]
fn an_empty_pickle_is_a_frame_and_the_next_connection_begins_anew() {
    let mut reader = FrameReader::new(Framing::Pickle);
    let (received, _) = all(&mut reader, &mut &END[..]);
    assert_eq!(received, [Received::Frame(Bytes::new()), Received::Closed]);
    assert_eq!(reader.receive(&mut &END[..]).unwrap(), Received::Closed);
    reader.reset();
    assert_eq!(reader.receive(&mut &END[..]).unwrap(), Received::Frame(Bytes::new()));
}

#[test]
fn a_short_buffer_that_is_used_again_grows_no_faster() {
    let header = Framing::Pickle.header(MAX_JPEG_LEN).unwrap();
    let bytes = [&stream(Framing::Pickle, &[vec![7; 9]])[..], &header, &[7; 10]].concat();
    let mut reader = FrameReader::new(Framing::Pickle);
    let (received, error) = all(&mut reader, &mut Slow(&bytes, 3));
    assert_eq!(received.len(), 1);
    assert!(matches!(error, Some(ReceiveError::CutInFrame { received: 10, .. })));
    assert!(reader.memory() <= 128 << 10, "{}", reader.memory());
}
