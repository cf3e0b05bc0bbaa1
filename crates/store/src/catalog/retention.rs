//! What retention removes from the catalog, and the pins that keep it from it (ADR 0010).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kymo_model::{SessionId, Timestamp};
use kymo_tracker::LIMIT_MOST;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::events::NO_SESSION;
use super::projects::ProjectPk;
use super::sessions::columns::session_id;
use super::statement_chunks;
use crate::error::StoreError;
use crate::fault;

/// A description may have come that long before the session of its event by the clocks of both: agents
/// that are wrong by more are not believed.
const DESCRIPTION_SLACK: Duration = Duration::from_hours(24);

/// Since when a project's sessions have to be silent to be removed, for every project that removes any.
pub(crate) async fn limits(
    reader: &mut SqliteConnection,
    default_days: Option<u32>,
    now: Timestamp,
) -> Result<Vec<(ProjectPk, Timestamp)>, StoreError> {
    let rows = sqlx::query("SELECT pk, retention_days FROM project ORDER BY pk").fetch_all(reader).await?;
    let limits = rows.iter().filter_map(|row| {
        let own: Option<i64> = row.get(1);
        let days = own.and_then(|days| u32::try_from(days).ok()).or(default_days)?;
        Some((ProjectPk(row.get(0)), now.minus(fault::retention_day().saturating_mul(days))))
    });
    Ok(limits.collect())
}

/// Sessions that nothing came for since `silent_since` by the server's clock, that do not run and are not
/// pinned; at most `limit`. A session that runs only because its last event is dated into the future counts
/// as running for the longest idle limit there is.
pub(crate) async fn expired(
    reader: &mut SqliteConnection,
    project: ProjectPk,
    silent_since: Timestamp,
    limit: i64,
) -> Result<Vec<SessionId>, StoreError> {
    // By the order of their start: an index of the time of arrival would be rewritten by every commit. Who
    // began in the future by its own clock waits until then.
    let of = |visible: u8| {
        format!(
            "SELECT id FROM session WHERE project_pk = $1 AND visible = {visible} AND started_at < $2 \
             AND ((end_kind <> 0 AND last_observed_at < $2) OR (end_kind = 0 AND last_observed_at < $3)) \
             AND NOT EXISTS (SELECT 1 FROM session_pin WHERE session_pin.session_id = session.id)"
        )
    };
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{} UNION ALL {} LIMIT $4", of(1), of(0))))
        .bind(project.0)
        .bind(silent_since.as_unix_nanos())
        .bind(silent_since.minus(LIMIT_MOST).as_unix_nanos())
        .bind(limit)
        .fetch_all(reader)
        .await?;
    ids(&rows)
}

fn ids(rows: &[sqlx::sqlite::SqliteRow]) -> Result<Vec<SessionId>, StoreError> {
    let id = |row: &sqlx::sqlite::SqliteRow| {
        session_id(row.get(0)).ok_or_else(|| StoreError::corrupt("a session has a bad id"))
    };
    rows.iter().map(id).collect()
}

/// Ids under which events of these sessions are stored, with the session: its own, and its page loads'.
pub(crate) async fn streams(
    reader: &mut SqliteConnection,
    sessions: &[SessionId],
) -> Result<Vec<(SessionId, SessionId)>, StoreError> {
    let mut streams: BTreeSet<(SessionId, SessionId)> = sessions.iter().map(|id| (*id, *id)).collect();
    for chunk in statement_chunks(sessions) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT stream_id, session_id FROM session_stream WHERE session_id IN (",
        );
        push_ids(&mut query, chunk);
        for row in query.build().fetch_all(&mut *reader).await? {
            let bad = || StoreError::corrupt("a page load's stream has a bad id");
            let stream = session_id(row.get(0)).ok_or_else(bad)?;
            streams.insert((stream, session_id(row.get(1)).ok_or_else(bad)?));
        }
    }
    Ok(streams.into_iter().collect())
}

fn push_ids(query: &mut QueryBuilder<Sqlite>, ids: &[SessionId]) {
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.as_u128().to_be_bytes().to_vec());
    }
    query.push(")");
}

/// Removes sessions with everything that only they have, and returns how many events those had. Their rows
/// in segments are dead from then on: nothing leads to them.
pub(crate) async fn delete_sessions(
    writer: &mut SqliteConnection,
    sessions: &[SessionId],
    streams: &[SessionId],
) -> Result<u64, StoreError> {
    let mut dead: BTreeMap<i64, i64> = BTreeMap::new();
    for chunk in statement_chunks(streams) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT segment_pk, CAST(SUM(row_count) AS BIGINT) FROM session_segment WHERE session_id IN (",
        );
        push_ids(&mut query, chunk);
        query.push(" GROUP BY segment_pk");
        for row in query.build().fetch_all(&mut *writer).await? {
            *dead.entry(row.get(0)).or_default() += row.get::<i64, _>(1);
        }
        delete_of(writer, "DELETE FROM session_segment WHERE session_id IN (", chunk).await?;
    }
    for chunk in statement_chunks(sessions) {
        delete_of(writer, "DELETE FROM session_stream WHERE session_id IN (", chunk).await?;
        delete_of(writer, "DELETE FROM session WHERE id IN (", chunk).await?;
    }
    bury(writer, &dead).await
}

async fn delete_of(
    writer: &mut SqliteConnection,
    statement: &'static str,
    ids: &[SessionId],
) -> Result<(), StoreError> {
    let mut delete = QueryBuilder::<Sqlite>::new(statement);
    push_ids(&mut delete, ids);
    delete.build().execute(writer).await?;
    Ok(())
}

/// Takes dead rows off what their segments are listed with; returns how many there are.
async fn bury(writer: &mut SqliteConnection, dead: &BTreeMap<i64, i64>) -> Result<u64, StoreError> {
    for (segment, rows) in dead {
        sqlx::query("UPDATE segment SET live_count = live_count - $1 WHERE pk = $2")
            .bind(*rows)
            .bind(*segment)
            .execute(&mut *writer)
            .await?;
    }
    Ok(dead.values().sum::<i64>() as u64)
}

/// Removes the events without a session in segments that arrived before `silent_since` as a whole; at most
/// `limit` segments at a time. Returns how many events those were.
pub(crate) async fn delete_loose(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    silent_since: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let nobody = NO_SESSION.as_u128().to_be_bytes().to_vec();
    let rows = sqlx::query(
        "SELECT r.segment_pk, r.row_count FROM session_segment r JOIN segment s ON s.pk = r.segment_pk \
         WHERE r.session_id = $1 AND s.project_pk = $2 AND s.observed_last < $3 LIMIT $4",
    )
    .bind(nobody.as_slice())
    .bind(project.0)
    .bind(silent_since.as_unix_nanos())
    .bind(limit)
    .fetch_all(&mut *writer)
    .await?;
    let dead: BTreeMap<i64, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for segment in dead.keys() {
        sqlx::query("DELETE FROM session_segment WHERE session_id = $1 AND segment_pk = $2")
            .bind(nobody.as_slice())
            .bind(*segment)
            .execute(&mut *writer)
            .await?;
    }
    bury(writer, &dead).await
}

/// Removes descriptions that came before `silent_since`, unless a session is kept that their event may be in:
/// which one that is is not known without looking at its events.
pub(crate) async fn delete_descriptions(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    silent_since: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let oldest_kept: Option<i64> = sqlx::query(
        "SELECT MIN(started_at) FROM session WHERE project_pk = $1 AND last_observed_at < $2 AND (end_kind = 0 \
         OR EXISTS (SELECT 1 FROM session_pin WHERE session_pin.session_id = session.id))",
    )
    .bind(project.0)
    .bind(silent_since.as_unix_nanos())
    .fetch_one(&mut *writer)
    .await?
    .get(0);
    let kept_from = oldest_kept.map(|start| Timestamp::from_unix_nanos(start).minus(DESCRIPTION_SLACK));
    let before = kept_from.map_or(silent_since, |kept_from| kept_from.min(silent_since));
    let done = sqlx::query(
        "DELETE FROM user_description WHERE (project_pk, reference_id) IN (SELECT project_pk, reference_id \
         FROM user_description WHERE project_pk = $1 AND received_at < $2 LIMIT $3)",
    )
    .bind(project.0)
    .bind(before.as_unix_nanos())
    .bind(limit)
    .execute(writer)
    .await?;
    Ok(done.rows_affected())
}

/// A segment with dead rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thinned {
    pub(crate) pk: i64,
    pub(crate) project: ProjectPk,
    pub(crate) row_count: u64,
    pub(crate) live_count: u64,
    pub(crate) byte_count: u64,
    pub(crate) observed_last: Timestamp,
}

/// Every segment with dead rows, oldest first; and those without any, which a merge wrote while the last ones
/// died.
pub(crate) async fn thinned(readers: &SqlitePool) -> Result<Vec<Thinned>, StoreError> {
    let rows = sqlx::query(
        "SELECT pk, project_pk, row_count, live_count, byte_count, observed_last FROM segment \
         WHERE live_count < row_count OR row_count = 0 ORDER BY observed_last, pk",
    )
    .fetch_all(readers)
    .await?;
    let count = |row: &sqlx::sqlite::SqliteRow, column: usize| row.get::<i64, _>(column).max(0) as u64;
    Ok(rows
        .iter()
        .map(|row| Thinned {
            pk: row.get(0),
            project: ProjectPk(row.get(1)),
            row_count: count(row, 2),
            live_count: count(row, 3),
            byte_count: count(row, 4),
            observed_last: Timestamp::from_unix_nanos(row.get(5)),
        })
        .collect())
}

/// Retention leaves the session alone from now on; false: there is no such session.
pub(crate) async fn pin(
    writer: &mut SqliteConnection,
    session: SessionId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = session.as_u128().to_be_bytes().to_vec();
    let known = sqlx::query("SELECT 1 FROM session WHERE id = $1").bind(id.as_slice());
    if known.fetch_optional(&mut *writer).await?.is_none() {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO session_pin (session_id, pinned_at, pinned_by) VALUES ($1, $2, $3) \
         ON CONFLICT (session_id) DO NOTHING",
    )
    .bind(id)
    .bind(now.as_unix_nanos())
    .bind(by)
    .execute(writer)
    .await?;
    Ok(true)
}

pub(crate) async fn unpin(writer: &mut SqliteConnection, session: SessionId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM session_pin WHERE session_id = $1")
        .bind(session.as_u128().to_be_bytes().to_vec())
        .execute(writer)
        .await?;
    Ok(())
}

/// Which of these sessions are pinned.
pub(crate) async fn pinned(
    readers: &SqlitePool,
    sessions: &[SessionId],
) -> Result<BTreeSet<SessionId>, StoreError> {
    let mut pinned = BTreeSet::new();
    for chunk in statement_chunks(sessions) {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT session_id FROM session_pin WHERE session_id IN (");
        push_ids(&mut query, chunk);
        pinned.extend(ids(&query.build().fetch_all(readers).await?)?);
    }
    Ok(pinned)
}
