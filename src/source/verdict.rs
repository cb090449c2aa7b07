//! What a frame on the plain wire is, once all its segments seem to be there.

use crate::partial::Partial;
use crate::stats::DropCause;
use crate::wire::tag::{self, EOI, Found, SOI, TAG_LEN, Tag};

/// What a whole frame turned out to be.
pub(super) enum Verdict {
    /// To be delivered: its tag, and the bytes to be cut out after SOI.
    Deliver { tag: Option<Tag>, cut: usize },
    /// Not to be delivered.
    Refuse(DropCause),
}

/// Whether this is the first segment of a frame of which all others wait, and a tag in it agrees with them.
pub(super) fn completes(partial: &Partial, count: u8, payload: &[u8]) -> bool {
    match (tag::find(payload), partial.all_but_first(count)) {
        (Found::Tag(claim), Some(others)) => claim.holds_in(payload, others),
        _ => false,
    }
}

/// Decides on a frame whose counts are complete.
pub(super) fn judge(frame: &[u8], needs_tag: bool) -> Verdict {
    let cut = match tag::find(frame) {
        Found::Tag(claim) if claim.holds(frame) => return Verdict::Deliver { tag: Some(claim.tag), cut: TAG_LEN },
        Found::Tag(_) | Found::Broken => return Verdict::Refuse(DropCause::Corrupt),
        Found::OtherVersion { len } => len,
        Found::Nothing => 0,
    };
    if needs_tag {
        return Verdict::Refuse(DropCause::Untagged);
    }
    let end = frame.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let is_jpeg = frame.starts_with(&SOI)
        && end >= cut + SOI.len() + EOI.len()
        && frame.get(..end).is_some_and(|frame| frame.ends_with(&EOI));
    if is_jpeg { Verdict::Deliver { tag: None, cut } } else { Verdict::Refuse(DropCause::NotJpeg) }
}
