//! What a stream asks its sender for.

use super::Stream;
use super::entry::State;
use crate::repair::Timing;
use crate::sequenced::Context;
use crate::wire::control::Nack;

impl Stream {
    /// Asks for what is missing and due.
    pub(super) fn ask(&mut self, context: &mut Context<'_>, timing: &Timing) {
        let Some(asking) = context.asking.as_deref_mut() else { return };
        let now = context.now;
        for at in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.given_up.is_none()) else { continue };
            let mut nack = Nack {
                stream_id: self.id,
                receiver_id: asking.repair.receiver_id,
                number: entry.number,
                countdowns: Vec::new(),
            };
            match &mut entry.state {
                State::Awaited { rounds, asked_at, due } if *due <= now => {
                    *rounds = rounds.saturating_add(1);
                    (*asked_at, *due) = (now, now + timing.retry(*rounds));
                }
                State::Growing(growing) if growing.due <= now && entry.comes_until.is_none() => {
                    // Two bytes each, and less for all that stands before them.
                    let most = self.credit / 4;
                    let k = growing.assembly.header().k;
                    // Positions of data are less than k.
                    growing.ask(now, timing, most, |position| nack.countdowns.push(k - position as u16));
                    if nack.countdowns.is_empty() {
                        continue;
                    }
                }
                _ => continue,
            }
            asking.send(context.address, nack, &mut self.credit);
            self.recount(at);
        }
    }
}
