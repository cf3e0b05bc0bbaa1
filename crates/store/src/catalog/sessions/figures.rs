//! Sessions counted and added up.

use std::collections::BTreeMap;

use kymo_model::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::columns::active_hour;
use super::query::Condition;
use super::{EACH_PROJECT, SessionFilter, Walk, push_filter};
use crate::catalog::projects::{ProjectPk, Projects};
use crate::error::StoreError;

/// Sessions that began within a bucket of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionCount {
    /// Which bucket, from 0.
    pub index: u32,
    /// Sessions.
    pub sessions: u64,
    /// Different users, by the last one of each session.
    pub users: u64,
    /// Sessions with errors.
    pub with_errors: u64,
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

/// Sessions by the time of their start, in equal buckets between two moments.
pub(crate) async fn counts(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    from: Timestamp,
    to: Timestamp,
    buckets: u32,
) -> Result<Vec<SessionCount>, StoreError> {
    let span = to.as_unix_nanos().saturating_sub(from.as_unix_nanos()).max(1);
    // Rounded up, so that the last moment lies in the last bucket.
    let width = (span - 1) / i64::from(buckets) + 1;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT (started_at - ");
    query.push_bind(from.as_unix_nanos()).push(") / ").push_bind(width);
    query.push(
        " AS bucket, COUNT(*), COUNT(DISTINCT user_id), \
         CAST(SUM(has_errors) AS BIGINT)",
    );
    // Not asked for what follows from the start, which would have every row read.
    let filter = SessionFilter { from: filter.from.filter(|active| *active > from), ..filter.clone() };
    push_filter(&mut query, &filter, condition, Walk::ByStart);
    if filter.projects == Projects::All {
        query.push(EACH_PROJECT);
    }
    query.push(" AND started_at >= ").push_bind(from.as_unix_nanos());
    query.push(" AND started_at < ").push_bind(to.as_unix_nanos()).push(" GROUP BY bucket ORDER BY bucket");
    let rows = query.build().fetch_all(readers).await?;
    let count = |row: &SqliteRow, column: usize| row.get::<i64, _>(column) as u64;
    Ok(rows
        .iter()
        .map(|row| SessionCount {
            index: row.get::<i64, _>(0) as u32,
            sessions: count(row, 1),
            users: count(row, 2),
            with_errors: count(row, 3),
        })
        .collect())
}

/// The figures of the report.
pub(crate) async fn summary(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
) -> Result<SessionSummary, StoreError> {
    let since =
        SessionFilter { projects: filter.projects.clone(), from: filter.from, ..SessionFilter::default() };
    let is_plain = SessionFilter { sort: since.sort, ascending: since.ascending, ..filter.clone() } == since;
    if is_plain && condition.is_none() {
        return summary_by_hours(readers, &filter.projects, filter.from).await;
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT COUNT(*), COUNT(DISTINCT user_id), \
         CAST(COALESCE(SUM(CASE WHEN end_kind = 0 THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(has_errors), 0) AS BIGINT), \
         COALESCE(AVG(CAST(last_activity_at - started_at AS DOUBLE PRECISION) / 1e9), 0.0)",
    );
    push_filter(&mut query, filter, condition, Walk::Active);
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

/// The same of all that were active since `from`: whole hours are added up already, only the one in which `from` lies
/// is looked at by rows. Users cannot be added up, but are told by the index. One statement, so of one moment.
async fn summary_by_hours(
    readers: &SqlitePool,
    projects: &Projects,
    from: Option<Timestamp>,
) -> Result<SessionSummary, StoreError> {
    let whole_after = from.map_or(i64::MIN, active_hour);
    let mut query = QueryBuilder::<Sqlite>::new("");
    let push_projects = |query: &mut QueryBuilder<Sqlite>| match projects {
        Projects::All => drop(query.push(EACH_PROJECT)),
        Projects::Only(_) => projects.push_condition(query),
    };
    let push_edge = |query: &mut QueryBuilder<Sqlite>, columns: &'static str| {
        let Some(from) = from else { return };
        query.push(columns).push(" FROM session WHERE visible = 1");
        push_projects(query);
        query.push(" AND active_hour = ").push_bind(whole_after);
        query.push(" AND last_activity_at >= ").push_bind(from.as_unix_nanos());
    };
    query.push(
        "SELECT CAST(TOTAL(sessions) AS BIGINT), CAST(TOTAL(running) AS BIGINT), \
         CAST(TOTAL(with_errors) AS BIGINT), TOTAL(duration_micros), \
         (SELECT COUNT(user_id) FROM (SELECT user_id FROM session WHERE visible = 1",
    );
    push_projects(&mut query);
    query.push(" AND active_hour > ").push_bind(whole_after);
    push_edge(&mut query, " UNION SELECT user_id");
    if from.is_none() {
        query.push(" GROUP BY user_id");
    }
    query.push(
        ") AS each) FROM (SELECT sessions, running, with_errors, duration_micros FROM session_hour WHERE 1 = 1",
    );
    push_projects(&mut query);
    query.push(" AND active_hour > ").push_bind(whole_after);
    push_edge(
        &mut query,
        " UNION ALL SELECT 1, end_kind = 0, has_errors, (last_activity_at - started_at) / 1000",
    );
    query.push(") AS hours");
    let row = query.build().fetch_one(readers).await?;
    let count = |column: usize| row.get::<i64, _>(column) as u64;
    let sessions = count(0);
    Ok(SessionSummary {
        sessions,
        users: count(4),
        running: count(1),
        with_errors: count(2),
        average_duration_seconds: row.get::<f64, _>(3) / 1e6 / sessions.max(1) as f64,
    })
}

/// Sessions shown, per project.
pub(crate) async fn count_by_project(readers: &SqlitePool) -> Result<BTreeMap<ProjectPk, u64>, StoreError> {
    counted(readers, "SELECT project_pk, SUM(sessions) FROM session_hour GROUP BY project_pk").await
}

/// Sessions shown that run, per project.
pub(crate) async fn count_running(readers: &SqlitePool) -> Result<BTreeMap<ProjectPk, u64>, StoreError> {
    let running =
        "SELECT project_pk, SUM(running) FROM session_hour GROUP BY project_pk HAVING SUM(running) > 0";
    counted(readers, running).await
}

async fn counted(
    readers: &SqlitePool,
    statement: &'static str,
) -> Result<BTreeMap<ProjectPk, u64>, StoreError> {
    let rows = sqlx::query(statement).fetch_all(readers).await?;
    Ok(rows.iter().map(|row| (ProjectPk(row.get(0)), row.get::<i64, _>(1) as u64)).collect())
}
