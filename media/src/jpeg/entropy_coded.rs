//! The entropy-coded data of a scan: where it ends (T.81 B.1.1.2, F.1.2.3).
//!
//! Nearly all bytes of a JPEG are such data, and an FF in it with its stuffed zero comes once in some hundreds of them,
//! at places that no processor can foresee. To stop at each costs more than to look at all bytes. So a block of bytes
//! is asked whether there is anything in it but data, which takes no branch (`media/benches/markers.rs` compares the
//! two).

/// Bytes looked at together: enough for the compiler to use the registers that hold many bytes.
const BLOCK: usize = 128;

/// Where the first marker is that ends the data: the first FF, of those with a byte after them, that no zero, no
/// restart marker's code and no FF follows. FF before FF are fill bytes, of which any number may stand before any marker,
/// those of restarts included.
pub(super) fn offset_of_marker(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    // With the first byte of the next block: it may be what follows an FF.
    while let Some(block) = data.get(at..=at + BLOCK) {
        if may_have_marker(block)
            && let Some(marker) = first_marker(block)
        {
            return Some(at + marker);
        }
        at += BLOCK;
    }
    first_marker(&data[at..]).map(|marker| at + marker)
}

/// Whether there is an FF with anything but a zero after it: a restart marker or a fill byte, if not a marker that ends the
/// data.
fn may_have_marker(block: &[u8]) -> bool {
    // Without a way out of the loop, so that it becomes one of many bytes at a time.
    block.iter().zip(&block[1..]).fold(false, |found, (&byte, &code)| found | ((byte == 0xFF) & (code != 0)))
}

fn first_marker(data: &[u8]) -> Option<usize> {
    data.windows(2).position(|pair| matches!(*pair, [0xFF, code] if !matches!(code, 0x00 | 0xD0..=0xD7 | 0xFF)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stuffed_zeros_and_restart_markers_are_data_and_anything_else_is_a_marker() {
        for code in 0..=0xFF {
            let is_data = matches!(code, 0 | 0xD0..=0xD7 | 0xFF);
            let expected = if is_data { None } else { Some(1) };
            assert_eq!(offset_of_marker(&[0x12, 0xFF, code]), expected, "FF {code:02X}");
            let filled = expected.map(|at| at + 2);
            assert_eq!(offset_of_marker(&[0x12, 0xFF, 0xFF, 0xFF, code]), filled, "FF FF FF {code:02X}");
        }
    }

    #[test]
    fn a_marker_is_found_wherever_it_lies_in_its_block() {
        for len in 2..3 * BLOCK {
            for at in 0..len - 1 {
                let mut data = vec![0x7F; len];
                data[at..at + 2].copy_from_slice(&[0xFF, 0xD9]);
                assert_eq!(offset_of_marker(&data), Some(at), "of {len}");
            }
        }
    }

    #[test]
    fn an_ff_at_the_end_is_not_known_to_be_a_marker() {
        for len in 1..=3 * BLOCK {
            let mut data = vec![0; len];
            data[len - 1] = 0xFF;
            assert_eq!(offset_of_marker(&data), None, "of {len}");
        }
    }

    /// Mostly what looks like a marker, or like a stuffed zero.
    fn any_data() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![2 => Just(0x00), 1 => Just(0xFF), 1 => Just(0xD3), 1 => any::<u8>()];
        proptest::collection::vec(byte, 0..5 * BLOCK)
    }

    fn data_without_marker() -> impl Strategy<Value = Vec<[u8; 2]>> {
        let pair = prop::sample::select(vec![[0xFF, 0x00], [0xFF, 0xD7], [0x00, 0x00], [0xFE, 0x01]]);
        proptest::collection::vec(pair, 0..5 * BLOCK)
    }

    proptest! {
        #[test]
        fn blocks_make_no_difference(data in any_data()) {
            prop_assert_eq!(offset_of_marker(&data), first_marker(&data));
        }

        #[test]
        fn data_without_a_marker_has_none(pairs in data_without_marker()) {
            prop_assert_eq!(offset_of_marker(pairs.as_flattened()), None);
        }
    }
}
