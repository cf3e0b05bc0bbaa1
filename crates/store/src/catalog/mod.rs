//! The catalog: rows about projects, tokens, sessions and segments, and the tail of events.
//!
//! One connection writes, under a fair lock; others read, and see what is committed. Statements
//! keep to what both `SQLite` and `PostgreSQL` take; only the folder `schema` is a dialect's own.

pub(crate) mod access;
pub(crate) mod counters;
pub(crate) mod descriptions;
pub(crate) mod error_types;
pub(crate) mod events;
pub(crate) mod projects;
pub(crate) mod retention;
pub(crate) mod saved_views;
pub(crate) mod seen;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod values;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{StoreError, StoreErrorKind};
use crate::folder::Folder;

/// Version of `schema/schema.sql`. A folder with a newer one is refused; one that [`MIGRATIONS`] know is migrated when it is
/// opened for writing.
pub const SCHEMA_VERSION: &str = "7";
const SCHEMA: &str = include_str!("schema/schema.sql");
const FIGURES: &str = include_str!("schema/figures.sql");
const UPLOADS: &str = include_str!("schema/uploads.sql");
/// Older versions, and what makes each the next one: some seconds for each million of sessions, in one transaction.
const MIGRATIONS: [(&str, [&str; 2]); 2] = [
    ("5", [include_str!("schema/migration_5.sql"), FIGURES]),
    ("6", [include_str!("schema/migration_6.sql"), UPLOADS]),
];

/// Connections that read: one report, one page of events, one look-up, and one to spare.
const READERS_MAX: u32 = 4;
/// Page cache of a connection. The writer's working set is the upper levels of a dozen B-trees
/// and the newest leaves; readers walk short ranges.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
const READER_CACHE_KIB: i64 = 2 * 1024;
/// The log is copied into the database after this many pages (16 MiB): rarely enough to keep the
/// second write of each page cheap, often enough that readers do not search a long log.
const CHECKPOINT_PAGES: i64 = 4096;
/// Waiting for a lock longer than this means that something outside holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to the catalog of one folder.
#[derive(Debug)]
pub(crate) struct Catalog {
    writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
    settings_changes: AtomicU64,
}

impl Catalog {
    /// How many times a project's settings were changed since the start. Rises under the writer's lock,
    /// so who holds that sees a number that goes with the rows.
    pub(crate) fn settings_changes(&self) -> u64 {
        self.settings_changes.load(Ordering::Acquire)
    }

    /// To be told while the writer is still held.
    pub(crate) fn settings_changed(&self) {
        self.settings_changes.fetch_add(1, Ordering::Release);
    }

    /// Opens the catalog of a locked folder, making it if it is new.
    pub(crate) async fn open(folder: &Folder) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(folder.catalog())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL would lose the last commits at a power cut: an answer means durable.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(false)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(64);
        let writer_options = options
            .clone()
            // Holds for new files only: lets retention give pages back (see `commit/retention`).
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .pragma("cache_size", (-WRITER_CACHE_KIB).to_string())
            // What a statement of many rows would take back if it failed: else a file for each commit.
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string());
        let mut writer = SqliteConnection::connect_with(&writer_options).await?;
        prepare_schema(&mut writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options.pragma("cache_size", (-READER_CACHE_KIB).to_string()).read_only(true))
            .await?;
        Ok(Self { writer: Mutex::new(writer), readers, settings_changes: AtomicU64::new(0) })
    }

    /// The connection that writes; first come, first served.
    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.writer.lock().await
    }

    /// Connections that read.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Writes a copy of one moment into a new file: a reader among others, for which no commit waits. The log
    /// cannot be copied into the database meanwhile and grows.
    pub(crate) async fn copy_to(&self, folder: &Folder, to: &Path) -> Result<(), StoreError> {
        let to = to.to_str().ok_or_else(|| StoreError::input("expected a path of plain text"))?;
        // Not one of the pool: it may take minutes, and a stop does not wait for it.
        let options = SqliteConnectOptions::new().filename(folder.catalog()).busy_timeout(BUSY_TIMEOUT);
        let mut reader = options.connect().await?;
        sqlx::query("VACUUM INTO $1").bind(to).execute(&mut reader).await?;
        reader.close().await?;
        Ok(())
    }

    /// Copies the log into the database and closes, so that the folder is left tidy.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all(&mut *writer).await?;
        Ok(())
    }
}

async fn prepare_schema(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let is_new = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = 'meta'")
        .fetch_optional(&mut *writer)
        .await?
        .is_none();
    if is_new {
        let mut transaction = writer.begin().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
        sqlx::raw_sql(FIGURES).execute(&mut *transaction).await?;
        sqlx::raw_sql(UPLOADS).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO meta (name, value) VALUES ('schema_version', $1)")
            .bind(SCHEMA_VERSION)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        return Ok(());
    }
    check_version(writer).await?;
    migrate(writer).await
}

async fn migrate(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let from = version(writer).await?;
    let Some(first) = MIGRATIONS.iter().position(|(version, _)| *version == from) else { return Ok(()) };
    tracing::info!(from, to = SCHEMA_VERSION, "migrating the catalog");
    let mut transaction = writer.begin().await?;
    for statements in MIGRATIONS[first..].iter().flat_map(|(_, statements)| statements) {
        sqlx::raw_sql(*statements).execute(&mut *transaction).await?;
    }
    sqlx::query("UPDATE meta SET value = $1 WHERE name = 'schema_version'")
        .bind(SCHEMA_VERSION)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

async fn version(reader: &mut SqliteConnection) -> Result<String, StoreError> {
    Ok(sqlx::query("SELECT value FROM meta WHERE name = 'schema_version'").fetch_one(reader).await?.get(0))
}

/// Whether this program reads that catalog, once it is migrated.
pub(crate) async fn check_version(reader: &mut SqliteConnection) -> Result<(), StoreError> {
    let version = version(reader).await?;
    if version == SCHEMA_VERSION || MIGRATIONS.iter().any(|(older, _)| *older == version) {
        Ok(())
    } else {
        Err(StoreError::new(
            StoreErrorKind::Upgrade,
            format!("the catalog has version {version}, this program reads version {SCHEMA_VERSION}"),
        ))
    }
}

/// Cuts `rows` into pieces of a few fixed sizes, so that statements with many rows have few
/// different texts and stay prepared.
pub(crate) fn statement_chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    const SIZES: [usize; 4] = [256, 32, 8, 1];
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|&size| size <= rows.len())?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

/// The same for lists in which a row may stand twice: a rest is filled up to a fixed size with its last
/// row, so that it is one statement. Each statement is a hand-over to the thread that owns the
/// connection and one back, which costs more than the rows.
pub(crate) fn padded_chunks<T: Clone>(mut rows: &[T]) -> impl Iterator<Item = Vec<T>> {
    const SIZES: [usize; 5] = [1, 8, 32, 128, 512];
    std::iter::from_fn(move || {
        let last = rows.last()?;
        let size = SIZES.into_iter().find(|&size| size >= rows.len()).unwrap_or(SIZES[SIZES.len() - 1]);
        let (chunk, rest) = rows.split_at(size.min(rows.len()));
        let mut chunk = chunk.to_vec();
        chunk.resize(size, last.clone());
        rows = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_everything_once() {
        for count in [0_usize, 1, 7, 8, 300, 1000] {
            let rows: Vec<usize> = (0..count).collect();
            let joined: Vec<usize> = statement_chunks(&rows).flatten().copied().collect();
            assert_eq!(joined, rows);
            let mut padded: Vec<usize> = padded_chunks(&rows).flatten().collect();
            padded.dedup();
            assert_eq!(padded, rows);
            let statements = padded_chunks(&rows).count();
            assert_eq!(statements, if count == 0 { 0 } else { count.div_ceil(512) });
        }
    }
}
