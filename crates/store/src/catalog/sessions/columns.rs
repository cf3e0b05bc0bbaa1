//! A session row as columns, and back.

use std::collections::BTreeMap;

use kymo_model::{DropReason, EndReason, Kymogram, SessionId, SessionKind, Timestamp, User};
use kymo_tracker::{End, Property, SessionKey, SessionRow, ToldEnd, UserSpan};
use serde::{Deserialize, Serialize};
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite};

use super::query::user_words;
use super::{process, tab};
use crate::catalog::projects::ProjectPk;
use crate::error::StoreError;

/// The columns in the order of [`bind`]; `id` and `project_pk` never change.
pub(crate) const COLUMNS: [&str; 30] = [
    "id",
    "project_pk",
    "kind",
    "key_kind",
    "key_hash",
    "key_text",
    "started_at",
    "last_activity_at",
    "last_observed_at",
    "end_kind",
    "end_at",
    "visible",
    "start_event_at",
    "event_count",
    "error_count",
    "dropped",
    "next_sequence",
    "user_id",
    "user_name",
    "user_words",
    "users",
    "properties",
    "clock_skew",
    "kymogram",
    "visit_id",
    "tab",
    "active_hour",
    "has_errors",
    "other_users",
    "process",
];

/// Columns that stay as they were first written.
pub(crate) const FIXED_COLUMNS: usize = 6;

#[derive(Serialize, Deserialize)]
struct StoredUser {
    id: Option<String>,
    name: Option<String>,
    first_at: i64,
    last_at: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredProperty {
    name: String,
    first_at: i64,
    first: String,
    last_at: i64,
    last: String,
}

/// Binds a row's values in the order of [`COLUMNS`].
pub(crate) fn bind(row: &mut Separated<'_, Sqlite, &'static str>, project: ProjectPk, session: &SessionRow) {
    let end_at = match session.end {
        None | Some(End::TimedOut | End::Silent) => 0_i64,
        Some(End::Event { at }) => at.as_unix_nanos(),
        Some(End::CloseCall { received_at }) => received_at.as_unix_nanos(),
        Some(End::Told(end)) => end.at.as_unix_nanos(),
    };
    let user = session.current_user();
    row.push_bind(session.id.as_u128().to_be_bytes().to_vec())
        .push_bind(project.0)
        .push_bind(session.kind.as_str())
        .push_bind(key_kind(&session.key))
        .push_bind(session.key.hash().to_vec())
        .push_bind(session.key.text().to_owned())
        .push_bind(session.started_at.as_unix_nanos())
        .push_bind(session.last_activity_at.as_unix_nanos())
        .push_bind(session.last_observed_at.as_unix_nanos())
        .push_bind(end_kind(session))
        .push_bind(end_at)
        .push_bind(i64::from(session.visible))
        .push_bind(session.start_event_at.map(Timestamp::as_unix_nanos))
        .push_bind(session.event_count as i64)
        .push_bind(session.error_count as i64)
        .push_bind(dropped_to_json(&session.dropped))
        .push_bind(session.next_sequence as i64)
        .push_bind(user.and_then(|user| user.id.clone()))
        .push_bind(user.and_then(|user| user.name.clone()))
        .push_bind(user_words(session.users.iter().map(|span| &span.user)))
        .push_bind(users_to_json(&session.users))
        .push_bind(properties_to_json(&session.properties))
        .push_bind(session.clock_skew_nanos)
        .push_bind(session.kymogram.to_bytes())
        .push_bind(session.tab.as_ref().and_then(|tab| Some(tab.visit.as_ref()?.id.clone())))
        .push_bind(session.tab.as_deref().map(tab::to_json))
        .push_bind(active_hour(session.last_activity_at))
        .push_bind(i64::from(session.error_count > 0))
        .push_bind(i64::from(has_other_users(session)))
        .push_bind(session.process.as_deref().map(|part| process::to_json(part, session.end)));
}

/// The column `active_hour`. Rises with the moment, also before 1970.
pub(crate) fn active_hour(last_activity_at: Timestamp) -> i64 {
    const HOUR_NANOS: i64 = 3_600_000_000_000;
    last_activity_at.as_unix_nanos() / HOUR_NANOS
}

/// The column `other_users`: not all of its users are told by `user_id`.
pub(super) fn has_other_users(session: &SessionRow) -> bool {
    match session.users.as_slice() {
        [] => false,
        [only] => only.user.id.is_none(),
        _ => true,
    }
}

/// The column `end_kind`.
pub(super) fn end_kind(session: &SessionRow) -> i64 {
    match session.end {
        None => 0,
        Some(End::TimedOut) => 1,
        Some(End::Event { .. }) => 2,
        Some(End::CloseCall { .. }) => 3,
        Some(End::Silent) => 4,
        Some(End::Told(end)) => told_kind(end.reason),
    }
}

/// The column `end_kind` of an end that a file tells.
pub(super) const fn told_kind(reason: EndReason) -> i64 {
    match reason {
        EndReason::Normal => 5,
        EndReason::Crashed => 6,
        EndReason::Killed => 7,
        EndReason::LostPower => 8,
        EndReason::Unknown => 9,
        EndReason::TimedOut => 10,
    }
}

/// The other way of [`told_kind`].
fn told_reason(kind: i64) -> Option<EndReason> {
    EndReason::ALL.into_iter().find(|reason| told_kind(*reason) == kind)
}

/// The column `key_kind`.
fn key_kind(key: &SessionKey) -> i64 {
    match key {
        SessionKey::Identity(_) => 0,
        SessionKey::External(_) => 1,
        SessionKey::Tab(_) => 2,
        SessionKey::Process(_) => 3,
    }
}

/// The key of the columns `key_kind` and `key_text`.
pub(super) fn key(kind: i64, text: String) -> SessionKey {
    match kind {
        0 => SessionKey::Identity(text),
        1 => SessionKey::External(text),
        2 => SessionKey::Tab(text),
        _ => SessionKey::Process(text),
    }
}

fn dropped_to_json(dropped: &BTreeMap<DropReason, u64>) -> String {
    let words: BTreeMap<&str, u64> =
        dropped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    serde_json::to_string(&words).unwrap_or_default()
}

fn dropped_from_json(json: &str) -> Option<BTreeMap<DropReason, u64>> {
    let words: BTreeMap<String, u64> = serde_json::from_str(json).ok()?;
    words.into_iter().map(|(word, count)| Some((DropReason::from_word(&word)?, count))).collect()
}

fn users_to_json(users: &[UserSpan]) -> String {
    let stored: Vec<StoredUser> = users
        .iter()
        .map(|span| StoredUser {
            id: span.user.id.clone(),
            name: span.user.name.clone(),
            first_at: span.first_at.as_unix_nanos(),
            last_at: span.last_at.as_unix_nanos(),
        })
        .collect();
    serde_json::to_string(&stored).unwrap_or_default()
}

fn properties_to_json(properties: &[Property]) -> String {
    let stored: Vec<StoredProperty> = properties
        .iter()
        .map(|property| StoredProperty {
            name: property.name.clone(),
            first_at: property.first.0.as_unix_nanos(),
            first: property.first.1.clone(),
            last_at: property.last.0.as_unix_nanos(),
            last: property.last.1.clone(),
        })
        .collect();
    serde_json::to_string(&stored).unwrap_or_default()
}

/// Reads a row that has all of [`COLUMNS`].
pub(crate) fn read(row: &SqliteRow) -> Result<(ProjectPk, SessionRow), StoreError> {
    let bad = |column: &str| StoreError::corrupt(format!("a session row has a bad {column}"));
    let time = |column: &str| Timestamp::from_unix_nanos(row.get(column));
    let id = session_id(row.get("id")).ok_or_else(|| bad("id"))?;
    let (process, is_recovered) = match row.get::<Option<&str>, _>("process") {
        Some(json) => process::from_json(json).map(|(part, is)| (Some(Box::new(part)), is)),
        None => Some((None, false)),
    }
    .ok_or_else(|| bad("process"))?;
    let end = match row.get::<i64, _>("end_kind") {
        0 => None,
        1 => Some(End::TimedOut),
        2 => Some(End::Event { at: time("end_at") }),
        3 => Some(End::CloseCall { received_at: time("end_at") }),
        4 => Some(End::Silent),
        told => {
            let reason = told_reason(told).ok_or_else(|| bad("end_kind"))?;
            Some(End::Told(ToldEnd { at: time("end_at"), reason, recovered: is_recovered }))
        }
    };
    let users: Vec<StoredUser> = serde_json::from_str(row.get("users")).map_err(|_| bad("users"))?;
    let properties: Vec<StoredProperty> =
        serde_json::from_str(row.get("properties")).map_err(|_| bad("properties"))?;
    let session = SessionRow {
        id,
        kind: SessionKind::from_word(row.get("kind")).ok_or_else(|| bad("kind"))?,
        key: key(row.get("key_kind"), row.get("key_text")),
        started_at: time("started_at"),
        last_activity_at: time("last_activity_at"),
        last_observed_at: time("last_observed_at"),
        end,
        visible: row.get::<i64, _>("visible") != 0,
        start_event_at: row.get::<Option<i64>, _>("start_event_at").map(Timestamp::from_unix_nanos),
        event_count: row.get::<i64, _>("event_count") as u64,
        error_count: row.get::<i64, _>("error_count") as u64,
        dropped: dropped_from_json(row.get("dropped")).ok_or_else(|| bad("dropped"))?,
        next_sequence: row.get::<i64, _>("next_sequence") as u64,
        users: users.into_iter().map(user_span).collect(),
        properties: properties.into_iter().map(property).collect(),
        clock_skew_nanos: row.get("clock_skew"),
        kymogram: Kymogram::from_bytes(row.get("kymogram")).ok_or_else(|| bad("kymogram"))?,
        tab: match row.get::<Option<&str>, _>("tab") {
            Some(json) => Some(Box::new(tab::from_json(json).ok_or_else(|| bad("tab"))?)),
            None => None,
        },
        process,
    };
    Ok((ProjectPk(row.get("project_pk")), session))
}

/// A session's id from its 16 bytes.
pub(crate) fn session_id(bytes: &[u8]) -> Option<SessionId> {
    Some(SessionId::from_u128(u128::from_be_bytes(bytes.try_into().ok()?)))
}

fn user_span(stored: StoredUser) -> UserSpan {
    UserSpan {
        user: User { id: stored.id, name: stored.name },
        first_at: Timestamp::from_unix_nanos(stored.first_at),
        last_at: Timestamp::from_unix_nanos(stored.last_at),
    }
}

fn property(stored: StoredProperty) -> Property {
    Property {
        name: stored.name,
        first: (Timestamp::from_unix_nanos(stored.first_at), stored.first),
        last: (Timestamp::from_unix_nanos(stored.last_at), stored.last),
    }
}
