//! Folding an event into its session's row.
//!
//! Every fold gives the same result in any order of arrival (minima, maxima, sets, sums), except
//! where a limit is reached: see [`PROPERTIES_MAX`] and [`USERS_MAX`].

use kymo_model::{DropReason, Event, Timestamp, User};

use super::{Incoming, Role, processes};
use crate::key::SessionKey;
use crate::row::{End, PROPERTIES_MAX, PROPERTY_CHARS_MAX, Property, SessionRow, USERS_MAX, UserSpan};

/// Joins an event. `Some`: it counted as a sign of life, but is not stored.
pub(super) fn join(row: &mut SessionRow, incoming: &Incoming, now: Timestamp) -> Option<DropReason> {
    let time = incoming.event.time;
    row.end = end_after(row, incoming.role, time);
    row.started_at = row.started_at.min(time);
    row.last_activity_at = row.last_activity_at.max(time);
    row.last_observed_at = row.last_observed_at.max(now);
    row.visible |= incoming.role != Role::End;
    row.clock_skew_nanos =
        std::cmp::min_by_key(row.clock_skew_nanos, skew_nanos(&row.key, &incoming.event), |nanos| {
            (nanos.unsigned_abs(), *nanos)
        });
    if let Some(user) = &incoming.event.user {
        add_user(&mut row.users, user, time);
    }
    match incoming.role {
        Role::Heartbeat => return Some(DropReason::Heartbeat),
        Role::Start if row.start_event_at.is_some() => return Some(DropReason::DuplicateStart),
        Role::Start => row.start_event_at = Some(time),
        Role::Ordinary | Role::End => {}
    }
    store(row, incoming);
    None
}

/// How the session has ended once something joined it.
fn end_after(row: &SessionRow, role: Role, time: Timestamp) -> Option<End> {
    let by_id = matches!(row.key, SessionKey::External(_));
    match (row.end, role) {
        // How it ended its file says, apart from all events.
        (end, _) if matches!(row.key, SessionKey::Process(_)) => end.filter(|end| end.is_final()),
        (Some(End::Event { at }), Role::End) => Some(End::Event { at: at.max(time) }),
        (Some(end), _) if end.is_final() => Some(end),
        // A tab's messages wait in the page's store for days: old ones are no sign of life.
        (Some(End::TimedOut), _) if matches!(row.key, SessionKey::Tab(_)) && time <= row.last_activity_at => {
            row.end
        }
        // Only events count as later activity: a heartbeat call moves the last activity by the
        // server's clock, and an end by a clock that is behind must still end the session.
        (_, Role::End) if by_id || row.latest_event_at().is_none_or(|latest| latest <= time) => {
            Some(End::Event { at: time })
        }
        _ => None,
    }
}

fn store(row: &mut SessionRow, incoming: &Incoming) {
    let event = &incoming.event;
    row.event_count += 1;
    if event.is_error() {
        processes::count_error(row);
    }
    row.kymogram.add(event.time, event.severity);
    for (name, value) in &incoming.properties {
        add_property(&mut row.properties, name, value, event.time);
    }
}

/// Arrival minus event time: positive where the agent's clock is behind or the event took long.
pub(super) fn skew_nanos(key: &SessionKey, event: &Event) -> i64 {
    if matches!(key, SessionKey::Process(_)) {
        return 0;
    }
    event.observed_time.as_unix_nanos().saturating_sub(event.time.as_unix_nanos())
}

pub(super) fn add_user(users: &mut Vec<UserSpan>, user: &User, time: Timestamp) {
    if user.id.is_none() && user.name.is_none() {
        return;
    }
    let place = users.iter().position(|span| span.user == *user).or_else(|| {
        let nameless = user.name.is_none();
        users.iter().position(|span| {
            user.id.is_some() && span.user.id == user.id && (nameless || span.user.name.is_none())
        })
    });
    match place {
        Some(place) => {
            let span = &mut users[place];
            let moved = time < span.first_at;
            span.first_at = span.first_at.min(time);
            span.last_at = span.last_at.max(time);
            if span.user.name.is_none() && user.name.is_some() {
                span.user.name.clone_from(&user.name);
            } else if !moved {
                return;
            }
        }
        None => users.push(UserSpan { user: user.clone(), first_at: time, last_at: time }),
    }
    users.sort_by(|a, b| order(a, a.first_at).cmp(&order(b, b.first_at)));
    if users.len() > USERS_MAX {
        let [before, last] = [USERS_MAX - 1, USERS_MAX].map(|at| order(&users[at], users[at].last_at));
        let seen_earlier = if before <= last { USERS_MAX - 1 } else { USERS_MAX };
        users.remove(seen_earlier);
    }
}

/// Equal moments are told apart by the words, not by arrival.
fn order(span: &UserSpan, moment: Timestamp) -> (Timestamp, Option<&str>, Option<&str>) {
    (moment, span.user.id.as_deref(), span.user.name.as_deref())
}

pub(super) fn add_property(properties: &mut Vec<Property>, name: &str, value: &str, time: Timestamp) {
    let (name, value) = (cut(name), cut(value));
    match properties.binary_search_by(|property| property.name.as_str().cmp(name)) {
        Ok(at) => {
            let Property { first, last, .. } = &mut properties[at];
            if (time, value) < (first.0, first.1.as_str()) {
                replace(first, time, value);
            }
            if (time, value) > (last.0, last.1.as_str()) {
                replace(last, time, value);
            }
        }
        Err(_) if properties.len() == PROPERTIES_MAX => {}
        Err(at) => {
            let seen = (time, value.to_owned());
            properties.insert(at, Property { name: name.to_owned(), first: seen.clone(), last: seen });
        }
    }
}

/// Mostly the same value again: then nothing is allocated.
fn replace(slot: &mut (Timestamp, String), time: Timestamp, value: &str) {
    slot.0 = time;
    if slot.1 != value {
        slot.1.clear();
        slot.1.push_str(value);
    }
}

fn cut(text: &str) -> &str {
    // A character has at least one byte, so short texts need no counting.
    if text.len() <= PROPERTY_CHARS_MAX {
        return text;
    }
    text.char_indices().nth(PROPERTY_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
