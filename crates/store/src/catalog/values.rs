//! The values that a field of sessions has, for whoever helps a person to write a filter.

use kymo_filter::SessionField;
use kymo_filter::text::fold;
use kymo_model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::projects::Projects;
use super::sessions::query::glob_sqlite;
use crate::error::StoreError;

/// Sessions that are looked at, the newest. It is asked at every letter that is typed: with some twenty
/// properties each, taking these apart is a tenth of a second of one connection.
const SESSIONS_MAX: i64 = 10_000;

/// Whose sessions are looked at, and when they were active.
#[derive(Clone, Debug, Default)]
pub struct ValueScope {
    /// Of these projects.
    pub projects: Projects,
    /// Active at or after this moment.
    pub from: Option<Timestamp>,
    /// Begun before this moment.
    pub to: Option<Timestamp>,
}

/// A value that sessions have in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldValue {
    /// As it is kept.
    pub text: String,
    /// In how many of the sessions looked at.
    pub sessions: u64,
}

/// Where a field's values are in a row of sessions; `None`: it has none to choose from.
fn source(field: &SessionField) -> Option<Source> {
    let source = match field {
        SessionField::Property(name) => Source::Property(name.clone()),
        SessionField::Application => Source::Application,
        SessionField::User => {
            Source::Users("COALESCE(json_extract(one.value, '$.name'), json_extract(one.value, '$.id'))")
        }
        SessionField::UserId => Source::Users("json_extract(one.value, '$.id')"),
        SessionField::UserName => Source::Users("json_extract(one.value, '$.name')"),
        SessionField::Project => {
            Source::Column("(SELECT project.id FROM project WHERE pk = looked.project_pk)")
        }
        SessionField::Visit => Source::Column("looked.visit_id"),
        _ => return None,
    };
    Some(source)
}

enum Source {
    Column(&'static str),
    Property(String),
    /// The agent's name for it, else the project's.
    Application,
    Users(&'static str),
}

/// The values of that field that begin with `prefix`, then those of which a word does, in any case; of each the most
/// frequent first.
pub(crate) async fn of_field(
    readers: &SqlitePool,
    scope: &ValueScope,
    field: &SessionField,
    prefix: &str,
    limit: u32,
) -> Result<Vec<FieldValue>, StoreError> {
    let Some(source) = source(field) else { return Ok(Vec::new()) };
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT value, COUNT(*) AS sessions FROM (SELECT DISTINCT looked.id, ");
    push_value_sqlite(&mut query, &source);
    query.push(" FROM ");
    push_looked(&mut query, scope);
    push_parts_sqlite(&mut query, &source);
    query.push(") AS each WHERE value <> ''");
    let prefix = fold(prefix);
    let begins = glob_sqlite(&[prefix.clone(), String::new()]);
    // After a sign; a letter beyond ASCII counts as one here, which offers more rather than less.
    let within = format!("*[^0-9A-Za-z]{begins}");
    query.push(" AND (value GLOB ").push_bind(begins.clone()).push(" OR value GLOB ").push_bind(within);
    query.push(") GROUP BY value ORDER BY value GLOB ").push_bind(begins);
    query.push(" DESC, sessions DESC, value LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(readers).await?;
    Ok(rows
        .iter()
        .map(|row| FieldValue { text: row.get(0), sessions: row.get::<i64, _>(1) as u64 })
        .collect())
}

/// `(SELECT … ) AS looked`: the limit counts what is looked at, not what is found.
fn push_looked(query: &mut QueryBuilder<Sqlite>, scope: &ValueScope) {
    query.push("(SELECT * FROM (SELECT id, project_pk, last_activity_at, visit_id, users, properties FROM session WHERE visible = 1");
    scope.projects.push_condition(query);
    if let Some(to) = scope.to {
        query.push(" AND started_at < ").push_bind(to.as_unix_nanos());
    }
    query.push(" ORDER BY started_at DESC, id DESC LIMIT ").push_bind(SESSIONS_MAX).push(") AS newest");
    if let Some(from) = scope.from {
        query.push(" WHERE last_activity_at >= ").push_bind(from.as_unix_nanos());
    }
    query.push(") AS looked");
}

fn push_value_sqlite(query: &mut QueryBuilder<Sqlite>, source: &Source) {
    match source {
        Source::Column(column) | Source::Users(column) => query.push(*column),
        Source::Property(_) => query.push("json_extract(one.value, '$.last')"),
        Source::Application => query.push(
            "COALESCE((SELECT json_extract(one.value, '$.last') FROM json_each(looked.properties) AS one \
             WHERE json_extract(one.value, '$.name') = 'service.name'), \
             (SELECT project.name FROM project WHERE pk = looked.project_pk))",
        ),
    };
    query.push(" AS value");
}

/// The JSON function is `SQLite`'s; in `PostgreSQL` it is `jsonb_array_elements`.
fn push_parts_sqlite(query: &mut QueryBuilder<Sqlite>, source: &Source) {
    match source {
        Source::Column(_) | Source::Application => {}
        Source::Users(_) => drop(query.push(", json_each(looked.users) AS one")),
        Source::Property(name) => {
            query.push(", json_each(looked.properties) AS one WHERE json_extract(one.value, '$.name') GLOB ");
            query.push_bind(glob_sqlite(&[fold(name)]));
        }
    }
}
