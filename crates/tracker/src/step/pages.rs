//! Which session and which number does a tab's event have?
//!
//! The session that has the event's page load; for a new page load the one whose numbers it
//! continues. When its number is taken there by another page load, two tabs bear one agent id: the
//! one that began later is taken out and becomes a session of the same visit.

use kymo_model::{SessionId, Timestamp};

use super::group::{Group, Held};
use super::{Incoming, Page, Rows, open};
use crate::row::SessionRow;
use crate::tab::{LOADS_MAX, LoadId, PageLoad, Part, SEQUENCE_MAX, Tab};

/// Most sessions that one agent id is taken apart into; tabs beyond it share the last one. Nobody
/// opens that many tabs from one page, but agent ids can be made up.
const SESSIONS_PER_AGENT_MAX: usize = 16;

/// Place of an event in a tab. The session by index in [`Group::sessions`].
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) session: usize,
    pub(super) sequence: u64,
    pub(super) stream: SessionId,
}

/// The session an event is known to be in, for one that was sent again.
pub(super) fn known(sessions: &[Held], page: &Page) -> Option<usize> {
    let owned = sessions.iter().position(|held| {
        let owner = page.sequence.and_then(|sequence| tab(&held.row)?.owner(sequence));
        owner == Some(page.load)
    });
    owned.or_else(|| with_load(sessions, page.load)).or_else(|| most_recent(sessions, |_| true))
}

/// Finds or opens the event's session and takes its number there.
pub(super) fn place(
    streams: &mut Streams,
    group: &mut Group<'_>,
    incoming: &Incoming,
    page: &Page,
    now: Timestamp,
) -> Spot {
    let sequence = page.sequence.filter(|sequence| *sequence <= SEQUENCE_MAX);
    let mut visits = Vec::new();
    let mut session = match with_load(&group.sessions, page.load) {
        Some(session) => session,
        None => of_new_load(&group.sessions, page.load, sequence).unwrap_or_else(|| {
            // One agent id is copied within a visit only.
            visits.extend(group.sessions.iter().filter_map(|held| tab(&held.row)?.visit.clone()));
            group.open(incoming, now)
        }),
    };
    if let Some(other) = sequence
        .and_then(|sequence| tab(&group.sessions[session].row)?.owner(sequence))
        .filter(|other| *other != page.load && page.load.is_known())
        && tab(&group.sessions[session].row).is_some_and(|tab| tab.has(page.load))
        && group.sessions.len() < SESSIONS_PER_AGENT_MAX
        && let Some(part) = take_apart(&mut group.sessions[session].row, page.load, other)
    {
        streams.note(&part);
        group.sessions[session].changed = true;
        group.sessions.push(Held { row: part, changed: true, opened: true });
        session = with_load(&group.sessions, page.load).unwrap_or(session);
    }
    let row = &mut group.sessions[session].row;
    let stream = stream_of(streams, row, incoming, page.load);
    let tab = tab_mut(row);
    let free = sequence.filter(|sequence| tab.owner(*sequence).is_none());
    let sequence = free.unwrap_or_else(|| tab.next());
    tab.take(sequence, page.load);
    tab.note_visit(page.visit.as_ref());
    for visit in &visits {
        tab.note_visit(Some(visit));
    }
    row.next_sequence = tab.next();
    Spot { session, sequence, stream }
}

/// The session that a placed event is in at the end of the step: it may have been taken out of the
/// one it was placed in.
pub(super) fn session_of(sessions: &[Held], spot: Spot) -> SessionId {
    let has_stream = |row: &SessionRow| {
        tab(row).is_some_and(|tab| tab.loads.iter().any(|load| load.stream == spot.stream))
    };
    let held = sessions.iter().find(|held| has_stream(&held.row)).unwrap_or(&sessions[spot.session]);
    held.row.id
}

/// Adds a stored event to the figures of its part of the session; before it joins the row.
pub(super) fn count(row: &mut SessionRow, incoming: &Incoming, load: LoadId) {
    let tab = tab_mut(row);
    let place = tab.loads.iter().position(|known| known.id == load);
    match place {
        // The row itself has the figures while there is nothing else.
        Some(0) if tab.loads.len() == 1 && tab.earlier.is_none() => {}
        Some(place) => Part::add(&mut tab.loads[place].part, &incoming.event),
        None if tab.loads.is_empty() && tab.earlier.is_none() => {}
        None => Part::add(&mut tab.earlier, &incoming.event),
    }
}

/// Streams that came to another session, for the store.
#[derive(Debug, Default)]
pub(super) struct Streams(pub(super) Vec<(SessionId, SessionId)>);

impl Streams {
    fn note(&mut self, row: &SessionRow) {
        let loads = tab(row).into_iter().flat_map(|tab| &tab.loads);
        self.0.extend(loads.map(|load| (load.stream, row.id)));
    }

    pub(super) fn give_to(self, rows: &mut Rows) {
        rows.streams.extend(self.0);
    }
}

fn tab(row: &SessionRow) -> Option<&Tab> {
    row.tab.as_deref()
}

fn tab_mut(row: &mut SessionRow) -> &mut Tab {
    row.tab.get_or_insert_default()
}

fn with_load(sessions: &[Held], load: LoadId) -> Option<usize> {
    if !load.is_known() {
        return None;
    }
    most_recent(sessions, |row| tab(row).is_some_and(|tab| tab.has(load)))
}

fn most_recent(sessions: &[Held], is_meant: impl Fn(&SessionRow) -> bool) -> Option<usize> {
    (0..sessions.len())
        .filter(|&at| is_meant(&sessions[at].row))
        .max_by_key(|&at| (sessions[at].row.last_activity_at, sessions[at].row.id))
}

/// The session that a page load not seen before continues: the one whose numbers lead up to it.
/// `None`: its number is taken in all of them, so it is another tab.
fn of_new_load(sessions: &[Held], load: LoadId, sequence: Option<u64>) -> Option<usize> {
    let Some(sequence) = sequence else { return most_recent(sessions, |_| true) };
    let free = |at: &usize| tab(&sessions[*at].row).is_none_or(|tab| tab.owner(sequence).is_none());
    let found = (0..sessions.len())
        .max_by_key(|&at| {
            let row = &sessions[at].row;
            (tab(row).and_then(|tab| tab.last_below(sequence)), free(&at), row.last_activity_at, row.id)
        })
        .filter(free);
    let shares = !load.is_known() || sessions.len() >= SESSIONS_PER_AGENT_MAX;
    found.or_else(|| if shares { most_recent(sessions, |_| true) } else { None })
}

/// The stream of that page load in the session, made if it is new there.
fn stream_of(streams: &mut Streams, row: &mut SessionRow, incoming: &Incoming, load: LoadId) -> SessionId {
    let is_new = row.event_count == 0 && row.tab.is_none();
    if let Some(known) = tab_mut(row).loads.iter().find(|known| known.id == load) {
        return known.stream;
    }
    let whole = whole(row);
    let id = row.id;
    let stream =
        if is_new { id } else { open::id(row.kind, &row.key, incoming.event.time, incoming.arrival) };
    let tab = tab_mut(row);
    // From here on the row is more than its one part.
    match &mut tab.loads[..] {
        [] if tab.earlier.is_none() => tab.earlier = whole,
        [only] if tab.earlier.is_none() => only.part = whole,
        _ => {}
    }
    if !load.is_known() || tab.runs.iter().any(|run| run.load == load) {
        // No page load, or one that cannot be taken out any more.
        return id;
    }
    if stream != id {
        streams.0.push((stream, id));
    }
    tab.loads.push(PageLoad { id: load, stream, part: None });
    if tab.loads.len() > LOADS_MAX {
        let oldest = tab.loads.remove(0);
        merge(&mut tab.earlier, oldest.part.as_ref());
    }
    stream
}

fn merge(sum: &mut Option<Part>, part: Option<&Part>) {
    match (sum, part) {
        (Some(sum), Some(part)) => sum.merge(part),
        (sum, Some(part)) => *sum = Some(part.clone()),
        (_, None) => {}
    }
}

fn whole(row: &SessionRow) -> Option<Part> {
    (row.event_count > 0).then(|| Part {
        started_at: row.started_at,
        last_activity_at: row.last_activity_at,
        event_count: row.event_count,
        error_count: row.error_count,
        kymogram: row.kymogram.clone(),
    })
}

/// Takes the tab that began later out of the session, of the two that these page loads are in; its
/// row. `None`: they cannot be taken apart any more.
fn take_apart(row: &mut SessionRow, one: LoadId, other: LoadId) -> Option<SessionRow> {
    let tab = tab(row)?;
    let (one_first, other_first) = (tab.first_of(one)?, tab.first_of(other)?);
    let (stays, first) = if one_first > other_first { (other, one_first) } else { (one, other_first) };
    let is_later = |load: &PageLoad| load.id != stays && tab.first_of(load.id).is_some_and(|at| at >= first);
    // The session keeps its id, and with it the events that are stored under it.
    let id = row.id;
    let has_own_id = tab.loads.iter().any(|load| is_later(load) && load.stream == id);
    let goes = |load: &PageLoad| is_later(load) != has_own_id;
    let leaving: Vec<PageLoad> = tab.loads.iter().filter(|load| goes(load)).cloned().collect();
    let apart = |load: LoadId| leaving.iter().any(|gone| gone.id == load);
    if apart(one) == apart(other) {
        return None;
    }
    let mut part = row.clone();
    part.id = leaving.first()?.stream;
    part.users.clear();
    part.dropped.clear();
    part.end = None;
    keep(&mut part, apart, leaving.clone(), None);
    let tab = row.tab.as_deref()?;
    let left = tab.loads.iter().filter(|load| !apart(load.id)).cloned().collect();
    let earlier = tab.earlier.clone();
    keep(row, |load| !apart(load), left, earlier);
    Some(part)
}

/// Leaves a session with these page loads only.
fn keep(row: &mut SessionRow, is_kept: impl Fn(LoadId) -> bool, loads: Vec<PageLoad>, earlier: Option<Part>) {
    let mut sum = earlier.clone();
    for load in &loads {
        merge(&mut sum, load.part.as_ref());
    }
    if let Some(sum) = sum {
        row.started_at = sum.started_at;
        row.last_activity_at = sum.last_activity_at;
        row.event_count = sum.event_count;
        row.error_count = sum.error_count;
        row.kymogram = sum.kymogram;
    }
    let tab = tab_mut(row);
    tab.runs.retain(|run| is_kept(run.load));
    tab.loads = loads;
    tab.earlier = earlier;
    if let ([only], None) = (&mut tab.loads[..], &tab.earlier) {
        only.part = None;
    }
    row.next_sequence = tab.next();
}
