//! Fragments of sessions of processes: how far each has come.

use kymo_model::SessionId;
use kymo_tracker::SessionKey;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::ProjectPk;
use super::statement_chunks;
use crate::error::StoreError;

/// A fragment's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UploadRow {
    pub(crate) pk: i64,
    pub(crate) fragment: u64,
    pub(crate) bytes: u64,
    pub(crate) frame_at: u64,
    pub(crate) next_sequence: u64,
    pub(crate) is_complete: bool,
}

const COLUMNS: &str = "pk, fragment, byte_count, frame_at, next_sequence, is_complete";

fn read(row: &SqliteRow) -> UploadRow {
    let count = |column: usize| row.get::<i64, _>(column) as u64;
    UploadRow {
        pk: row.get(0),
        fragment: count(1),
        bytes: count(2),
        frame_at: count(3),
        next_sequence: count(4),
        is_complete: count(5) != 0,
    }
}

/// Every fragment, by number.
pub(crate) async fn of_session(
    readers: &SqlitePool,
    project: ProjectPk,
    session_key: &str,
) -> Result<Vec<UploadRow>, StoreError> {
    let statement =
        format!("SELECT {COLUMNS} FROM upload WHERE project_pk = $1 AND session_key = $2 ORDER BY fragment");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(project.0)
        .bind(session_key.to_owned())
        .fetch_all(readers)
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// Every fragment of all: number and bytes.
pub(crate) async fn all(reader: &mut SqliteConnection) -> Result<Vec<(i64, u64)>, StoreError> {
    let rows = sqlx::query("SELECT pk, byte_count FROM upload ORDER BY pk").fetch_all(reader).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<i64, _>(1) as u64)).collect())
}

/// The fragment of that number, if its session is there.
pub(crate) async fn one(
    readers: &SqlitePool,
    project: ProjectPk,
    session: SessionId,
    fragment: u64,
) -> Result<Option<UploadRow>, StoreError> {
    let mut reader = readers.acquire().await?;
    read_one(&mut reader, project, &SessionKey::Process(session.to_string()), fragment).await
}

async fn read_one(
    reader: &mut SqliteConnection,
    project: ProjectPk,
    key: &SessionKey,
    fragment: u64,
) -> Result<Option<UploadRow>, StoreError> {
    let statement =
        format!("SELECT {COLUMNS} FROM upload WHERE project_pk = $1 AND session_key = $2 AND fragment = $3");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(project.0)
        .bind(key.text().to_owned())
        .bind(fragment as i64)
        .fetch_optional(reader)
        .await?;
    Ok(row.as_ref().map(read))
}

/// The fragment of that number, made if nothing is there of it; `None` if its session is not there.
pub(crate) async fn add(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    session: SessionId,
    fragment: u64,
) -> Result<Option<UploadRow>, StoreError> {
    let key = SessionKey::Process(session.to_string());
    sqlx::query(
        "INSERT INTO upload (project_pk, session_key, fragment, byte_count, frame_at, next_sequence, is_complete) \
         SELECT project_pk, key_text, $3, 0, 0, 0, 0 FROM session WHERE project_pk = $1 AND key_hash = $2 \
         ON CONFLICT (project_pk, session_key, fragment) DO NOTHING",
    )
    .bind(project.0)
    .bind(key.hash().to_vec())
    .bind(fragment as i64)
    .execute(&mut *writer)
    .await?;
    read_one(writer, project, &key, fragment).await
}

/// Notes how far it has come. `false`: its session was removed meanwhile, and its sender is to begin again.
pub(crate) async fn advance(writer: &mut SqliteConnection, row: &UploadRow) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE upload SET byte_count = $1, frame_at = $2, next_sequence = $3, is_complete = $4 WHERE pk = $5",
    )
    .bind(row.bytes as i64)
    .bind(row.frame_at as i64)
    .bind(row.next_sequence as i64)
    .bind(i64::from(row.is_complete))
    .bind(row.pk)
    .execute(writer)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets fragments.
pub(crate) async fn delete(writer: &mut SqliteConnection, fragments: &[i64]) -> Result<(), StoreError> {
    for chunk in statement_chunks(fragments) {
        let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM upload WHERE pk IN (");
        let mut list = delete.separated(", ");
        for pk in chunk {
            list.push_bind(*pk);
        }
        delete.push(")");
        delete.build().execute(&mut *writer).await?;
    }
    Ok(())
}

/// Forgets the fragments of sessions that are about to be removed, and returns the names of their files.
pub(crate) async fn delete_of_sessions(
    writer: &mut SqliteConnection,
    sessions: &[SessionId],
) -> Result<Vec<i64>, StoreError> {
    let mut files = Vec::new();
    for chunk in statement_chunks(sessions) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "DELETE FROM upload WHERE (project_pk, session_key) IN \
             (SELECT project_pk, key_text FROM session WHERE key_kind = 3 AND id IN (",
        );
        let mut list = query.separated(", ");
        for id in chunk {
            list.push_bind(id.as_u128().to_be_bytes().to_vec());
        }
        query.push(")) RETURNING pk");
        let rows = query.build().fetch_all(&mut *writer).await?;
        files.extend(rows.iter().map(|row| row.get::<i64, _>(0)));
    }
    Ok(files)
}
