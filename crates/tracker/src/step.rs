//! The step.
//!
//! ```text
//! batch --group by key--> per key, in order of event time:
//!         which session? (home) --none--> open one (open)
//!         fold the event into its row (join)
//!       then, per key, in order of arrival: sequences
//!       then: signals that came before their session (signals)
//! ```
//!
//! Hot: every stored event passes [`step`]. Its cost is one look-up of the key, the sessions of
//! that one key, and the fold. What must not be added: a scan of all rows per event, or a copy of
//! an event.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use kymo_model::{DropReason, Event, SessionId, SessionKind, Timestamp};

use crate::key::SessionKey;
use crate::process::{Beat, Told};
use crate::row::{End, SessionRow};
use crate::rules::Rules;
use crate::tab::{LoadId, Visit};

mod group;
mod home;
mod join;
mod open;
mod pages;
mod processes;
mod signals;
#[cfg(test)]
mod tests;

use self::pages::Streams;

/// One thing that came in, in the order it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// What it is grouped by; `None`: it belongs to no session.
    pub key: Option<SessionKey>,
    /// What it does to a session.
    pub role: Role,
    /// The event. For [`Role::Heartbeat`] only its time counts.
    pub event: Event,
    /// Plain facts about the program and its surroundings, and plain values the agent attaches to
    /// everything: joined into the session's properties.
    pub properties: Vec<(String, String)>,
    /// Unique and rising for everything this server ever took in, over all projects; new session ids derive from it.
    pub arrival: u64,
    /// For events of a tab: their place in it.
    pub page: Option<Page>,
    /// For events of a process: the agent's own number, which is the sequence it is stored under. All of them are
    /// [`Role::Ordinary`]: how the session began and ended its files [tell](Told).
    pub number: Option<u64>,
    /// It is stored already: only counted, for the session it is in.
    pub is_repeat: bool,
}

impl Incoming {
    /// An event that is new, without properties, not numbered yet.
    pub fn new(key: Option<SessionKey>, role: Role, event: Event) -> Self {
        Self {
            key,
            role,
            event,
            properties: Vec::new(),
            arrival: 0,
            page: None,
            number: None,
            is_repeat: false,
        }
    }
}

/// Where in its tab an event belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The agent's number of it.
    pub sequence: Option<u64>,
    /// The page load it is of.
    pub load: LoadId,
    /// What it says about the visit.
    pub visit: Option<Visit>,
}

/// What an incoming event does to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Joins it.
    Ordinary,
    /// Begins it.
    Start,
    /// Ends it at the event's date.
    End,
    /// Shows that it lives; not stored.
    Heartbeat,
}

/// A heartbeat or close call: it has an id, but no date and no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// A session id or a user's identity; the call does not say which.
    pub id: String,
    /// Ends the session.
    pub close: bool,
}

/// A signal whose session is not known yet. Kept until it is, at most [`Mark::KEPT_FOR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it arrived.
    pub received_at: Timestamp,
    /// It was a close call.
    pub close: bool,
}

impl Mark {
    /// Longer than any agent waits between its first heartbeat and its first batch, short enough
    /// that ids nobody knows do not pile up.
    pub const KEPT_FOR: Duration = Duration::from_hours(2);
}

/// The rows of one project that a step works on.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Sessions by id, put here by [`Rows::add`]. A step changes and adds rows and lists them in
    /// `touched`.
    pub sessions: BTreeMap<SessionId, SessionRow>,
    /// The same by key, so that a step touches nothing but its batch's sessions.
    by_key: HashMap<SessionKey, Vec<SessionId>>,
    /// Signals that found no session, by the id they named.
    pub marks: BTreeMap<String, Mark>,
    /// Sequence for the next event that belongs to no session, from 1.
    pub next_loose_sequence: u64,
    /// Sessions changed or added since the rows were loaded.
    pub touched: BTreeSet<SessionId>,
    /// Marks changed (still in `marks`) or used up (gone from it) since the rows were loaded.
    pub touched_marks: BTreeSet<String>,
    /// Page loads' streams and the sessions they came to since the rows were loaded, in order. A
    /// stream of a session's own id is its own without being listed.
    pub streams: Vec<(SessionId, SessionId)>,
}

impl Rows {
    /// Adds a loaded row, unless there is one of that id: that is ahead of it.
    pub fn add(&mut self, row: SessionRow) {
        if let Entry::Vacant(place) = self.sessions.entry(row.id) {
            self.by_key.entry(row.key.clone()).or_default().push(row.id);
            place.insert(row);
        }
    }

    /// Takes the sessions of a key out.
    fn take(&mut self, key: &SessionKey) -> Vec<SessionRow> {
        let mut ids = self.by_key.remove(key).unwrap_or_default();
        ids.sort_unstable();
        ids.iter().filter_map(|id| self.sessions.remove(id)).collect()
    }

    /// The sessions of a key.
    fn of<'rows>(&'rows self, key: &SessionKey) -> impl Iterator<Item = &'rows SessionRow> + use<'rows> {
        self.by_key.get(key).into_iter().flatten().filter_map(|id| self.sessions.get(id))
    }
}

/// What has to be loaded before a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Sessions of this key ...
    pub key: SessionKey,
    /// ... that were active at or after this moment (event time) ...
    pub active_from: Timestamp,
    /// ... and began at or before this one. Beside these, whatever their dates: those that have not
    /// ended for good, those closed by a call within the grace time, and for an external id: the one.
    /// And the mark of the key's text.
    pub started_to: Timestamp,
}

/// What became of an incoming event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Stored in that session (or in none) under that sequence.
    Stored {
        /// Its session.
        session: Option<SessionId>,
        /// The id it is stored under: the session's, or that of its page load.
        stream: Option<SessionId>,
        /// Its place in it: by arrival, in a tab and a process the agent's own number.
        sequence: u64,
    },
    /// Not stored, and why.
    Dropped {
        /// Counted under this.
        reason: DropReason,
        /// The session it was about, if any.
        session: Option<SessionId>,
    },
}

/// What to load before [`step`]: one entry for each distinct key, in order of appearance.
pub fn needs(batch: &[Incoming], rules: &Rules) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    let mut places: HashMap<&SessionKey, usize> = HashMap::new();
    for incoming in batch {
        let Some(key) = &incoming.key else { continue };
        let active_from = incoming.event.time.minus(rules.split_after);
        let started_to = incoming.event.time.plus(rules.split_after);
        let place = *places.entry(key).or_insert(needs.len());
        match needs.get_mut(place) {
            Some(need) => {
                need.active_from = need.active_from.min(active_from);
                need.started_to = need.started_to.max(started_to);
            }
            None => needs.push(Need { key: key.clone(), active_from, started_to }),
        }
    }
    needs
}

/// What to load before [`signal`]: the id as a session's, then as a user's.
pub fn signal_needs(signal: &Signal, now: Timestamp, rules: &Rules) -> [Need; 2] {
    signal_keys(signal).map(|key| Need {
        key,
        active_from: now.minus(rules.split_after),
        started_to: now.plus(rules.split_after),
    })
}

fn signal_keys(signal: &Signal) -> [SessionKey; 2] {
    [SessionKey::External(signal.id.clone()), SessionKey::Identity(signal.id.clone())]
}

/// Gives every incoming event its session and its sequence, and changes `rows` accordingly.
///
/// The answers are in the order of `batch`. `now` is the server's clock. `rows` has to hold what
/// [`needs`] names; more does no harm.
pub fn step(rows: &mut Rows, batch: &[Incoming], now: Timestamp, rules: &Rules) -> Vec<Applied> {
    let mut applied: Vec<Applied> = batch.iter().map(|incoming| outside_sessions(rows, incoming)).collect();
    let mut groups = group::by_key(batch);
    group::lend(rows, &mut groups);
    let mut streams = Streams::default();
    for group in &mut groups {
        group.apply(batch, now, rules, &mut streams, &mut applied);
        signals::apply_mark(rows, group, now, rules);
    }
    streams.give_to(rows);
    group::give_back(rows, groups);
    applied
}

/// What becomes of an event without a key. An event that has one gets the same answer for the
/// moment, without a number, and its group's answer instead of it afterwards.
fn outside_sessions(rows: &mut Rows, incoming: &Incoming) -> Applied {
    if incoming.key.is_some() {
        return Applied::Stored { session: None, stream: None, sequence: 0 };
    }
    if incoming.is_repeat {
        return Applied::Dropped { reason: DropReason::Duplicate, session: None };
    }
    if incoming.role == Role::Heartbeat {
        return Applied::Dropped { reason: DropReason::Heartbeat, session: None };
    }
    // `Rows::default()` has 0 here, and sequences count from 1.
    let sequence = rows.next_loose_sequence.max(1);
    rows.next_loose_sequence = sequence + 1;
    Applied::Stored { session: None, stream: None, sequence }
}

/// Applies a heartbeat or close call that arrived `now`. `rows` has to hold what [`signal_needs`]
/// names.
///
/// It moves the last activity of the session it names, or ends it. If there is none yet, a
/// [`Mark`] is left for the step that opens it.
pub fn signal(rows: &mut Rows, signal: &Signal, now: Timestamp, rules: &Rules) {
    signals::apply(rows, signal, now, rules);
}

/// What to load before [`tell`].
pub fn told_need(told: &Told) -> Need {
    Need { key: told.key.clone(), active_from: told.started_at, started_to: told.started_at }
}

/// Applies what a file of a process says about its session beside the events, which arrived `now`: it opens the session
/// if there is none, and says how it ended. `rows` has to hold what [`told_need`] names. What was told before changes
/// nothing.
pub fn tell(rows: &mut Rows, told: &Told, now: Timestamp) {
    processes::tell(rows, told, now);
}

/// What to load before [`beat`].
pub fn beat_need(beat: &Beat) -> Need {
    key_need(&beat.key, beat.heard_at)
}

/// Takes a word of a running process. A session that is not there stays away: nothing is known of it but numbers.
pub fn beat(rows: &mut Rows, beat: &Beat) {
    processes::beat(rows, beat);
}

/// What to load before [`request`].
pub fn request_need(key: &SessionKey, now: Timestamp) -> Need {
    key_need(key, now)
}

/// Notes that a person asked for all of a process's session.
pub fn request(rows: &mut Rows, key: &SessionKey) {
    processes::request(rows, key);
}

/// Of a process there is one session, whatever the times.
fn key_need(key: &SessionKey, at: Timestamp) -> Need {
    Need { key: key.clone(), active_from: at, started_to: at }
}

/// Ends the sessions in `rows` that have been silent for their [limit](Rules::idle_after),
/// provisionally; of a process it is only said that nothing is heard of it.
pub fn close_idle(rows: &mut Rows, now: Timestamp, rules: &Rules) {
    for row in rows.sessions.values_mut() {
        // A process is heard of by the server's clock: its events may have been recorded days ago.
        let (last_word, end) = match row.kind {
            SessionKind::Process => (row.last_observed_at, End::Silent),
            SessionKind::User | SessionKind::Browser => (row.last_activity_at, End::TimedOut),
        };
        if row.end.is_none() && last_word.plus(rules.idle_after(row.kind)) <= now {
            row.end = Some(end);
            rows.touched.insert(row.id);
        }
    }
}
