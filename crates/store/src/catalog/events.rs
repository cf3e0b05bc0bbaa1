//! Where a project's events are: the tail's batches and the segments' row ranges.

use std::collections::{BTreeMap, HashSet};

use kymo_model::{SessionId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::ProjectPk;
use super::sessions::columns::session_id;
use super::sessions::query::Condition;
use super::sessions::{SessionFilter, Walk, push_filter};
use super::statement_chunks;
use crate::error::StoreError;

/// Id under which the events without a session are mapped.
pub(crate) const NO_SESSION: SessionId = SessionId::from_u128(0);

/// A stored tail batch, still encoded.
pub(crate) struct TailRow {
    pub(crate) pk: i64,
    pub(crate) project: ProjectPk,
    pub(crate) observed_at: Timestamp,
    pub(crate) batch: Vec<u8>,
}

/// What the catalog keeps of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentRow {
    /// Also names its file.
    pub(crate) pk: i64,
    pub(crate) project: ProjectPk,
    pub(crate) row_count: u64,
    pub(crate) byte_count: u64,
    pub(crate) observed_first: Timestamp,
    pub(crate) observed_last: Timestamp,
}

/// Consecutive rows of a segment that belong to one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowRange {
    pub(crate) session: SessionId,
    pub(crate) row_first: u64,
    pub(crate) row_count: u64,
}

pub(crate) async fn insert_tail(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    observed_at: Timestamp,
    row_count: usize,
    batch: Vec<u8>,
) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO tail (project_pk, observed_at, row_count, batch) VALUES ($1, $2, $3, $4) RETURNING pk",
    )
    .bind(project.0)
    .bind(observed_at.as_unix_nanos())
    .bind(row_count as i64)
    .bind(batch)
    .fetch_one(writer)
    .await?;
    Ok(row.get(0))
}

pub(crate) async fn tail(readers: &SqlitePool) -> Result<Vec<TailRow>, StoreError> {
    let rows = sqlx::query("SELECT pk, project_pk, observed_at, batch FROM tail ORDER BY pk")
        .fetch_all(readers)
        .await?;
    Ok(rows
        .iter()
        .map(|row| TailRow {
            pk: row.get(0),
            project: ProjectPk(row.get(1)),
            observed_at: Timestamp::from_unix_nanos(row.get(2)),
            batch: row.get(3),
        })
        .collect())
}

pub(crate) async fn segments(readers: &SqlitePool) -> Result<Vec<SegmentRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT pk, project_pk, row_count, byte_count, observed_first, observed_last FROM segment ORDER BY pk",
    )
    .fetch_all(readers)
    .await?;
    Ok(rows
        .iter()
        .map(|row| SegmentRow {
            pk: row.get(0),
            project: ProjectPk(row.get(1)),
            row_count: row.get::<i64, _>(2) as u64,
            byte_count: row.get::<i64, _>(3) as u64,
            observed_first: Timestamp::from_unix_nanos(row.get(4)),
            observed_last: Timestamp::from_unix_nanos(row.get(5)),
        })
        .collect())
}

/// Lists a segment and its row ranges.
pub(crate) async fn insert_segment(
    writer: &mut SqliteConnection,
    segment: &SegmentRow,
    schema_version: i64,
    ranges: &[RowRange],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO segment \
         (pk, project_pk, schema_version, row_count, byte_count, observed_first, observed_last, live_count) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(segment.pk)
    .bind(segment.project.0)
    .bind(schema_version)
    .bind(segment.row_count as i64)
    .bind(segment.byte_count as i64)
    .bind(segment.observed_first.as_unix_nanos())
    .bind(segment.observed_last.as_unix_nanos())
    .bind(ranges.iter().map(|range| range.row_count).sum::<u64>() as i64)
    .execute(&mut *writer)
    .await?;
    for chunk in statement_chunks(ranges) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO session_segment (session_id, segment_pk, row_first, row_count) ",
        );
        insert.push_values(chunk, |mut row, range| {
            row.push_bind(range.session.as_u128().to_be_bytes().to_vec())
                .push_bind(segment.pk)
                .push_bind(range.row_first as i64)
                .push_bind(range.row_count as i64);
        });
        insert.build().execute(&mut *writer).await?;
    }
    Ok(())
}

/// Removes tail rows that a segment now holds.
pub(crate) async fn delete_tail(writer: &mut SqliteConnection, pks: &[i64]) -> Result<(), StoreError> {
    delete_in(writer, "DELETE FROM tail WHERE pk IN (", pks).await
}

/// Removes segments that another one now holds, and their row ranges.
pub(crate) async fn delete_segments(writer: &mut SqliteConnection, pks: &[i64]) -> Result<(), StoreError> {
    delete_in(writer, "DELETE FROM session_segment WHERE segment_pk IN (", pks).await?;
    delete_in(writer, "DELETE FROM segment WHERE pk IN (", pks).await
}

async fn delete_in(
    writer: &mut SqliteConnection,
    statement: &'static str,
    pks: &[i64],
) -> Result<(), StoreError> {
    for chunk in statement_chunks(pks) {
        let mut delete = QueryBuilder::<Sqlite>::new(statement);
        let mut list = delete.separated(", ");
        for pk in chunk {
            list.push_bind(*pk);
        }
        delete.push(")");
        delete.build().execute(&mut *writer).await?;
    }
    Ok(())
}

/// The rows of these segments that are alive, in order.
pub(crate) async fn ranges_in(
    readers: &SqlitePool,
    segments: &[i64],
) -> Result<BTreeMap<i64, Vec<(u64, u64)>>, StoreError> {
    let mut ranges: BTreeMap<i64, Vec<(u64, u64)>> = segments.iter().map(|pk| (*pk, Vec::new())).collect();
    for (pk, ranges) in &mut ranges {
        let rows =
            sqlx::query("SELECT row_first, row_count FROM session_segment WHERE segment_pk = $1 ORDER BY 1")
                .bind(*pk)
                .fetch_all(readers)
                .await?;
        for row in rows {
            let (first, count) = (row.get::<i64, _>(0) as u64, row.get::<i64, _>(1) as u64);
            match ranges.last_mut() {
                Some((begin, so_far)) if *begin + *so_far == first => *so_far += count,
                _ => ranges.push((first, count)),
            }
        }
    }
    Ok(ranges)
}

/// How many rows of these segments are alive, by what they are listed with.
pub(crate) async fn live_count(writer: &mut SqliteConnection, segments: &[i64]) -> Result<u64, StoreError> {
    let mut live = 0;
    for pk in segments {
        let row = sqlx::query("SELECT live_count FROM segment WHERE pk = $1").bind(*pk);
        live += row.fetch_one(&mut *writer).await?.get::<i64, _>(0) as u64;
    }
    Ok(live)
}

/// The ids that rows of these segments are listed under.
pub(crate) async fn ids_in(
    writer: &mut SqliteConnection,
    segments: &[i64],
) -> Result<HashSet<SessionId>, StoreError> {
    let mut ids = HashSet::new();
    for pk in segments {
        let rows = sqlx::query("SELECT session_id FROM session_segment WHERE segment_pk = $1")
            .bind(*pk)
            .fetch_all(&mut *writer)
            .await?;
        ids.extend(rows.iter().filter_map(|row| session_id(row.get(0))));
    }
    Ok(ids)
}

/// Where the events stored under these ids are among the segments.
pub(crate) async fn ranges_of(
    readers: &SqlitePool,
    project: ProjectPk,
    streams: &[SessionId],
) -> Result<Vec<(i64, RowRange)>, StoreError> {
    let mut rows = Vec::new();
    for chunk in statement_chunks(streams) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT r.segment_pk, r.session_id, r.row_first, r.row_count FROM session_segment r \
             JOIN segment s ON s.pk = r.segment_pk WHERE s.project_pk = ",
        );
        query.push_bind(project.0).push(" AND r.session_id IN (");
        let mut list = query.separated(", ");
        for stream in chunk {
            list.push_bind(stream.as_u128().to_be_bytes().to_vec());
        }
        query.push(") ORDER BY r.segment_pk, r.row_first");
        rows.extend(query.build().fetch_all(readers).await?);
    }
    rows.iter().map(range).collect()
}

/// Ranges that one query takes: 40 bytes each. With more, reading segments from end to end costs as much.
const RANGES_MAX: i64 = 250_000;

/// Where the events of the sessions that a filter lets through are among the segments, in order. `None`:
/// in more than [`RANGES_MAX`] places.
pub(crate) async fn ranges_where(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: &Condition,
) -> Result<Option<Vec<(i64, RowRange)>>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT segment_pk, session_id, row_first, row_count FROM session_segment WHERE session_id IN (SELECT session.id",
    );
    push_filter(&mut query, filter, Some(condition), Walk::Active);
    query.push(" UNION ALL SELECT stream_id FROM session_stream WHERE session_id IN (SELECT session.id");
    push_filter(&mut query, filter, Some(condition), Walk::Active);
    query.push(")) ORDER BY segment_pk, row_first LIMIT ").push_bind(RANGES_MAX + 1);
    let rows = query.build().fetch_all(readers).await?;
    if rows.len() as i64 > RANGES_MAX {
        return Ok(None);
    }
    rows.iter().map(range).collect::<Result<_, _>>().map(Some)
}

fn range(row: &SqliteRow) -> Result<(i64, RowRange), StoreError> {
    let session = session_id(row.get(1)).ok_or_else(|| StoreError::corrupt("a row range has a bad id"))?;
    let (row_first, row_count) = (row.get::<i64, _>(2) as u64, row.get::<i64, _>(3) as u64);
    Ok((row.get(0), RowRange { session, row_first, row_count }))
}

pub(crate) async fn loose_sequence(
    reader: &mut SqliteConnection,
    project: ProjectPk,
) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT loose_sequence FROM project WHERE pk = $1")
        .bind(project.0)
        .fetch_optional(reader)
        .await?
        .ok_or_else(|| StoreError::not_found("there is no such project"))?;
    Ok(row.get::<i64, _>(0) as u64)
}

pub(crate) async fn write_loose_sequence(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    next: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE project SET loose_sequence = $1 WHERE pk = $2")
        .bind(next as i64)
        .bind(project.0)
        .execute(writer)
        .await?;
    Ok(())
}
