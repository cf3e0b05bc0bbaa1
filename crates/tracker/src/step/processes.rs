//! Processes: the agent's own numbers, and what its files say about the session.
//!
//! Every fold gives the same in any order and however often it is repeated; only the arrival that opened the session is
//! in its id.

use kymo_model::{DropReason, Timestamp};

use super::{Rows, join, open};
use crate::key::SessionKey;
use crate::process::{Beat, Process, SEQUENCE_MAX, Told};
use crate::row::{End, SessionRow, ToldEnd};

/// Takes the number, or says why the event is not stored.
pub(super) fn take(row: &mut SessionRow, number: u64) -> Result<(), DropReason> {
    let process = row.process.get_or_insert_default();
    process.take(number)?;
    row.next_sequence = after_last(process);
    Ok(())
}

fn after_last(process: &Process) -> u64 {
    process.stored.last().map_or(1, |stretch| stretch.last + 1)
}

pub(super) fn tell(rows: &mut Rows, told: &Told, now: Timestamp) {
    let known = rows.of(&told.key).next().map(|row| row.id);
    let id = known.unwrap_or_else(|| {
        let row = open::at(&told.key, told.started_at, told.arrival, now);
        let id = row.id;
        rows.add(row);
        id
    });
    let Some(row) = rows.sessions.get_mut(&id) else { return };
    let is_new = hear(row, told) | known.is_none();
    if is_new {
        // A word from it; what was heard before is none, or a file that is sent again would bring a process to life.
        row.last_observed_at = row.last_observed_at.max(now);
        row.end = row.end.filter(|end| end.is_final());
        rows.touched.insert(id);
    }
}

/// Counts a stored error: one that was told of before is counted already.
pub(super) fn count_error(row: &mut SessionRow) {
    match &mut row.process {
        Some(process) if process.awaited_errors > 0 => process.awaited_errors -= 1,
        _ => row.error_count += 1,
    }
}

pub(super) fn beat(rows: &mut Rows, beat: &Beat) {
    let Some(row) = one(rows, &beat.key) else { return };
    let process = row.process.get_or_insert_default();
    process.recorded = process.recorded.max(beat.recorded.min(SEQUENCE_MAX));
    process.messages = process.messages.max(beat.messages.min(SEQUENCE_MAX));
    process.lose(&beat.lost);
    // The larger of what was told and what is stored.
    let untold = beat.errors.min(SEQUENCE_MAX).saturating_sub(row.error_count);
    process.awaited_errors += untold;
    row.error_count += untold;
    if row.end.is_none_or(|end| !end.is_final()) {
        // As long as it is since its last word by our clock, so long it went on by its own; the clocks are not compared.
        let since = beat.heard_at.since(row.last_observed_at);
        row.last_activity_at = row.last_activity_at.plus(since);
        row.end = None;
    }
    row.last_observed_at = row.last_observed_at.max(beat.heard_at);
    let id = row.id;
    rows.touched.insert(id);
}

pub(super) fn request(rows: &mut Rows, key: &SessionKey) {
    let Some(row) = one(rows, key) else { return };
    row.process.get_or_insert_default().is_requested = true;
    let id = row.id;
    rows.touched.insert(id);
}

/// The session of a process.
fn one<'rows>(rows: &'rows mut Rows, key: &SessionKey) -> Option<&'rows mut SessionRow> {
    let id = rows.of(key).next()?.id;
    rows.sessions.get_mut(&id)
}

/// Whether anything of it is new.
fn hear(row: &mut SessionRow, told: &Told) -> bool {
    let mut is_new = row.process.get_or_insert_default().hear(told);
    is_new |= !row.visible;
    row.visible = true;
    let before = (row.started_at, row.last_activity_at);
    row.started_at = row.started_at.min(told.started_at);
    let known_end = match row.end {
        Some(End::Told(known)) => Some(known),
        _ => None,
    };
    if let Some(end) = told.end.filter(|end| known_end.is_none_or(|known| known.rank() < end.rank())) {
        row.end = Some(End::Told(end));
        is_new = true;
    }
    row.last_activity_at = row.last_activity_at.max(told.started_at);
    if let Some(ToldEnd { at, .. }) = told.end {
        row.last_activity_at = row.last_activity_at.max(at);
    }
    is_new |= before != (row.started_at, row.last_activity_at);
    let (users, properties) = (row.users.clone(), row.properties.clone());
    if let Some(user) = &told.user {
        join::add_user(&mut row.users, user, told.started_at);
    }
    for (name, value) in &told.properties {
        join::add_property(&mut row.properties, name, value, told.started_at);
    }
    is_new || users != row.users || properties != row.properties
}
