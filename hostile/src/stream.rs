//! The framings over TCP: whatever comes, in pieces of whatever length, each frame is what stands behind its length,
//! and memory is taken as bytes arrive.

use segment::wire::stream::{FrameReader, Framing, HEADER_LEN, ReceiveError, Received};
use std::io::{self, Read};

/// What a reader may take before anything has come.
const FIRST_MEMORY: usize = 128 << 10;

/// Brings a few bytes at a time, as many as the bytes themselves say.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.0.first().map_or(0, |byte| usize::from(*byte) % 19 + 1).min(into.len());
        self.0.read(&mut into[..most])
    }
}

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    reads(Framing::Upstream, bytes);
    reads(Framing::Pickle, bytes);
}

fn reads(framing: Framing, bytes: &[u8]) {
    let mut reader = FrameReader::new(framing);
    let mut connection = Pieces(bytes);
    let mut expected = bytes;
    loop {
        let received = reader.receive(&mut connection);
        assert!(reader.memory() <= FIRST_MEMORY.max(2 * bytes.len()));
        match received {
            Ok(Received::Part) => {}
            Ok(Received::Frame(frame)) => {
                let (header, rest) = expected.split_first_chunk().expect("a header");
                if frame.is_empty() {
                    assert_eq!((framing, *header), (Framing::Pickle, [0; HEADER_LEN]));
                } else {
                    assert_eq!(framing.header(frame.len()), Ok(*header));
                }
                assert!(rest.starts_with(&frame));
                expected = &rest[frame.len()..];
            }
            Ok(Received::End) => {
                assert!(framing == Framing::Upstream && expected.starts_with(&[0; HEADER_LEN]));
                break;
            }
            Ok(Received::Closed) => {
                assert!(expected.is_empty());
                break;
            }
            Err(ReceiveError::Length(_) | ReceiveError::CutInHeader { .. } | ReceiveError::CutInFrame { .. }) => break,
            Err(ReceiveError::Read(error)) => panic!("{error}"),
        }
    }
}
