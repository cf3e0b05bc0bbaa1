//! Processes: the agent's own numbers, and what its files say about the session.
//!
//! Every fold gives the same in any order and however often it is repeated; only the arrival that opened the session is
//! in its id.

use kymo_model::{DropReason, Timestamp};

use super::{Rows, join, open};
use crate::process::{Process, Told};
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
    let before = (row.users.clone(), row.properties.clone());
    if let Some(user) = &told.user {
        join::add_user(&mut row.users, user, told.started_at);
    }
    for (name, value) in &told.properties {
        join::add_property(&mut row.properties, name, value, told.started_at);
    }
    is_new || before != (row.users.clone(), row.properties.clone())
}
