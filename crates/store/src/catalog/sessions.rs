//! Session rows: loaded and written by the commit, read by the report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use kymo_model::{SessionId, Timestamp};
use kymo_tracker::{Mark, Need, Rules, SessionKey, SessionRow};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::ProjectPk;
use super::session_columns::{COLUMNS, FIXED_COLUMNS, bind, read};
use super::statement_chunks;
use crate::error::StoreError;

static COLUMN_LIST: LazyLock<String> = LazyLock::new(|| COLUMNS.join(", "));

/// ` ON CONFLICT … DO UPDATE SET a = excluded.a, …` over all columns that change.
static ON_CONFLICT: LazyLock<String> = LazyLock::new(|| {
    let mut clause = String::from(" ON CONFLICT (id) DO UPDATE SET ");
    for (position, column) in COLUMNS[FIXED_COLUMNS..].iter().enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(clause, "{comma}{column} = excluded.{column}");
    }
    clause
});

/// Writes rows, new or changed.
pub(crate) async fn upsert(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    sessions: &[&SessionRow],
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
        upsert.push(ON_CONFLICT.as_str());
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
    for chunk in statement_chunks(needs) {
        // One bound for the whole chunk: a few rows more than needed do no harm.
        let Some(active_from) = chunk.iter().map(|need| need.active_from).min() else { continue };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(COLUMN_LIST.as_str()).push(" FROM session WHERE project_pk = ").push_bind(project.0);
        query.push(" AND (key_external = 1 OR last_activity_at >= ").push_bind(active_from.as_unix_nanos());
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

/// Running sessions without activity since `before`, of all projects, at most `limit`: key and last
/// activity.
pub(crate) async fn idle(
    reader: &mut SqliteConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(ProjectPk, SessionKey, Timestamp)>, StoreError> {
    let rows = sqlx::query(
        "SELECT project_pk, key_external, key_text, last_activity_at FROM session \
         WHERE end_kind = 0 AND last_activity_at <= $1 LIMIT $2",
    )
    .bind(before.as_unix_nanos())
    .bind(limit)
    .fetch_all(reader)
    .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let text: String = row.get(2);
            let external = row.get::<i64, _>(1) != 0;
            let key = if external { SessionKey::External(text) } else { SessionKey::Identity(text) };
            (ProjectPk(row.get(0)), key, Timestamp::from_unix_nanos(row.get(3)))
        })
        .collect())
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

/// Sessions whose agent chose that id, at most two: one per project, and two tell "not unique".
pub(crate) async fn by_external_id(
    readers: &SqlitePool,
    project: Option<ProjectPk>,
    external_id: &str,
) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(COLUMN_LIST.as_str()).push(" FROM session WHERE key_external = 1 AND key_text = ");
    query.push_bind(external_id.to_owned());
    if let Some(project) = project {
        query.push(" AND project_pk = ").push_bind(project.0);
    }
    query.push(" LIMIT 2");
    query.build().fetch_all(readers).await?.iter().map(read).collect()
}

/// What a report asks for; all conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Only this project.
    pub project: Option<ProjectPk>,
    /// Only sessions active at or after this moment.
    pub from: Option<Timestamp>,
    /// Only sessions that began before this moment.
    pub to: Option<Timestamp>,
    /// `Some(true)`: running only; `Some(false)`: ended only.
    pub running: Option<bool>,
    /// Only sessions with errors.
    pub with_errors: bool,
    /// Part of an id or name of any of its users, in any case.
    pub user: Option<String>,
}

/// Where a page of the report ends: the last row's start and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    /// Start of the last row.
    pub started_at: Timestamp,
    /// Its id.
    pub id: SessionId,
}

/// The report's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionSummary {
    /// Sessions that match.
    pub sessions: u64,
    /// Different users among them.
    pub users: u64,
    /// Of the sessions, running.
    pub running: u64,
    /// Of the sessions, with errors.
    pub with_errors: u64,
    /// Seconds.
    pub average_duration_seconds: f64,
}

fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &SessionFilter) {
    query.push(" FROM session WHERE visible = 1");
    if let Some(project) = filter.project {
        query.push(" AND project_pk = ").push_bind(project.0);
    }
    if let Some(from) = filter.from {
        query.push(" AND last_activity_at >= ").push_bind(from.as_unix_nanos());
    }
    if let Some(to) = filter.to {
        query.push(" AND started_at < ").push_bind(to.as_unix_nanos());
    }
    match filter.running {
        Some(true) => drop(query.push(" AND end_kind = 0")),
        Some(false) => drop(query.push(" AND end_kind <> 0")),
        None => {}
    }
    if filter.with_errors {
        query.push(" AND error_count > 0");
    }
    if let Some(user) = &filter.user {
        query.push(" AND user_words LIKE ").push_bind(like_pattern(user)).push(" ESCAPE '!'");
    }
}

fn like_pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// A page of the report, newest start first.
pub(crate) async fn list(
    readers: &SqlitePool,
    filter: &SessionFilter,
    after: Option<SessionCursor>,
    limit: u32,
) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(COLUMN_LIST.as_str());
    push_filter(&mut query, filter);
    if let Some(after) = after {
        query.push(" AND (started_at, id) < (").push_bind(after.started_at.as_unix_nanos()).push(", ");
        query.push_bind(after.id.as_u128().to_be_bytes().to_vec()).push(")");
    }
    query.push(" ORDER BY started_at DESC, id DESC LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(readers).await?.iter().map(read).collect()
}

/// The figures of the report.
pub(crate) async fn summary(
    readers: &SqlitePool,
    filter: &SessionFilter,
) -> Result<SessionSummary, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT COUNT(*), COUNT(DISTINCT user_id), \
         CAST(COALESCE(SUM(CASE WHEN end_kind = 0 THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN error_count > 0 THEN 1 ELSE 0 END), 0) AS BIGINT), \
         COALESCE(AVG(CAST(last_activity_at - started_at AS DOUBLE PRECISION) / 1e9), 0.0)",
    );
    push_filter(&mut query, filter);
    let row = query.build().fetch_one(readers).await?;
    let count = |column: usize| row.get::<i64, _>(column) as u64;
    Ok(SessionSummary {
        sessions: count(0),
        users: count(1),
        running: count(2),
        with_errors: count(3),
        average_duration_seconds: row.get(4),
    })
}

/// Sessions shown, per project.
pub(crate) async fn count_by_project(readers: &SqlitePool) -> Result<Vec<(ProjectPk, u64, u64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT project_pk, COUNT(*), CAST(SUM(event_count) AS BIGINT) FROM session WHERE visible = 1 GROUP BY project_pk",
    )
    .fetch_all(readers)
    .await?;
    Ok(rows
        .iter()
        .map(|row| (ProjectPk(row.get(0)), row.get::<i64, _>(1) as u64, row.get::<i64, _>(2) as u64))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wild_cards_of_the_user_are_letters() {
        assert_eq!(like_pattern("50%_a!B"), "%50!%!_a!!b%");
    }
}
