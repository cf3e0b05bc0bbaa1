//! Which session does an event belong to?
//!
//! By external id: the one session of that id. By identity:
//!
//! ```text
//!          <- split_after ->[ started_at ... last_activity_at ]<- split_after ->
//! running, timed out   joins |          joins                 |    joins
//! ended by event       joins |          joins up to `at`      |    new session
//! ended by call        joins |          joins                 |    joins in the grace time
//! ```
//!
//! When several fit, the one that began first takes it. Sessions are never merged.

use std::time::Duration;

use kymo_model::Timestamp;

use super::group::Held;
use super::{Incoming, Role};
use crate::key::SessionKey;
use crate::row::{End, SessionRow};
use crate::rules::Rules;

/// Difference of the two clocks up to which it is taken for the way of an event (agents collect
/// for up to 30 s), not for a clock that is wrong.
const DELAY_MAX: Duration = Duration::from_mins(1);

/// Where an event belongs. Sessions by index.
pub(super) enum Home {
    In(usize),
    New,
    /// A heartbeat after that session's end.
    TooLateFor(usize),
}

pub(super) fn find(
    key: &SessionKey,
    sessions: &[Held],
    incoming: &Incoming,
    now: Timestamp,
    rules: &Rules,
) -> Home {
    match key {
        SessionKey::External(_) | SessionKey::Tab(_) | SessionKey::Process(_) => {
            of_external_id(sessions, incoming)
        }
        SessionKey::Identity(_) => of_identity(sessions, incoming, now, rules),
    }
}

fn of_external_id(sessions: &[Held], incoming: &Incoming) -> Home {
    match sessions.first() {
        None => Home::New,
        Some(held) if incoming.role == Role::Heartbeat && is_after_end(&held.row, incoming.event.time) => {
            Home::TooLateFor(0)
        }
        Some(_) => Home::In(0),
    }
}

fn of_identity(sessions: &[Held], incoming: &Incoming, now: Timestamp, rules: &Rules) -> Home {
    let time = incoming.event.time;
    let accepting = (0..sessions.len())
        .filter(|&at| reaches(&sessions[at].row, time, rules) && accepts(sessions, at, incoming, now, rules))
        .min_by_key(|&at| precedence(&sessions[at].row));
    if incoming.role == Role::Heartbeat
        && accepting.is_none_or(|at| sessions[at].row.started_at > time)
        && let Some(ended) = ended_before(sessions, time, rules)
    {
        // Also when a later session could be reached: else it would depend on what arrived first
        // whether the beat is dropped or moves that session's start.
        return Home::TooLateFor(ended);
    }
    accepting.map_or(Home::New, Home::In)
}

/// Smaller: asked first. Of two that began together, the ended one has the narrower claim.
fn precedence(row: &SessionRow) -> impl Ord + use<> {
    (row.started_at, !is_ended(row), row.id)
}

fn is_ended(row: &SessionRow) -> bool {
    row.end.is_some_and(End::is_final)
}

fn reaches(row: &SessionRow, time: Timestamp, rules: &Rules) -> bool {
    row.started_at.minus(rules.split_after) <= time && time <= row.last_activity_at.plus(rules.split_after)
}

fn accepts(sessions: &[Held], at: usize, incoming: &Incoming, now: Timestamp, rules: &Rules) -> bool {
    let row = &sessions[at].row;
    let time = incoming.event.time;
    // An end is the last of its session, so it cannot be about one that begins later. Two ends with
    // nothing between them are two sessions of which nothing else is known.
    let is_anothers = time < row.started_at || (!row.visible && time != row.started_at);
    if incoming.role == Role::End && is_anothers {
        return false;
    }
    match row.end {
        None | Some(End::TimedOut | End::Silent) => true,
        Some(End::Event { at: end }) if incoming.role == Role::Start => time < end,
        Some(End::Event { at: end }) => time <= end,
        Some(End::Told(end)) => time <= end.at,
        Some(End::CloseCall { .. }) if incoming.role == Role::Start => row.start_event_at == Some(time),
        Some(End::CloseCall { received_at }) => {
            let dated_before = match incoming.role {
                Role::Heartbeat => time <= row.last_activity_at,
                _ => now.since(received_at) <= rules.close_grace || is_before_call(row, time, received_at),
            };
            dated_before && !has_successor(sessions, at, time)
        }
    }
}

/// Dated before the close call, as far as one can tell: the call has only the server's time. On a
/// clock that is minutes behind, events of the next session have dates before the call, too.
fn is_before_call(row: &SessionRow, time: Timestamp, received_at: Timestamp) -> bool {
    let skew = Duration::from_nanos(row.clock_skew_nanos.unsigned_abs());
    let call_by_client_clock = if skew <= DELAY_MAX {
        received_at.max(row.last_activity_at)
    } else if row.clock_skew_nanos > 0 {
        received_at.minus(skew)
    } else {
        received_at.plus(skew)
    };
    time <= call_by_client_clock || row.latest_event_at().is_some_and(|latest| time <= latest)
}

/// A later session was begun by a start at or before `time`. Both starts are by the client's
/// clock; the call that ended the earlier session is not.
fn has_successor(sessions: &[Held], at: usize, time: Timestamp) -> bool {
    let closed = &sessions[at].row;
    sessions.iter().enumerate().any(|(other, held)| {
        other != at
            && held.row.started_at >= closed.started_at
            && held.row.start_event_at.is_some_and(|start| start <= time && start >= closed.started_at)
    })
}

fn is_after_end(row: &SessionRow, time: Timestamp) -> bool {
    match row.end {
        None | Some(End::TimedOut | End::Silent) => false,
        Some(End::Event { at }) => time > at,
        Some(End::Told(end)) => time > end.at,
        Some(End::CloseCall { .. }) => time > row.last_activity_at,
    }
}

/// The session that ended before `time`, but not so long ago that a heartbeat could not be its.
fn ended_before(sessions: &[Held], time: Timestamp, rules: &Rules) -> Option<usize> {
    (0..sessions.len())
        .filter(|&at| reaches(&sessions[at].row, time, rules) && is_after_end(&sessions[at].row, time))
        .max_by_key(|&at| precedence(&sessions[at].row))
}
