//! The newest pictures, for all viewers to read from.
//!
//! MPEG-1 can be begun with at some pictures only. What lies from one of these to the next is a group, of half a second
//! at most. Two groups are kept: the one under way, which newcomers get from its beginning, and the one before it, for
//! those who are a little late. Whoever is later goes on at the beginning of the newest.

use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use super::transport::{CodedPicture, after_a_gap};

/// The group under way, and the one before it.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    before: Group,
    current: Group,
    /// Another encoder has taken over: what it makes does not go on from what is here.
    is_cut: bool,
}

#[derive(Debug, Default)]
struct Group {
    /// Counted from 1; 0 is none.
    number: u64,
    /// Number of its first picture, counted from 0 through all groups.
    first: u64,
    pictures: Vec<Shown>,
    /// Whether it does not go on from the group before it.
    is_apart: bool,
}

#[derive(Debug, Clone)]
struct Shown {
    packets: Bytes,
    captured_at: SystemTime,
}

/// How far a viewer is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    /// The group that the last picture taken is in; 0 where none was.
    group: u64,
    /// Number of the picture after it.
    next: u64,
}

/// What there is for a viewer: one picture, or some, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whole packets of 188 bytes.
    pub packets: Bytes,
    /// How many pictures they are.
    pub pictures: usize,
    /// When the newest of them was captured.
    pub captured_at: SystemTime,
    /// How many pictures before them were left out because the viewer was late.
    pub skipped: u64,
}

impl Groups {
    /// Takes the newest picture. What comes before the first one that can be begun with is of no use to anybody.
    pub(crate) fn push(&mut self, picture: CodedPicture, captured_at: SystemTime) {
        if picture.is_key {
            let (number, first) = (self.current.number + 1, self.current.end());
            let is_apart = std::mem::take(&mut self.is_cut);
            let group = Group { number, first, pictures: Vec::new(), is_apart };
            self.before = std::mem::replace(&mut self.current, group);
        } else if self.is_cut || self.current.number == 0 {
            return;
        }
        self.current.pictures.push(Shown { packets: picture.packets, captured_at });
    }

    /// What comes next is from another encoder.
    pub(crate) fn cut(&mut self) {
        self.is_cut = true;
    }

    /// Forgets the pictures: they are old by now, and nobody is to begin with them.
    pub(crate) fn clear(&mut self) {
        self.before = Group::default();
        self.current = Group { first: self.current.end(), pictures: Vec::new(), ..self.current };
        self.cut();
    }

    /// What there is for a viewer who is at `position`, which then is behind it.
    pub(crate) fn take(&self, position: &mut Position) -> Option<Batch> {
        let (before, current) = (&self.before, &self.current);
        let is_behind_by_one = position.group != 0 && position.group == before.number && !current.is_apart;
        let pictures: Vec<&Shown> = if position.group == current.number {
            current.from(position.next).collect()
        } else if is_behind_by_one {
            before.from(position.next).chain(&current.pictures).collect()
        } else {
            current.pictures.iter().collect()
        };
        let newest = pictures.last()?;
        let (count, captured_at) = (pictures.len(), newest.captured_at);
        // A newcomer has missed nothing.
        let is_joined = position.group == 0 || position.group == current.number || is_behind_by_one;
        let skipped = if is_joined { 0 } else { current.first.saturating_sub(position.next) };
        let mut packets = match pictures[..] {
            [single] => single.packets.clone(),
            _ => join(&pictures),
        };
        if !is_joined {
            packets = after_a_gap(&packets);
        }
        *position = Position { group: current.number, next: current.end() };
        Some(Batch { packets, pictures: count, captured_at, skipped })
    }
}

impl Group {
    /// Number of the picture after its last.
    fn end(&self) -> u64 {
        self.first + self.pictures.len() as u64
    }

    /// Its pictures from the one with this number.
    fn from(&self, number: u64) -> impl Iterator<Item = &Shown> {
        let taken = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.pictures.iter().skip(taken)
    }
}

fn join(pictures: &[&Shown]) -> Bytes {
    let mut packets = BytesMut::with_capacity(pictures.iter().map(|picture| picture.packets.len()).sum());
    for picture in pictures {
        packets.extend_from_slice(&picture.packets);
    }
    packets.freeze()
}

#[cfg(test)]
mod tests {
    use super::super::transport::PACKET_LEN;
    use super::*;

    fn push(groups: &mut Groups, pictures: &str) {
        for name in pictures.bytes() {
            let packets = Bytes::from(vec![name; PACKET_LEN]);
            groups.push(CodedPicture { packets, is_key: name.is_ascii_uppercase() }, SystemTime::UNIX_EPOCH);
        }
    }

    /// What a viewer gets: the pictures, and before them how many were left out.
    fn take(groups: &Groups, position: &mut Position) -> String {
        let Some(batch) = groups.take(position) else { return String::new() };
        assert_eq!(batch.packets.len(), batch.pictures * PACKET_LEN);
        let names: String = batch.packets.chunks(PACKET_LEN).map(|packet| char::from(packet[0])).collect();
        if batch.skipped > 0 { format!("{} left out, {names}", batch.skipped) } else { names }
    }

    #[test]
    fn a_newcomer_begins_where_one_can_and_then_follows() {
        let mut groups = Groups::default();
        let mut position = Position::default();
        push(&mut groups, "xy");
        assert_eq!(take(&groups, &mut position), "");
        push(&mut groups, "AbcDe");
        assert_eq!(take(&groups, &mut position), "De");
        assert_eq!(take(&groups, &mut position), "");
        push(&mut groups, "f");
        push(&mut groups, "G");
        assert_eq!(take(&groups, &mut position), "fG");
    }

    #[test]
    fn whoever_is_late_by_more_than_a_group_goes_on_at_the_newest() {
        let mut groups = Groups::default();
        let mut position = Position::default();
        push(&mut groups, "Ab");
        assert_eq!(take(&groups, &mut position), "Ab");
        push(&mut groups, "cDefGh");
        assert_eq!(take(&groups, &mut position), "4 left out, Gh");
        push(&mut groups, "i");
        assert_eq!(take(&groups, &mut position), "i");
    }

    #[test]
    fn what_another_encoder_makes_is_not_joined_to_what_was() {
        let mut groups = Groups::default();
        let mut position = Position::default();
        push(&mut groups, "Ab");
        take(&groups, &mut position);
        push(&mut groups, "c");
        groups.cut();
        push(&mut groups, "dEf");
        assert_eq!(take(&groups, &mut position), "1 left out, Ef");
        groups.clear();
        assert_eq!(take(&groups, &mut Position::default()), "");
        push(&mut groups, "gHi");
        assert_eq!(take(&groups, &mut position), "Hi");
        assert_eq!(take(&groups, &mut Position::default()), "Hi");
    }

    #[test]
    fn no_more_than_two_groups_are_kept() {
        let mut groups = Groups::default();
        for _ in 0..100 {
            push(&mut groups, "Abc");
        }
        assert_eq!(groups.before.pictures.len() + groups.current.pictures.len(), 6);
    }
}
