//! Which types of errors a project has seen, and where each was first.

use std::collections::HashSet;

use kymo_model::{SessionId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::{ProjectPk, Projects};
use super::sessions::columns::session_id;
use crate::error::StoreError;

/// Types kept per project. A program has hundreds; where a type holds an id or a message there is no end of
/// them, and what comes after these is not looked at. At 100 bytes each, 1 MiB while the project is busy.
pub(crate) const TYPES_MAX: usize = 10_000;
/// Characters of a type that count: generic types of .NET are long, but not longer.
const TYPE_CHARS_MAX: usize = 300;
/// The newest types that are looked at.
const NEWEST_MAX: i64 = 100;

/// The types of a project, so that only a new one is written.
#[derive(Debug)]
pub(crate) struct KnownTypes(HashSet<String>);

impl KnownTypes {
    pub(crate) async fn load(reader: &mut SqliteConnection, project: ProjectPk) -> Result<Self, StoreError> {
        let rows = sqlx::query("SELECT type FROM error_type WHERE project_pk = $1")
            .bind(project.0)
            .fetch_all(reader)
            .await?;
        Ok(Self(rows.iter().map(|row| row.get(0)).collect()))
    }

    /// The type to be written if it has not been seen yet.
    pub(crate) fn add(&mut self, name: &str) -> Option<String> {
        let end = name.char_indices().nth(TYPE_CHARS_MAX).map_or(name.len(), |(end, _)| end);
        let name = &name[..end];
        if name.is_empty() || self.0.contains(name) || self.0.len() >= TYPES_MAX {
            return None;
        }
        self.0.insert(name.to_owned());
        Some(name.to_owned())
    }
}

/// A type, and the session it was seen in first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewType {
    pub(crate) session: SessionId,
    pub(crate) name: String,
}

pub(crate) async fn write(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    now: Timestamp,
    new: &[NewType],
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut insert =
        QueryBuilder::<Sqlite>::new("INSERT INTO error_type (project_pk, type, first_seen_at, session_id) ");
    insert.push_values(new, |mut row, new| {
        row.push_bind(project.0)
            .push_bind(&new.name)
            .push_bind(now.as_unix_nanos())
            .push_bind(new.session.as_u128().to_be_bytes().to_vec());
    });
    insert.push(" ON CONFLICT (project_pk, type) DO NOTHING");
    insert.build().execute(writer).await?;
    Ok(())
}

/// Types seen for the first time at or after `from`, the newest first.
pub(crate) async fn first_seen(
    readers: &SqlitePool,
    projects: &Projects,
    from: Timestamp,
) -> Result<Vec<NewType>, StoreError> {
    let mut select =
        QueryBuilder::<Sqlite>::new("SELECT session_id, type FROM error_type WHERE first_seen_at >= ");
    select.push_bind(from.as_unix_nanos());
    projects.push_condition(&mut select);
    select.push(" ORDER BY first_seen_at DESC, type LIMIT ").push_bind(NEWEST_MAX);
    let rows = select.build().fetch_all(readers).await?;
    let read = |row: &SqliteRow| {
        let session =
            session_id(row.get(0)).ok_or_else(|| StoreError::corrupt("an error type has a bad id"))?;
        Ok(NewType { session, name: row.get(1) })
    };
    rows.iter().map(read).collect()
}
