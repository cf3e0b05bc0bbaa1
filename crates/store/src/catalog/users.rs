//! Users, as the sessions know them: there is no table of users, a session lists its own.

use kymo_filter::text::fold;
use kymo_model::{SessionId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::Projects;
use super::sessions::columns::active_hour;
use super::sessions::query::{Condition, glob_sqlite};
use super::sessions::{EACH_PROJECT, SessionFilter, Walk, push_filter};
use crate::error::StoreError;

/// A user over the sessions that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The id, or the name of a user that has none.
    pub key: String,
    /// A name, if one is known.
    pub name: Option<String>,
    /// Sessions with this user.
    pub sessions: u64,
    /// Of these, running.
    pub running: u64,
    /// Of these, with errors.
    pub with_errors: u64,
    /// Events of these sessions.
    pub events: u64,
    /// Errors of these sessions.
    pub errors: u64,
    /// First seen in them.
    pub first_seen_at: Timestamp,
    /// Last seen in them.
    pub last_seen_at: Timestamp,
    /// The one they were last seen in.
    pub last_session: SessionId,
}

/// Where a page of users ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCursor {
    /// When the last one was last seen.
    pub last_seen_at: Timestamp,
    /// Its key.
    pub key: String,
}

/// Of nanoseconds since 1970 as text that sorts like the number.
const TIME_DIGITS: usize = 20;

/// Of the newest sessions, how many are looked at first for the users of a page, for each user of it; then ever more of
/// them. A page is full when its last user was seen after the oldest hour that was looked at.
const LOOKED_AT_PER_USER: i64 = 8;
const LOOKED_AT_TIMES: i64 = 8;

/// Users of the sessions that match, last seen first.
pub(crate) async fn list(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    after: Option<&UserCursor>,
    limit: u32,
) -> Result<Vec<UserSummary>, StoreError> {
    // All of it of one moment.
    let mut transaction = readers.begin().await?;
    let reader = &mut *transaction;
    let mut looked_at = i64::from(limit) * LOOKED_AT_PER_USER;
    while let Some(hour) = hour_with(reader, filter, looked_at).await? {
        let newest = Chosen { since_hour: Some(hour), keys: None };
        let users = page(reader, filter, condition, &newest, after, limit).await?;
        let is_sure = |user: &UserSummary| active_hour(user.last_seen_at) >= hour;
        if users.len() == limit as usize && users.iter().all(is_sure) {
            let keys: Vec<String> = users.into_iter().map(|user| user.key).collect();
            let of_keys = Chosen { since_hour: None, keys: Some(&keys) };
            return page(reader, filter, condition, &of_keys, after, limit).await;
        }
        looked_at *= LOOKED_AT_TIMES;
    }
    page(reader, filter, condition, &Chosen::default(), after, limit).await
}

/// The newest hour since which at least so many sessions were active last. `None`: there are not so many, or it is no
/// later than what the filter asks for.
async fn hour_with(
    reader: &mut SqliteConnection,
    filter: &SessionFilter,
    sessions: i64,
) -> Result<Option<i64>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT active_hour FROM (SELECT active_hour, SUM(SUM(sessions)) OVER (ORDER BY active_hour DESC) AS total \
         FROM session_hour WHERE 1 = 1",
    );
    filter.projects.push_condition(&mut query);
    query.push(" AND active_hour > ").push_bind(filter.from.map_or(i64::MIN, active_hour));
    query.push(" GROUP BY active_hour) AS hours WHERE total >= ").push_bind(sessions);
    query.push(" ORDER BY active_hour DESC LIMIT 1");
    Ok(query.build().fetch_optional(reader).await?.map(|row| row.get(0)))
}

/// The user of exactly that key.
pub(crate) async fn one(
    readers: &SqlitePool,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    key: &str,
) -> Result<Option<UserSummary>, StoreError> {
    let keys = [key.to_owned()];
    let mut query = summaries(filter, condition, &Chosen { since_hour: None, keys: Some(&keys) });
    query.push(" GROUP BY key");
    query.build().fetch_optional(readers).await?.as_ref().map(summary).transpose()
}

/// Which of the sessions that match are looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Chosen<'keys> {
    /// Those whose last activity was in this hour or later.
    since_hour: Option<i64>,
    /// Those of these users.
    keys: Option<&'keys [String]>,
}

async fn page(
    reader: &mut SqliteConnection,
    filter: &SessionFilter,
    condition: Option<&Condition>,
    chosen: &Chosen<'_>,
    after: Option<&UserCursor>,
    limit: u32,
) -> Result<Vec<UserSummary>, StoreError> {
    let mut query = summaries(filter, condition, chosen);
    if let Some(part) = &filter.user {
        // Sessions with such a user have others, too.
        let pattern = glob_sqlite(&[String::new(), fold(part), String::new()]);
        query.push(" AND (key GLOB ").push_bind(pattern.clone());
        query.push(" OR name GLOB ").push_bind(pattern).push(")");
    }
    query.push(" GROUP BY key");
    if let Some(after) = after {
        query.push(" HAVING MAX(last_at) < ").push_bind(after.last_seen_at.as_unix_nanos());
        query.push(" OR (MAX(last_at) = ").push_bind(after.last_seen_at.as_unix_nanos());
        query.push(" AND key > ").push_bind(after.key.clone()).push(")");
    }
    query.push(" ORDER BY MAX(last_at) DESC, key LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(reader).await?.iter().map(summary).collect()
}

/// `SELECT … FROM` a row for each user of each session; what sorts last of times with ids behind them is the last
/// session. The functions are `SQLite`'s; in `PostgreSQL` they are `jsonb_array_elements`, `to_char` and `encode`.
fn summaries(
    filter: &SessionFilter,
    condition: Option<&Condition>,
    chosen: &Chosen<'_>,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT key, MAX(name), COUNT(*), CAST(SUM(running) AS BIGINT), CAST(SUM(failed) AS BIGINT), \
         CAST(SUM(event_count) AS BIGINT), CAST(SUM(error_count) AS BIGINT), MIN(first_at), MAX(last_at), \
         MAX(printf('%020d', last_at) || hex(id)) FROM \
         (SELECT key, id, MAX(name) AS name, MAX(running) AS running, MAX(failed) AS failed, \
         MAX(event_count) AS event_count, MAX(error_count) AS error_count, MIN(first_at) AS first_at, \
         MAX(last_at) AS last_at FROM \
         (SELECT chosen.id AS id, COALESCE(json_extract(one.value, '$.id'), json_extract(one.value, '$.name')) AS key, \
         json_extract(one.value, '$.name') AS name, json_extract(one.value, '$.first_at') AS first_at, \
         json_extract(one.value, '$.last_at') AS last_at, chosen.running AS running, chosen.failed AS failed, \
         chosen.event_count AS event_count, chosen.error_count AS error_count FROM \
         (SELECT id, users, event_count, error_count, CASE WHEN end_kind = 0 THEN 1 ELSE 0 END AS running, \
         has_errors AS failed",
    );
    push_filter(&mut query, filter, condition, Walk::Active);
    if let Some(hour) = chosen.since_hour {
        if filter.from.is_none() && filter.projects == Projects::All {
            query.push(EACH_PROJECT);
        }
        query.push(" AND active_hour >= ").push_bind(hour);
    }
    let push_keys = |query: &mut QueryBuilder<Sqlite>, column: &'static str, keys: &[String]| {
        query.push(column).push(" IN (");
        let mut list = query.separated(", ");
        for key in keys {
            list.push_bind(key.clone());
        }
        query.push(")");
    };
    if let Some(keys) = chosen.keys {
        // Told by the index, but for sessions of several users or of one that has only a name.
        push_keys(&mut query, " AND (user_id", keys);
        query.push(" OR other_users = 1)");
    }
    query.push(") AS chosen, json_each(chosen.users) AS one) AS each WHERE key IS NOT NULL");
    if let Some(keys) = chosen.keys {
        push_keys(&mut query, " AND key", keys);
    }
    query.push(" GROUP BY key, id) AS per_session WHERE 1 = 1");
    query
}

fn summary(row: &SqliteRow) -> Result<UserSummary, StoreError> {
    let count = |column: usize| row.get::<i64, _>(column) as u64;
    let moment = |column: usize| Timestamp::from_unix_nanos(row.get(column));
    let last: &str = row.get(9);
    let id = last.get(TIME_DIGITS..).and_then(|hex| u128::from_str_radix(hex, 16).ok());
    Ok(UserSummary {
        key: row.get(0),
        name: row.get(1),
        sessions: count(2),
        running: count(3),
        with_errors: count(4),
        events: count(5),
        errors: count(6),
        first_seen_at: moment(7),
        last_seen_at: moment(8),
        last_session: SessionId::from_u128(
            id.ok_or_else(|| StoreError::corrupt("a session id has not 16 bytes"))?,
        ),
    })
}
