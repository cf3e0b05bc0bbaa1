//! The part of a batch that has one key, with that key's sessions.

use std::collections::HashMap;

use kymo_model::{DropReason, Timestamp};

use super::home::{self, Home};
use super::pages::{self, Spot, Streams};
use super::{Applied, Incoming, Page, Role, Rows, join, open, processes};
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

/// Moves the sessions of the groups' keys out of `rows`.
pub(super) fn lend(rows: &mut Rows, groups: &mut [Group<'_>]) {
    for group in groups {
        let sessions = rows.take(group.key).into_iter();
        group.sessions = sessions.map(|row| Held { row, changed: false, opened: false }).collect();
    }
}

/// Moves them back and lists the changed ones.
pub(super) fn give_back(rows: &mut Rows, groups: Vec<Group<'_>>) {
    for held in groups.into_iter().flat_map(|group| group.sessions) {
        if held.changed {
            rows.touched.insert(held.row.id);
        }
        rows.add(held.row);
    }
}

/// What becomes of an event, before it has a sequence. Sessions by index in [`Group::sessions`].
#[derive(Clone, Copy)]
enum Fate {
    Stored(usize),
    /// In a tab or a process, where it has a number already.
    Placed(Spot),
    Dropped(DropReason, Option<usize>),
}

impl Group<'_> {
    /// Applies the group's events in order of event time (a tab's in the agent's order; arrival
    /// breaks ties), then numbers those that are stored in order of arrival.
    pub(super) fn apply(
        &mut self,
        batch: &[Incoming],
        now: Timestamp,
        rules: &Rules,
        streams: &mut Streams,
        applied: &mut [Applied],
    ) {
        let mut in_order = self.positions.clone();
        let sequence = |position: usize| {
            batch[position].page.as_ref().map(|page: &Page| page.sequence.unwrap_or(u64::MAX))
        };
        in_order.sort_by_key(|&position| (sequence(position), batch[position].event.time));
        let mut fates: Vec<(usize, Fate)> = in_order
            .into_iter()
            .map(|position| (position, self.place(&batch[position], now, rules, streams)))
            .collect();
        fates.sort_by_key(|&(position, _)| position);
        for (position, fate) in fates {
            applied[position] = self.number(fate);
        }
    }

    /// Opens a session for the event, before it has joined.
    pub(super) fn open(&mut self, incoming: &Incoming, now: Timestamp) -> usize {
        let row = open::session(self.key, incoming, now);
        self.sessions.push(Held { row, changed: true, opened: true });
        self.sessions.len() - 1
    }

    fn place(&mut self, incoming: &Incoming, now: Timestamp, rules: &Rules, streams: &mut Streams) -> Fate {
        if incoming.is_repeat {
            return self.drop_repeat(incoming, now, rules);
        }
        if let Some(page) = &incoming.page {
            return self.place_in_tab(incoming, page, now, streams);
        }
        if let (SessionKey::Process(_), Role::Ordinary, Some(number)) =
            (self.key, incoming.role, incoming.number)
        {
            return self.place_in_process(incoming, number, now);
        }
        let session = match home::find(self.key, &self.sessions, incoming, now, rules) {
            Home::TooLateFor(session) => return self.dropped(DropReason::LateHeartbeat, Some(session)),
            Home::In(session) => session,
            Home::New => self.open(incoming, now),
        };
        let held = &mut self.sessions[session];
        held.changed = true;
        match join::join(&mut held.row, incoming, now) {
            None => Fate::Stored(session),
            Some(reason) => self.dropped(reason, Some(session)),
        }
    }

    fn place_in_tab(
        &mut self,
        incoming: &Incoming,
        page: &Page,
        now: Timestamp,
        streams: &mut Streams,
    ) -> Fate {
        let spot = pages::place(streams, self, incoming, page, now);
        let held = &mut self.sessions[spot.session];
        held.changed = true;
        pages::count(&mut held.row, incoming, page.load);
        match join::join(&mut held.row, incoming, now) {
            None => Fate::Placed(spot),
            Some(reason) => self.dropped(reason, Some(spot.session)),
        }
    }

    /// Its place is the agent's own number; one that is stored already comes again.
    fn place_in_process(&mut self, incoming: &Incoming, number: u64, now: Timestamp) -> Fate {
        let session = if self.sessions.is_empty() { self.open(incoming, now) } else { 0 };
        let held = &mut self.sessions[session];
        let stream = held.row.id;
        if let Err(reason) = processes::take(&mut held.row, number) {
            return self.dropped(reason, Some(session));
        }
        held.changed = true;
        match join::join(&mut held.row, incoming, now) {
            None => Fate::Placed(Spot { session, sequence: number, stream }),
            Some(reason) => self.dropped(reason, Some(session)),
        }
    }

    /// An event that is stored already is told to the session it is most likely in.
    fn drop_repeat(&mut self, incoming: &Incoming, now: Timestamp, rules: &Rules) -> Fate {
        let session = match &incoming.page {
            Some(page) => pages::known(&self.sessions, page),
            None => match home::find(self.key, &self.sessions, incoming, now, rules) {
                Home::In(session) | Home::TooLateFor(session) => Some(session),
                Home::New => None,
            },
        };
        self.dropped(DropReason::Duplicate, session)
    }

    fn dropped(&mut self, reason: DropReason, session: Option<usize>) -> Fate {
        if let Some(session) = session {
            let held = &mut self.sessions[session];
            held.changed = true;
            *held.row.dropped.entry(reason).or_default() += 1;
        }
        Fate::Dropped(reason, session)
    }

    fn number(&mut self, fate: Fate) -> Applied {
        match fate {
            Fate::Stored(session) => {
                let row = &mut self.sessions[session].row;
                let sequence = row.next_sequence;
                row.next_sequence += 1;
                Applied::Stored { session: Some(row.id), stream: Some(row.id), sequence }
            }
            Fate::Placed(spot) => Applied::Stored {
                session: Some(pages::session_of(&self.sessions, spot)),
                stream: Some(spot.stream),
                sequence: spot.sequence,
            },
            Fate::Dropped(reason, session) => {
                let session = session.map(|session| self.sessions[session].row.id);
                Applied::Dropped { reason, session }
            }
        }
    }
}
