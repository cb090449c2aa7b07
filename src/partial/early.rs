//! Segments of a frame that came before their turn.

/// By their counts, each once.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// By rising count, so that the one whose turn comes next is the last.
    segments: Vec<(u8, Vec<u8>)>,
    bytes: usize,
}

impl Early {
    /// Keeps a segment, in place of the one that had this count.
    pub(super) fn keep(&mut self, count: u8, payload: &[u8]) {
        self.bytes += payload.len();
        match self.at(count) {
            Ok(at) => {
                let (_, before) = std::mem::replace(&mut self.segments[at], (count, payload.to_vec()));
                self.bytes -= before.len();
            }
            Err(at) => self.segments.insert(at, (count, payload.to_vec())),
        }
    }

    /// The payload of the one with this count.
    pub(super) fn get(&self, count: u8) -> Option<&[u8]> {
        self.at(count).ok().map(|at| &self.segments[at].1[..])
    }

    /// Takes the one with the greatest count, if that is this.
    pub(super) fn take(&mut self, count: u8) -> Option<Vec<u8>> {
        let (_, payload) = self.segments.pop_if(|(most, _)| *most == count)?;
        self.bytes -= payload.len();
        Some(payload)
    }

    /// Payloads in the order in which they were cut: by falling count.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.segments.iter().rev().map(|(_, payload)| &payload[..])
    }

    /// The least count.
    pub(super) fn least(&self) -> Option<u8> {
        self.segments.first().map(|(count, _)| *count)
    }

    /// The greatest count.
    pub(super) fn most(&self) -> Option<u8> {
        self.segments.last().map(|(count, _)| *count)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes of all payloads.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn at(&self, count: u8) -> Result<usize, usize> {
        self.segments.binary_search_by_key(&count, |(count, _)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_there_once_and_the_greatest_is_taken_first() {
        let mut early = Early::default();
        assert!(early.is_empty() && early.most().is_none());
        for (count, payload) in [(2, &b"two"[..]), (9, b"nine"), (1, b"one"), (2, b"second")] {
            early.keep(count, payload);
        }
        assert_eq!((early.len(), early.bytes(), early.least(), early.most()), (3, 13, Some(1), Some(9)));
        assert_eq!(early.payloads().collect::<Vec<_>>(), [&b"nine"[..], b"second", b"one"]);
        assert_eq!((early.get(2), early.get(3)), (Some(&b"second"[..]), None));
        assert_eq!((early.take(2), early.take(9), early.take(2)), (None, Some(b"nine".into()), Some(b"second".into())));
        assert_eq!(early.bytes(), 3);
    }
}
