//! The part of a batch that has one key, with that key's sessions.

use std::collections::HashMap;

use kymo_model::{DropReason, Timestamp};

use super::home::{self, Home};
use super::{Applied, Incoming, Rows, join, open};
use crate::key::SessionKey;
use crate::row::SessionRow;
use crate::rules::Rules;

/// Events of one key and the sessions they can belong to. Keys have nothing to do with each
/// other, so a step goes through them one by one.
pub(super) struct Group<'a> {
    pub(super) key: &'a SessionKey,
    /// Positions in the batch, in order of arrival.
    positions: Vec<usize>,
    pub(super) sessions: Vec<Held>,
}

/// A row that is taken out of [`Rows`] for the length of the step.
pub(super) struct Held {
    pub(super) row: SessionRow,
    pub(super) changed: bool,
    /// It was opened in this step.
    pub(super) opened: bool,
}

/// Groups a batch, in order of first appearance.
pub(super) fn by_key(batch: &[Incoming]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<&SessionKey, usize> = HashMap::new();
    for (position, incoming) in batch.iter().enumerate() {
        let Some(key) = &incoming.key else { continue };
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.positions.push(position),
            None => groups.push(Group { key, positions: vec![position], sessions: Vec::new() }),
        }
    }
    groups
}

/// Moves the sessions of the groups' keys out of `rows`: one pass for the whole batch.
pub(super) fn lend(rows: &mut Rows, groups: &mut [Group<'_>]) {
    let places: HashMap<&SessionKey, usize> =
        groups.iter().enumerate().map(|(place, group)| (group.key, place)).collect();
    for (_, row) in rows.sessions.extract_if(.., |_, row| places.contains_key(&row.key)) {
        if let Some(&place) = places.get(&row.key) {
            groups[place].sessions.push(Held { row, changed: false, opened: false });
        }
    }
}

/// Moves them back and lists the changed ones.
pub(super) fn give_back(rows: &mut Rows, groups: Vec<Group<'_>>) {
    for held in groups.into_iter().flat_map(|group| group.sessions) {
        if held.changed {
            rows.touched.insert(held.row.id);
        }
        rows.sessions.insert(held.row.id, held.row);
    }
}

/// What becomes of an event, before it has a sequence. Sessions by index in [`Group::sessions`].
#[derive(Clone, Copy)]
enum Fate {
    Stored(usize),
    Dropped(DropReason, usize),
}

impl Group<'_> {
    /// Applies the group's events in order of event time (arrival breaks ties), then numbers those
    /// that are stored in order of arrival.
    pub(super) fn apply(
        &mut self,
        batch: &[Incoming],
        now: Timestamp,
        rules: &Rules,
        applied: &mut [Applied],
    ) {
        let mut by_time = self.positions.clone();
        by_time.sort_by_key(|&position| batch[position].event.time);
        let mut fates: Vec<(usize, Fate)> = by_time
            .into_iter()
            .map(|position| (position, self.place(&batch[position], now, rules)))
            .collect();
        fates.sort_by_key(|&(position, _)| position);
        for (position, fate) in fates {
            applied[position] = self.number(fate);
        }
    }

    fn place(&mut self, incoming: &Incoming, now: Timestamp, rules: &Rules) -> Fate {
        let session = match home::find(self.key, &self.sessions, incoming, now, rules) {
            Home::TooLateFor(session) => return Fate::Dropped(DropReason::LateHeartbeat, session),
            Home::In(session) => session,
            Home::New => {
                let row = open::session(self.key, incoming, now);
                self.sessions.push(Held { row, changed: true, opened: true });
                self.sessions.len() - 1
            }
        };
        let held = &mut self.sessions[session];
        held.changed = true;
        match join::join(&mut held.row, incoming, now) {
            None => Fate::Stored(session),
            Some(reason) => Fate::Dropped(reason, session),
        }
    }

    fn number(&mut self, fate: Fate) -> Applied {
        match fate {
            Fate::Stored(session) => {
                let row = &mut self.sessions[session].row;
                let sequence = row.next_sequence;
                row.next_sequence += 1;
                Applied::Stored { session: Some(row.id), sequence }
            }
            Fate::Dropped(reason, session) => {
                Applied::Dropped { reason, session: Some(self.sessions[session].row.id) }
            }
        }
    }
}
