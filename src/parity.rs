//! Parity: segments computed from those of a frame, any k of which give the frame back.
//!
//! Reed–Solomon over GF(2^16), as the crate `reed-solomon-simd` 3 computes it: its original index is k − countdown of a
//! data segment, its recovery index m − countdown of a parity segment. Payloads have `s` bytes; what is shorter, as the
//! last of a frame is, counts as padded with zeros.
//!
//! [`Encoder`] and [`Decoder`] keep the memory that they work in from one frame to the next.

use crate::wire::plain::MAX_DATAGRAM_LEN;
use crate::wire::sequenced::MAX_SEGMENTS;
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

/// Most memory that restoring a frame may take, in bytes, beside the frame itself.
///
/// Rationale: one datagram of a hostile sender can claim that 32,767 parity segments belong to it, and restoring would
/// take 96 MiB at Ethernet's size. With half of that room a frame of 8 MiB can have a fifth of parity, as can one of
/// 23 MiB where the counts fit well; longer ones go without.
pub const MAX_WORK_BYTES: usize = 32 * 1024 * 1024;

/// Work memory that is kept between frames, in bytes: what ordinary video needs. More is given back after use.
const KEPT_WORK_BYTES: usize = 4 * 1024 * 1024;

/// The crate works on blocks of so many bytes.
const BLOCK_LEN: usize = 64;

/// Why there is no parity for a frame, or why it cannot be restored by it.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParityError {
    /// [`is_possible`] says no.
    #[error("no parity: {k} data and {m} parity segments of {s} bytes cannot be coded within bounds")]
    Unsupported {
        /// Data segments.
        k: usize,
        /// Parity segments.
        m: usize,
        /// Bytes of a segment's payload.
        s: usize,
    },
    /// Segments that do not fit: fewer than k of them, one twice, or longer than `s`.
    #[error("the segments given do not make a frame: {0}")]
    Segments(reed_solomon_simd::Error),
}

/// Whether a frame of `k` data segments of `s` bytes can have `m` parity segments. Senders make none beyond, and
/// receivers restore by none.
#[must_use]
pub fn is_possible(k: usize, m: usize, s: usize) -> bool {
    let counts = k >= 1 && m >= 1 && k <= MAX_SEGMENTS && m <= MAX_SEGMENTS - k;
    counts && s >= 2 && s.is_multiple_of(2) && s <= MAX_DATAGRAM_LEN && work_bytes(k, m, s) <= MAX_WORK_BYTES
}

/// Upper bound of what the crate takes to restore: it works on a power of two of segments.
pub(crate) fn work_bytes(k: usize, m: usize, s: usize) -> usize {
    let segments = (k.max(m) + k.min(m).next_power_of_two()).next_power_of_two();
    // Where 32 bits count bytes, three datagrams of the greatest length can name a frame that takes more than there are.
    segments.saturating_mul(s.next_multiple_of(BLOCK_LEN))
}

/// Makes parity.
#[derive(Default)]
pub struct Encoder {
    work: Option<ReedSolomonEncoder>,
    padded: Vec<u8>,
}

impl Encoder {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `m` parity payloads of `s` bytes each to `parity`, one after another, in the order in which they are
    /// sent. `data` are the k data payloads in the order in which they are sent, each in two pieces that are joined;
    /// `s` bytes or less.
    ///
    /// # Errors
    /// [`ParityError`]; then nothing is appended.
    pub fn encode<'a>(
        &mut self,
        s: usize,
        m: usize,
        data: impl ExactSizeIterator<Item = [&'a [u8]; 2]>,
        parity: &mut Vec<u8>,
    ) -> Result<(), ParityError> {
        let k = data.len();
        if !is_possible(k, m, s) {
            return Err(ParityError::Unsupported { k, m, s });
        }
        let work = match &mut self.work {
            Some(work) => {
                work.reset(k, m, s).map_err(ParityError::Segments)?;
                work
            }
            none => none.insert(ReedSolomonEncoder::new(k, m, s).map_err(ParityError::Segments)?),
        };
        for [first, second] in data {
            let payload = whole(first, second, s, &mut self.padded);
            work.add_original_shard(payload).map_err(ParityError::Segments)?;
        }
        let encoded = work.encode().map_err(ParityError::Segments)?;
        parity.reserve_exact(m * s);
        encoded.recovery_iter().for_each(|payload| parity.extend_from_slice(payload));
        drop(encoded);
        if work_bytes(k, m, s) > KEPT_WORK_BYTES {
            self.work = None;
        }
        Ok(())
    }
}

/// Restores data segments that are missing.
#[derive(Default)]
pub struct Decoder {
    work: Option<ReedSolomonDecoder>,
    padded: Vec<u8>,
}

impl Decoder {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the payload, `s` bytes, of each missing data segment to `restored`, by its index. `data` and `parity` are
    /// the segments that are there, by their indices, in any order: together at least `k`; of data `s` bytes or less,
    /// which counts as padded with zeros.
    ///
    /// # Errors
    /// [`ParityError`]; then nothing is restored.
    pub fn restore<'a>(
        &mut self,
        (k, m, s): (usize, usize, usize),
        data: impl IntoIterator<Item = (usize, &'a [u8])>,
        parity: impl IntoIterator<Item = (usize, &'a [u8])>,
        mut restored: impl FnMut(usize, &[u8]),
    ) -> Result<(), ParityError> {
        if !is_possible(k, m, s) {
            return Err(ParityError::Unsupported { k, m, s });
        }
        let work = match &mut self.work {
            Some(work) => {
                work.reset(k, m, s).map_err(ParityError::Segments)?;
                work
            }
            none => none.insert(ReedSolomonDecoder::new(k, m, s).map_err(ParityError::Segments)?),
        };
        for (index, payload) in data {
            let payload = whole(payload, &[], s, &mut self.padded);
            work.add_original_shard(index, payload).map_err(ParityError::Segments)?;
        }
        for (index, payload) in parity {
            work.add_recovery_shard(index, payload).map_err(ParityError::Segments)?;
        }
        let decoded = work.decode().map_err(ParityError::Segments)?;
        for (index, payload) in decoded.restored_original_iter() {
            restored(index, payload);
        }
        drop(decoded);
        if work_bytes(k, m, s) > KEPT_WORK_BYTES {
            self.work = None;
        }
        Ok(())
    }
}

/// A payload in one piece of `s` bytes, if need be in `padded`. One that is too long stays so, and is refused.
fn whole<'a>(first: &'a [u8], second: &[u8], s: usize, padded: &'a mut Vec<u8>) -> &'a [u8] {
    if second.is_empty() && first.len() >= s {
        return first;
    }
    padded.clear();
    padded.extend_from_slice(first);
    padded.extend_from_slice(second);
    if padded.len() < s {
        padded.resize(s, 0);
    }
    padded
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Payloads of `s` bytes but the last, which has `last`.
    fn payloads(k: usize, s: usize, last: usize, seed: u64) -> Vec<Vec<u8>> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..k).map(|at| (0..if at + 1 == k { last } else { s }).map(|_| random.u8(..)).collect()).collect()
    }

    fn encode(encoder: &mut Encoder, data: &[Vec<u8>], m: usize, s: usize) -> Vec<Vec<u8>> {
        let mut parity = Vec::new();
        // Cut anywhere: the pieces are joined.
        let pieces = data.iter().map(|payload| {
            let (first, second) = payload.split_at(payload.len().saturating_sub(4));
            if payload.len() == s { [&payload[..], &[]] } else { [first, second] }
        });
        encoder.encode(s, m, pieces, &mut parity).unwrap();
        parity.chunks(s).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn the_code_stays_what_it_is() {
        // Ours and all who speak this wire must compute the same: these bytes come from reed-solomon-simd 3.1.0.
        let data = [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9]];
        let parity = encode(&mut Encoder::new(), &data, 2, 4);
        assert_eq!(parity, [[63, 72, 8, 1], [50, 76, 12, 13]]);
    }

    #[test]
    fn what_takes_too_much_memory_or_cannot_be_coded_is_refused() {
        assert!(is_possible(115, 23, 1440) && is_possible(5826, 1166, 1440) && is_possible(1, 1, 2));
        let uncountable_by_32_bits = (3, 32_765, 65_474);
        for (k, m, s) in [
            (0, 1, 2),
            (1, 0, 2),
            (1, 1, 0),
            (1, 1, 3),
            (1, 32_767, 1440),
            (32_767, 2, 2),
            (1, 1, usize::MAX - 1),
            uncountable_by_32_bits,
        ] {
            assert!(!is_possible(k, m, s), "{k} {m} {s}");
            let refused = Decoder::new().restore((k, m, s), [], [], |_, _| ()).unwrap_err();
            assert_eq!(refused, ParityError::Unsupported { k, m, s });
        }
        assert!(is_possible(1, 32_767, 2));
        let data = [[&[0_u8; 2][..], &[]]];
        assert!(Encoder::new().encode(1440, 32_767, data.into_iter(), &mut Vec::new()).is_err());
    }

    #[test]
    fn segments_that_make_no_frame_are_refused_and_the_next_frame_is_not_harmed() {
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let data = payloads(3, 8, 8, 1);
        let parity = encode(&mut encoder, &data, 2, 8);
        let [a, b, p] = [&data[0][..], &data[1], &parity[0]];
        let none: [(usize, &[u8]); 0] = [];
        assert!(decoder.restore((3, 2, 8), [(0, a), (1, b)], none, |_, _| panic!()).is_err(), "too few");
        assert!(decoder.restore((3, 2, 8), [(0, a), (0, b)], [(0, p)], |_, _| panic!()).is_err(), "one twice");
        assert!(decoder.restore((3, 2, 8), [(0, a), (3, b)], [(0, p)], |_, _| panic!()).is_err(), "no such");
        assert!(decoder.restore((3, 2, 8), [(0, a), (1, &[0; 9])], [(0, p)], |_, _| panic!()).is_err(), "too long");
        assert!(decoder.restore((3, 2, 8), [(0, a), (1, b)], [(0, &p[..7])], |_, _| panic!()).is_err(), "too short");
        assert!(encoder.encode(8, 2, [[a, &[1][..]]].into_iter(), &mut Vec::new()).is_err(), "too long");
        let mut restored = Vec::new();
        decoder
            .restore((3, 2, 8), [(0, a), (1, b)], [(0, p)], |at, bytes| restored.push((at, bytes.to_vec())))
            .unwrap();
        assert_eq!(restored, [(2, data[2].clone())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_k_segments_give_the_frame(
            k in 1..40_usize, m in 1..40_usize, half in 1..80_usize, cut in any::<prop::sample::Index>(), seed: u64,
        ) {
            let s = 2 * half;
            let data = payloads(k, s, cut.index(s) + 1, seed);
            let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
            for _ in 0..2 {
                let parity = encode(&mut encoder, &data, m, s);
                let mut all: Vec<usize> = (0..k + m).collect();
                fastrand::Rng::with_seed(seed).shuffle(&mut all);
                let there = &all[..k];
                let data_there = there.iter().filter(|at| **at < k).map(|&at| (at, &data[at][..]));
                let parity_there = there.iter().filter(|at| **at >= k).map(|&at| (at - k, &parity[at - k][..]));
                let mut frame: Vec<Option<Vec<u8>>> = vec![None; k];
                for (at, payload) in data_there.clone() {
                    frame[at] = Some(payload.to_vec());
                }
                let restored = |at: usize, payload: &[u8]| {
                    let (payload, padding) = payload.split_at(data[at].len());
                    assert!(padding.iter().all(|byte| *byte == 0));
                    assert!(frame[at].replace(payload.to_vec()).is_none());
                };
                decoder.restore((k, m, s), data_there, parity_there, restored).unwrap();
                let frame: Vec<_> = frame.into_iter().map(Option::unwrap).collect();
                prop_assert_eq!(&frame, &data);
            }
        }
    }
}
