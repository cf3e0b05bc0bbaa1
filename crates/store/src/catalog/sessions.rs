//! Session rows: loaded and written by the commit, read by the report.

pub(crate) mod columns;
pub(crate) mod figures;
pub(super) mod process;
pub(crate) mod query;
mod tab;

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use kymo_filter::text::fold;
use kymo_filter::{Query, SessionField, Test};
use kymo_model::{SessionId, Timestamp};
use kymo_tracker::{Mark, Need, Rules, SessionKey, SessionRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use self::columns::{
    COLUMNS, FIXED_COLUMNS, active_hour, bind, end_kind, has_other_users, key, read, session_id,
};
use self::query::Condition;
use super::projects::{ProjectPk, Projects};
use super::{padded_chunks, statement_chunks};
use crate::error::StoreError;
use crate::query::plan::SessionPlan;

static COLUMN_LIST: LazyLock<String> = LazyLock::new(|| COLUMNS.join(", "));

/// ` ON CONFLICT … DO UPDATE SET a = excluded.a, …` over the columns that change.
static ON_CONFLICT: LazyLock<String> = LazyLock::new(|| on_conflict(&[]));

/// The same without the columns that the indexes are made of, but for the last activity. An index is
/// rewritten for every column that a statement names, whether its value changes or not, and each is
/// another page of the log.
static ON_CONFLICT_IN_PLACE: LazyLock<String> = LazyLock::new(|| on_conflict(&PLACE_COLUMNS));

/// Columns of indexes and their conditions. See [`Place`].
const PLACE_COLUMNS: [&str; 8] =
    ["started_at", "end_kind", "visible", "visit_id", "active_hour", "user_id", "has_errors", "other_users"];

fn on_conflict(except: &[&str]) -> String {
    let names = COLUMNS[FIXED_COLUMNS..].iter().filter(|column| !except.contains(column));
    let pairs: Vec<String> = names.map(|column| format!("{column} = excluded.{column}")).collect();
    format!(" ON CONFLICT (id) DO UPDATE SET {}", pairs.join(", "))
}

/// What decides where the indexes have a row, last activity aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    started_at: Timestamp,
    end_kind: i64,
    visible: bool,
    visit_id: Option<String>,
    active_hour: i64,
    user_id: Option<String>,
    has_errors: bool,
    other_users: bool,
}

impl Place {
    pub(crate) fn of(row: &SessionRow) -> Self {
        let visit = row.tab.as_ref().and_then(|tab| tab.visit.as_ref());
        Self {
            started_at: row.started_at,
            end_kind: end_kind(row),
            visible: row.visible,
            visit_id: visit.map(|visit| visit.id.clone()),
            active_hour: active_hour(row.last_activity_at),
            user_id: row.current_user().and_then(|user| user.id.clone()),
            has_errors: row.error_count > 0,
            other_users: has_other_users(row),
        }
    }
}

/// Writes rows, new or changed.
pub(crate) async fn upsert(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    sessions: &[&SessionRow],
) -> Result<(), StoreError> {
    write(writer, project, sessions, &ON_CONFLICT).await
}

/// Writes rows that are there and whose [`Place`] is what it was.
pub(crate) async fn update_in_place(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    sessions: &[&SessionRow],
) -> Result<(), StoreError> {
    write(writer, project, sessions, &ON_CONFLICT_IN_PLACE).await
}

async fn write(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    sessions: &[&SessionRow],
    on_conflict: &str,
) -> Result<(), StoreError> {
    for chunk in statement_chunks(sessions) {
        let mut upsert = QueryBuilder::<Sqlite>::new("INSERT INTO session (");
        upsert.push(COLUMN_LIST.as_str()).push(") VALUES ");
        for (position, session) in chunk.iter().enumerate() {
            upsert.push(if position == 0 { "(" } else { ", (" });
            let mut row = upsert.separated(", ");
            bind(&mut row, project, session);
            upsert.push(")");
        }
        upsert.push(on_conflict);
        upsert.build().execute(&mut *writer).await?;
    }
    Ok(())
}

/// Sessions that a step needs: see [`Need`].
pub(crate) async fn load(
    reader: &mut SqliteConnection,
    project: ProjectPk,
    needs: &[&Need],
    now: Timestamp,
    rules: &Rules,
) -> Result<Vec<SessionRow>, StoreError> {
    let mut sessions = Vec::new();
    for chunk in padded_chunks(needs) {
        // One bound for the whole chunk: a few rows more than needed do no harm.
        let Some(active_from) = chunk.iter().map(|need| need.active_from).min() else { continue };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(COLUMN_LIST.as_str()).push(" FROM session WHERE project_pk = ").push_bind(project.0);
        query.push(" AND (key_kind <> 0 OR last_activity_at >= ").push_bind(active_from.as_unix_nanos());
        query
            .push(" OR (end_kind = 3 AND end_at >= ")
            .push_bind(now.minus(rules.close_grace).as_unix_nanos());
        query.push(")) AND key_hash IN (");
        let mut list = query.separated(", ");
        for need in chunk {
            list.push_bind(need.key.hash().to_vec());
        }
        query.push(")");
        for row in query.build().fetch_all(&mut *reader).await? {
            sessions.push(read(&row)?.1);
        }
    }
    Ok(sessions)
}

/// A project's running sessions that have been silent for the limit of their kind, at most `limit`: key and
/// last activity.
pub(crate) async fn idle(
    reader: &mut SqliteConnection,
    project: ProjectPk,
    now: Timestamp,
    rules: &Rules,
    limit: i64,
) -> Result<Vec<(SessionKey, Timestamp)>, StoreError> {
    let rows = sqlx::query(
        "SELECT key_kind, key_text, last_activity_at FROM session \
         WHERE project_pk = $1 AND end_kind = 0 AND ((kind = 'browser' AND last_activity_at <= $2) \
         OR (kind = 'user' AND last_activity_at <= $3) OR (kind = 'process' AND last_observed_at <= $4)) LIMIT $5",
    )
    .bind(project.0)
    .bind(now.minus(rules.browser_idle_after).as_unix_nanos())
    .bind(now.minus(rules.idle_after).as_unix_nanos())
    .bind(now.minus(rules.silent_after).as_unix_nanos())
    .bind(limit)
    .fetch_all(reader)
    .await?;
    Ok(rows.iter().map(|row| (key(row.get(0), row.get(1)), Timestamp::from_unix_nanos(row.get(2)))).collect())
}

/// Notes which session a page load's events are in; of several notes the last holds.
pub(crate) async fn write_streams(
    writer: &mut SqliteConnection,
    streams: &[(SessionId, SessionId)],
) -> Result<(), StoreError> {
    // One statement cannot write a row twice.
    let last: BTreeMap<SessionId, SessionId> = streams.iter().copied().collect();
    let rows: Vec<(SessionId, SessionId)> = last.into_iter().collect();
    for chunk in statement_chunks(&rows) {
        let mut upsert = QueryBuilder::<Sqlite>::new("INSERT INTO session_stream (stream_id, session_id) ");
        upsert.push_values(chunk, |mut row, (stream, session)| {
            row.push_bind(stream.as_u128().to_be_bytes().to_vec());
            row.push_bind(session.as_u128().to_be_bytes().to_vec());
        });
        upsert.push(" ON CONFLICT (stream_id) DO UPDATE SET session_id = excluded.session_id");
        upsert.build().execute(&mut *writer).await?;
    }
    Ok(())
}

/// Ids under which a session's events are stored: its own, and those of its page loads.
pub(crate) async fn streams_of(
    readers: &SqlitePool,
    session: SessionId,
) -> Result<Vec<SessionId>, StoreError> {
    let rows = sqlx::query("SELECT stream_id FROM session_stream WHERE session_id = $1 AND stream_id <> $1")
        .bind(session.as_u128().to_be_bytes().to_vec())
        .fetch_all(readers)
        .await?;
    let others = rows.iter().map(|row| {
        session_id(row.get(0)).ok_or_else(|| StoreError::corrupt("a page load's stream has a bad id"))
    });
    std::iter::once(Ok(session)).chain(others).collect()
}

/// The sessions that these ids are streams of; an id that is none is left out.
pub(crate) async fn of_streams(
    readers: &SqlitePool,
    streams: &[SessionId],
) -> Result<BTreeMap<SessionId, SessionId>, StoreError> {
    let mut sessions = BTreeMap::new();
    for chunk in padded_chunks(streams) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT stream_id, session_id FROM session_stream WHERE stream_id IN (",
        );
        let mut list = query.separated(", ");
        for stream in chunk {
            list.push_bind(stream.as_u128().to_be_bytes().to_vec());
        }
        query.push(")");
        for row in query.build().fetch_all(readers).await? {
            let (stream, session) = (session_id(row.get(0)), session_id(row.get(1)));
            let bad = || StoreError::corrupt("a page load's stream has a bad id");
            sessions.insert(stream.ok_or_else(bad)?, session.ok_or_else(bad)?);
        }
    }
    Ok(sessions)
}

/// Ids under which events of these projects' sessions are stored of which the condition holds, shown or
/// not, and which were active in `[from, to)`.
///
/// # Errors
/// [`Input`](crate::StoreErrorKind::Input) for more than [`STREAMS_MAX`].
pub(crate) async fn streams_where(
    readers: &SqlitePool,
    projects: &Projects,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    condition: &Condition,
) -> Result<Vec<SessionId>, StoreError> {
    let push_sessions = |query: &mut QueryBuilder<Sqlite>| {
        query.push("SELECT session.id FROM session WHERE 1 = 1");
        projects.push_condition(query);
        if let Some(from) = from {
            query.push(" AND last_activity_at >= ").push_bind(from.as_unix_nanos());
        }
        if let Some(to) = to {
            query.push(" AND started_at < ").push_bind(to.as_unix_nanos());
        }
        condition.push(query);
    };
    let mut query = QueryBuilder::<Sqlite>::new("");
    push_sessions(&mut query);
    query.push(" UNION ALL SELECT stream_id FROM session_stream WHERE session_id IN (");
    push_sessions(&mut query);
    query.push(") LIMIT ").push_bind(STREAMS_MAX + 1);
    let rows = query.build().fetch_all(readers).await?;
    if rows.len() as i64 > STREAMS_MAX {
        return Err(StoreError::input(format!(
            "what the filter says about sessions holds of more than {STREAMS_MAX}: narrow the time"
        )));
    }
    let id =
        |row: &SqliteRow| session_id(row.get(0)).ok_or_else(|| StoreError::corrupt("a session has a bad id"));
    rows.iter().map(id).collect()
}

/// Whether the condition holds of the session.
pub(crate) async fn is_where(
    readers: &SqlitePool,
    session: SessionId,
    condition: &Condition,
) -> Result<bool, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT 1 FROM session WHERE session.id = ");
    query.push_bind(session.as_u128().to_be_bytes().to_vec());
    condition.push(&mut query);
    Ok(query.build().fetch_optional(readers).await?.is_some())
}

/// A project's marks.
pub(crate) async fn marks(
    reader: &mut SqliteConnection,
    project: ProjectPk,
) -> Result<BTreeMap<String, Mark>, StoreError> {
    let rows = sqlx::query("SELECT id, received_at, is_close FROM mark WHERE project_pk = $1")
        .bind(project.0)
        .fetch_all(reader)
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let received_at = Timestamp::from_unix_nanos(row.get(1));
            (row.get(0), Mark { received_at, close: row.get::<i64, _>(2) != 0 })
        })
        .collect())
}

/// Writes a mark, or removes it.
pub(crate) async fn write_mark(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    id: &str,
    mark: Option<&Mark>,
) -> Result<(), StoreError> {
    let query = match mark {
        Some(mark) => sqlx::query(
            "INSERT INTO mark (project_pk, id, received_at, is_close) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (project_pk, id) DO UPDATE SET received_at = excluded.received_at, is_close = excluded.is_close",
        )
        .bind(project.0)
        .bind(id.to_owned())
        .bind(mark.received_at.as_unix_nanos())
        .bind(i64::from(mark.close)),
        None => sqlx::query("DELETE FROM mark WHERE project_pk = $1 AND id = $2").bind(project.0).bind(id.to_owned()),
    };
    query.execute(writer).await?;
    Ok(())
}

/// The session of that id, shown or not.
pub(crate) async fn by_id(
    readers: &SqlitePool,
    id: SessionId,
) -> Result<Option<(ProjectPk, SessionRow)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(COLUMN_LIST.as_str()).push(" FROM session WHERE id = ");
    query.push_bind(id.as_u128().to_be_bytes().to_vec());
    query.build().fetch_optional(readers).await?.map(|row| read(&row)).transpose()
}

/// A process's session: its id here, and whether a person asked for all of it.
pub(crate) async fn process_by_key(
    readers: &SqlitePool,
    project: ProjectPk,
    key: &SessionKey,
) -> Result<Option<(SessionId, bool)>, StoreError> {
    let row = sqlx::query("SELECT id, process FROM session WHERE project_pk = $1 AND key_hash = $2")
        .bind(project.0)
        .bind(key.hash().to_vec())
        .fetch_optional(readers)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id = session_id(row.get(0)).ok_or_else(|| StoreError::corrupt("a session has a bad id"))?;
    let process = row.get::<Option<&str>, _>(1).and_then(process::from_json);
    Ok(Some((id, process.is_some_and(|(process, _)| process.is_requested))))
}

/// Sessions whose agent chose that id, at most two, which tell "not unique": projects do not share
/// ids, and tabs may bear one agent id.
pub(crate) async fn by_external_id(
    readers: &SqlitePool,
    projects: &Projects,
    external_id: &str,
) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(COLUMN_LIST.as_str()).push(" FROM session WHERE key_kind <> 0 AND key_text = ");
    query.push_bind(external_id.to_owned());
    projects.push_condition(&mut query);
    query.push(" LIMIT 2");
    query.build().fetch_all(readers).await?.iter().map(read).collect()
}

/// Sessions that an event query's terms about sessions may select: a set in memory, some 10 MB.
const STREAMS_MAX: i64 = 100_000;

/// What a report asks for; all conditions hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionFilter {
    /// What a person asks for, in the filter language.
    pub query: Option<Query>,
    /// Of which projects.
    pub projects: Projects,
    /// Only sessions active at or after this moment.
    pub from: Option<Timestamp>,
    /// Only sessions that began before this moment.
    pub to: Option<Timestamp>,
    /// `Some(true)`: running only; `Some(false)`: ended only.
    pub running: Option<bool>,
    /// `Some(true)`: only sessions with errors; `Some(false)`: only those without.
    pub with_errors: Option<bool>,
    /// Only tabs of this visit.
    pub visit: Option<String>,
    /// Part of an id or name of any of its users, in any case.
    pub user: Option<String>,
    /// In order of what; ties by id.
    pub sort: SessionSort,
    /// The smallest first.
    pub ascending: bool,
}

/// What a report is in order of; the largest first unless it is turned around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionSort {
    /// Start.
    #[default]
    Started,
    /// Last activity.
    LastActivity,
    /// Time between the two.
    Duration,
    /// Number of events.
    Events,
    /// Number of errors.
    Errors,
}

impl SessionSort {
    fn column(self) -> &'static str {
        match self {
            Self::Started => "started_at",
            Self::LastActivity => "last_activity_at",
            Self::Duration => "(last_activity_at - started_at)",
            Self::Events => "event_count",
            Self::Errors => "error_count",
        }
    }

    /// The place of that row in the order.
    pub fn cursor(self, row: &SessionRow) -> SessionCursor {
        let value = match self {
            Self::Started => row.started_at.as_unix_nanos(),
            Self::LastActivity => row.last_activity_at.as_unix_nanos(),
            Self::Duration => row.last_activity_at.as_unix_nanos() - row.started_at.as_unix_nanos(),
            Self::Events => row.event_count as i64,
            Self::Errors => row.error_count as i64,
        };
        SessionCursor { value, id: row.id }
    }
}

/// Where a page of the report ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    /// What the last row is sorted by.
    pub value: i64,
    /// Its id.
    pub id: SessionId,
}

/// How the rows of a filter are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// In the order of their start, so that a page of that order ends when it is full.
    ByStart,
    /// All that were active in the range and nothing before it, in whatever order.
    Active,
}

/// ` FROM session WHERE …`. A `+` keeps a column from choosing the index.
pub(crate) fn push_filter(
    query: &mut QueryBuilder<Sqlite>,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    walk: Walk,
) {
    let is_active = walk == Walk::Active && filter.from.is_some();
    query.push(" FROM session WHERE visible = 1");
    match filter.projects {
        Projects::All if is_active => drop(query.push(EACH_PROJECT)),
        _ => filter.projects.push_condition(query),
    }
    if let Some(from) = filter.from {
        if is_active {
            query.push(" AND active_hour >= ").push_bind(active_hour(from));
        }
        query.push(" AND last_activity_at >= ").push_bind(from.as_unix_nanos());
    }
    let plus = if is_active { "+" } else { "" };
    if let Some(to) = filter.to {
        query.push(format_args!(" AND {plus}started_at < ")).push_bind(to.as_unix_nanos());
    }
    match filter.running {
        Some(true) => drop(query.push(format_args!(" AND {plus}end_kind = 0"))),
        Some(false) => drop(query.push(" AND end_kind NOT IN (0, 4)")),
        None => {}
    }
    match filter.with_errors {
        Some(true) => drop(query.push(format_args!(" AND {plus}has_errors = 1"))),
        Some(false) => drop(query.push(" AND has_errors = 0")),
        None => {}
    }
    if let Some(visit) = &filter.visit {
        query.push(" AND visit_id = ").push_bind(visit.clone());
    }
    if let Some(user) = &filter.user {
        let part = Test::Contains(fold(user));
        let plan = SessionPlan::Term(SessionField::User, part);
        Condition { plan, having: None }.push(query);
    }
    if let Some(condition) = condition {
        condition.push(query);
    }
}

/// For all projects, where an index begins with them.
pub(crate) const EACH_PROJECT: &str = " AND project_pk IN (SELECT pk FROM project)";

/// A page of the report.
pub(crate) async fn list(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    after: Option<SessionCursor>,
    limit: u32,
) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
    let Some(from) = filter.from.filter(|_| filter.sort == SessionSort::Started) else {
        let walk = if filter.sort == SessionSort::Started { Walk::ByStart } else { Walk::Active };
        return page(readers, filter, condition, (None, walk), after, limit).await;
    };
    // What began in the range was active in it, and is found in order; what began before and went on into it
    // is little, and found by its activity. By the order of starts alone a search would go on to the oldest.
    let parts = [(Some(Began::Since(from)), Walk::ByStart), (Some(Began::Before(from)), Walk::Active)];
    let mut rows = Vec::new();
    for part in if filter.ascending { [parts[1], parts[0]] } else { parts } {
        let rest = limit - rows.len() as u32;
        if rest > 0 {
            let known: HashSet<SessionId> =
                rows.iter().map(|(_, row): &(ProjectPk, SessionRow)| row.id).collect();
            let more = page(readers, filter, condition, part, after, rest).await?;
            // Between the two its start may have moved.
            rows.extend(more.into_iter().filter(|(_, row)| !known.contains(&row.id)));
        }
    }
    Ok(rows)
}

/// Which side of a moment it began on.
#[derive(Clone, Copy, Debug)]
enum Began {
    Since(Timestamp),
    Before(Timestamp),
}

async fn page(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    (began, walk): (Option<Began>, Walk),
    after: Option<SessionCursor>,
    limit: u32,
) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(COLUMN_LIST.as_str());
    match began {
        // It is the stronger condition.
        Some(Began::Since(from)) => {
            push_filter(&mut query, &SessionFilter { from: None, ..filter.clone() }, condition, walk);
            query.push(" AND started_at >= ").push_bind(from.as_unix_nanos());
        }
        Some(Began::Before(from)) => {
            push_filter(&mut query, filter, condition, walk);
            query.push(" AND +started_at < ").push_bind(from.as_unix_nanos());
        }
        None => push_filter(&mut query, filter, condition, walk),
    }
    let plus = if walk == Walk::Active { "+" } else { "" };
    let column = filter.sort.column();
    let (beyond, direction) = if filter.ascending { (">", "ASC") } else { ("<", "DESC") };
    if let Some(after) = after {
        query.push(format_args!(" AND ({plus}{column}, id) {beyond} (")).push_bind(after.value).push(", ");
        query.push_bind(after.id.as_u128().to_be_bytes().to_vec()).push(")");
    }
    query.push(format_args!(" ORDER BY {plus}{column} {direction}, id {direction} LIMIT "));
    query.push_bind(i64::from(limit));
    query.build().fetch_all(readers).await?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column that an index is made of and that may change has to be part of the place.
    #[test]
    fn a_place_has_the_columns_of_the_indexes() {
        let schema = concat!(include_str!("schema/schema.sql"), include_str!("schema/figures.sql"));
        let indexes =
            schema.lines().filter(|line| line.contains("INDEX session_") && line.contains("ON session ("));
        let mut found = 0;
        for index in indexes {
            let (_, columns) = index.split_once("ON session").unwrap();
            // These two are named by every statement, so that their indexes follow.
            let always = ["last_activity_at", "last_observed_at"];
            for column in COLUMNS[FIXED_COLUMNS..].iter().filter(|column| !always.contains(column)) {
                let named = columns.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
                if named.into_iter().any(|word| word == *column) {
                    assert!(PLACE_COLUMNS.contains(column), "{column} of {index}");
                }
            }
            found += 1;
        }
        assert!(found >= 10, "{found} indexes");
    }
}
