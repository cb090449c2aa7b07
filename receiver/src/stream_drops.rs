//! What was dropped of a stream over TCP, by cause.

/// Why something that a TCP sender sent was not handed on. Each counts frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamDrop {
    /// The connection ended in the middle of it.
    Cut,
    /// It claims more bytes than are read.
    TooLong,
    /// It came too slowly.
    Stalled,
    /// It is no pickle of a picture.
    Refused,
    /// It is no JPEG.
    NotJpeg,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamDrops {
    counts: [u64; StreamDrop::ALL.len()],
}

impl StreamDrop {
    pub(crate) const ALL: [Self; 5] = [Self::Cut, Self::TooLong, Self::Stalled, Self::Refused, Self::NotJpeg];

    /// The key under which statistics show this cause.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::TooLong => "too_long",
            Self::Stalled => "stalled",
            Self::Refused => "refused",
            // As over UDP.
            Self::NotJpeg => "not_jpeg",
        }
    }
}

impl StreamDrops {
    pub(crate) fn count(&mut self, cause: StreamDrop) {
        self.counts[cause as usize] += 1;
    }

    /// Every cause with its count, zeros included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StreamDrop, u64)> {
        StreamDrop::ALL.into_iter().zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_place() {
        let mut drops = StreamDrops::default();
        for (at, cause) in StreamDrop::ALL.into_iter().enumerate() {
            (0..=at).for_each(|_| drops.count(cause));
        }
        assert!(drops.iter().enumerate().all(|(at, (cause, count))| cause as usize == at && count == at as u64 + 1));
    }
}
