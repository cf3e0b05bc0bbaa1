//! Heartbeats and close calls: they have an id and the server's time, nothing else.

use kymo_model::{SessionId, Timestamp};

use super::group::Group;
use super::{Mark, Rows, Signal, signal_keys};
use crate::row::{End, SessionRow};
use crate::rules::Rules;

pub(super) fn apply(rows: &mut Rows, signal: &Signal, now: Timestamp, rules: &Rules) {
    let named = named(rows, signal, now, rules);
    if let Some(row) = named.and_then(|id| rows.sessions.get_mut(&id)) {
        // After an end: a heartbeat that was on its way, or the call repeated.
        if row.end.is_some_and(End::is_final) {
            return;
        }
        row.end = signal.close.then_some(End::CloseCall { received_at: now });
        row.last_activity_at = row.last_activity_at.max(now);
        row.last_observed_at = row.last_observed_at.max(now);
        rows.touched.insert(row.id);
    } else {
        rows.marks.insert(signal.id.clone(), Mark { received_at: now, close: signal.close });
        rows.touched_marks.insert(signal.id.clone());
    }
}

/// The session that a signal is about. A session's id goes before a user's identity; of an
/// identity's sessions it is the one that began last (by the client's clock, as all starts are),
/// if it is not too long ago.
fn named(rows: &Rows, signal: &Signal, now: Timestamp, rules: &Rules) -> Option<SessionId> {
    let [external, identity] = signal_keys(signal);
    if let Some(row) = rows.of(&external).next() {
        return Some(row.id);
    }
    let within_reach = rows.of(&identity).filter(|row| now <= row.last_activity_at.plus(rules.split_after));
    within_reach.max_by_key(|row| (row.started_at, row.id)).map(|row| row.id)
}

/// Applies a signal that came before its session, if this step opened that: of several, the one
/// that began last.
pub(super) fn apply_mark(rows: &mut Rows, group: &mut Group<'_>, now: Timestamp, rules: &Rules) {
    let text = group.key.text();
    let Some(&mark) = rows.marks.get(text) else { return };
    let opened = group.sessions.iter_mut().filter(|held| held.opened);
    let Some(held) = opened.max_by_key(|held| (held.row.started_at, held.row.id)) else { return };
    if consume(&mut held.row, mark, now, rules) {
        rows.marks.remove(text);
        rows.touched_marks.insert(text.to_owned());
    }
}

/// Whether the mark is used up.
fn consume(row: &mut SessionRow, mark: Mark, now: Timestamp, rules: &Rules) -> bool {
    let age = now.since(mark.received_at);
    let too_old = age > Mark::KEPT_FOR || (mark.close && age > rules.close_grace);
    if too_old || row.end.is_some_and(End::is_final) {
        return true;
    }
    let in_reach = mark.received_at <= row.last_activity_at.plus(rules.split_after);
    if in_reach {
        row.last_activity_at = row.last_activity_at.max(mark.received_at);
    }
    if mark.close {
        row.end = Some(End::CloseCall { received_at: mark.received_at });
    }
    // A heartbeat long after these events is of a session still to come.
    in_reach || mark.close
}
