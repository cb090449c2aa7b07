//! What was counted: datagrams, frames, and every drop by its cause.

use crate::wire::DecodeError;

/// Why something that arrived was not delivered.
///
/// Some causes count datagrams, some whole frames: each says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// Datagrams too short to carry anything.
    TooShort,
    /// Datagrams of a type that this version does not read.
    UnknownType,
    /// Datagrams that break a rule of their type.
    Malformed,
    /// Datagrams seen before.
    Duplicate,
    /// Datagrams that fit no frame under way and can begin none.
    Stray,
    /// Datagrams that contradict what the first one of their frame said of it.
    Disagrees,
    /// Frames of which a datagram was lost.
    Incomplete,
    /// Frames given up because too little of them had come by their deadline.
    Deadline,
    /// Frames ended by a pause that is too long to lie inside a frame.
    Gap,
    /// Frames without a tag that do not begin with SOI or do not end with EOI.
    NotJpeg,
    /// Frames whose tag or checksum does not agree with them.
    Corrupt,
    /// Frames that come after a newer one, or again, or from a run of the sender that has been left; on the sequenced
    /// wire, datagrams of such frames.
    Stale,
    /// Frames without a tag from a source that sends tags.
    Untagged,
    /// Frames given up because their source had no memory left within its bound, or 256 of them under way.
    Memory,
    /// Unfinished frames of a source that had to make room for another.
    Evicted,
    /// Tags of another version, cut out of frames that were delivered without them.
    TagVersion,
    /// Sealed datagrams where there is no key.
    Sealed,
    /// Datagrams that are not sealed where there is a key.
    Unsealed,
    /// Sealed datagrams that do not open: sealed with another key, or not what was sent.
    DoesNotOpen,
    /// Sealed datagrams that have been opened before, or are too old to tell.
    Replayed,
    /// Datagrams of frames that open, of a stream that has not proved to be of now.
    NotFresh,
}

impl DropCause {
    /// All causes, in the order in which they are declared.
    pub const ALL: &'static [Self] = &[
        Self::TooShort,
        Self::UnknownType,
        Self::Malformed,
        Self::Duplicate,
        Self::Stray,
        Self::Disagrees,
        Self::Incomplete,
        Self::Deadline,
        Self::Gap,
        Self::NotJpeg,
        Self::Corrupt,
        Self::Stale,
        Self::Untagged,
        Self::Memory,
        Self::Evicted,
        Self::TagVersion,
        Self::Sealed,
        Self::Unsealed,
        Self::DoesNotOpen,
        Self::Replayed,
        Self::NotFresh,
    ];

    /// The key under which statistics show this cause.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::UnknownType => "unknown_type",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
            Self::Stray => "stray",
            Self::Disagrees => "disagrees",
            Self::Incomplete => "incomplete",
            Self::Deadline => "deadline",
            Self::Gap => "gap",
            Self::NotJpeg => "not_jpeg",
            Self::Corrupt => "corrupt",
            Self::Stale => "stale",
            Self::Untagged => "untagged",
            Self::Memory => "memory",
            Self::Evicted => "evicted",
            Self::TagVersion => "tag_version",
            Self::Sealed => "sealed",
            Self::Unsealed => "unsealed",
            Self::DoesNotOpen => "does_not_open",
            Self::Replayed => "replayed",
            Self::NotFresh => "not_fresh",
        }
    }
}

impl From<&DecodeError> for DropCause {
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::TooShort { .. } => Self::TooShort,
            DecodeError::UnknownType { .. } => Self::UnknownType,
            DecodeError::Malformed { .. } => Self::Malformed,
        }
    }
}

/// Counts since the start, of one source or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams that came in, whatever became of them.
    pub datagrams: u64,
    /// Bytes of these, countdown bytes included.
    pub bytes: u64,
    /// Frames delivered.
    pub frames: u64,
    /// Frames known to have been sent but not delivered: by the frame numbers where there are tags, by what was
    /// left unfinished where there are none.
    pub frames_lost: u64,
    /// Segments known to be lost on their way: on the plain wire, those missing from frames that were given up; on the
    /// sequenced wire, all that did not come of themselves, repaired or not. Of frames of which nothing came, none are
    /// known.
    pub segments_lost: u64,
    /// Data segments that parity stood in for.
    pub repaired_by_parity: u64,
    /// Segments that came because they were asked for again, by this receiver or another one of the group.
    pub repaired_by_repeat: u64,
    /// Frames of which something still came after they had been given up and a newer one delivered: more latency might
    /// have made them whole.
    pub late: u64,
    dropped: [u64; DropCause::ALL.len()],
}

impl Stats {
    /// How often `cause` made something be dropped.
    #[must_use]
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.dropped[cause as usize]
    }

    /// Every cause with its count, zeros included.
    pub fn drops(&self) -> impl Iterator<Item = (DropCause, u64)> + '_ {
        DropCause::ALL.iter().map(|&cause| (cause, self.dropped(cause)))
    }

    pub(crate) fn drop_one(&mut self, cause: DropCause) {
        self.drop_many(cause, 1);
    }

    pub(crate) fn drop_many(&mut self, cause: DropCause, count: u64) {
        self.dropped[cause as usize] += count;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.frames += other.frames;
        self.frames_lost += other.frames_lost;
        self.segments_lost += other.segments_lost;
        self.repaired_by_parity += other.repaired_by_parity;
        self.repaired_by_repeat += other.repaired_by_repeat;
        self.late += other.late;
        for (sum, count) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_place_and_name() {
        let mut stats = Stats::default();
        for (at, &cause) in DropCause::ALL.iter().enumerate() {
            assert_eq!(cause as usize, at);
            stats.drop_many(cause, at as u64 + 1);
        }
        let names: std::collections::HashSet<_> = DropCause::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), DropCause::ALL.len());
        assert!(stats.drops().enumerate().all(|(at, (_, count))| count == at as u64 + 1));
    }
}
