//! Whether the store can take something in, and what a person should know about a folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_model::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, Sqlite, SqliteConnection};
use tokio::time::Instant;

use crate::catalog;
use crate::catalog::projects::Projects;
use crate::error::StoreError;
use crate::folder::{CATALOG, SEGMENTS, UPLOADS};
use crate::segment;
use crate::store::Store;

/// A readiness is told again for this long: whoever asks without a token must not make work.
const TOLD_FOR: Duration = Duration::from_secs(1);
/// A writer that is not free for longer hangs.
const WRITABLE_WITHIN: Duration = Duration::from_secs(5);
/// Free space below which a person is warned: an hour of a busy server.
const FREE_BYTES_WARN: u64 = 2 * 1024 * 1024 * 1024;
/// Free space below which the catalog and a merge do not fit any more.
const FREE_BYTES_FAIL: u64 = 256 * 1024 * 1024;
/// Events dated that far after now come from a wrong clock.
const FUTURE: Duration = Duration::from_mins(5);
/// A tail is flushed after 30 s: one much older means that flushing fails.
const TAIL_AGE_WARN: Duration = Duration::from_mins(5);
/// A file that a running server is just writing is not listed yet.
const WRITING_AT_MOST: Duration = Duration::from_mins(30);

/// Whether the store can take something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The catalog gives out its write lock.
    pub is_writable: bool,
    /// On the folder's disk; `None`: the system does not tell.
    pub free_bytes: Option<u64>,
    /// Submissions would be turned away.
    pub is_queue_full: bool,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// To be looked at.
    Warn,
    /// Something is broken, or soon will be.
    Fail,
}

/// One line of what [`examine`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What to do, unless it is as it should be.
    pub advice: Option<String>,
}

impl Finding {
    fn new(check: &str, grade: Grade, found: String, advice: &str) -> Self {
        let advice = (grade != Grade::Ok).then(|| advice.to_owned());
        Self { check: check.to_owned(), grade, found, advice }
    }
}

impl Store {
    /// When something of these projects was last stored.
    pub async fn last_stored_at(&self, projects: &Projects) -> Result<Option<Timestamp>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT MAX(at) FROM (SELECT MAX(observed_at) AS at FROM tail WHERE TRUE",
        );
        projects.push_condition(&mut query);
        query.push(" UNION ALL SELECT MAX(observed_last) FROM segment WHERE TRUE");
        projects.push_condition(&mut query);
        query.push(")");
        let row = query.build().fetch_one(self.catalog().readers()).await?;
        Ok(row.get::<Option<i64>, _>(0).map(Timestamp::from_unix_nanos))
    }

    /// Whether something can be taken in; looked at anew once a second at most.
    pub async fn readiness(&self) -> Readiness {
        let mut told = self.told_readiness().lock().await;
        if let Some((readiness, at)) = *told
            && at.elapsed() < TOLD_FOR
        {
            return readiness;
        }
        let is_writable =
            tokio::time::timeout(WRITABLE_WITHIN, self.try_write()).await.is_ok_and(|tried| tried.is_ok());
        let (waiting, waiting_max) = self.queue_length();
        let free_bytes = free_bytes(self.folder().root());
        let readiness = Readiness { is_writable, free_bytes, is_queue_full: waiting >= waiting_max };
        *told = Some((readiness, Instant::now()));
        readiness
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        let mut writer = self.catalog().writer().await;
        // Takes the lock and gives it back: nothing is written and nothing synced.
        writer.begin_with("BEGIN IMMEDIATE").await?.rollback().await?;
        Ok(())
    }

    /// What a person should know about this folder and the server on it.
    pub async fn examine(&self) -> Vec<Finding> {
        examine(self.folder().root(), self.now(), Some(self.queue_length())).await
    }
}

/// On the disk of that folder, for who is not the superuser.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Looks at a folder without changing it, and at the queue (waiting, and at most) of the server that runs on it,
/// if one does.
pub async fn examine(root: &Path, now: Timestamp, queue: Option<(usize, usize)>) -> Vec<Finding> {
    let mut findings = vec![of_folder(root), of_queue(queue), of_disk(root)];
    match open(root).await {
        Ok(mut catalog) => {
            findings.push(Finding::new("catalog", Grade::Ok, "its version is the program's".to_owned(), ""));
            let unreadable = |error: StoreError| {
                Finding::new("catalog", Grade::Fail, told(&error), "restore a backup, and report this")
            };
            match of_catalog(&mut catalog, root, now, queue.is_some()).await {
                Ok(more) => findings.extend(more),
                Err(error) => findings.push(unreadable(error)),
            }
        }
        Err(error) => findings.push(Finding::new(
            "catalog",
            Grade::Fail,
            told(&error),
            "check the path of the data folder, use a program of its version, or restore a backup",
        )),
    }
    findings
}

fn told(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

async fn open(root: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(root.join(CATALOG)).read_only(true);
    let mut catalog = options.connect().await?;
    catalog::check_version(&mut catalog).await?;
    Ok(catalog)
}

async fn of_catalog(
    catalog: &mut SqliteConnection,
    root: &Path,
    now: Timestamp,
    is_running: bool,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = vec![of_last_event(catalog, now).await?, of_clock(catalog, now).await?];
    findings.push(of_tail(catalog, now, is_running).await?);
    findings.push(of_files(catalog, root, is_running).await?);
    Ok(findings)
}

fn of_folder(root: &Path) -> Finding {
    let (grade, found) = match fs::metadata(root) {
        Ok(folder) => {
            // The six lowest bits are the group's and everybody else's.
            let mode = folder.permissions().mode() & 0o777;
            let grade = if mode.trailing_zeros() >= 6 { Grade::Ok } else { Grade::Warn };
            (grade, format!("{} has permissions {mode:o}", root.display()))
        }
        Err(error) => (Grade::Fail, format!("{}: {error}", root.display())),
    };
    Finding::new("folder", grade, found, "let nobody else in: chmod 700 on the data folder")
}

fn of_queue(queue: Option<(usize, usize)>) -> Finding {
    let (grade, found) = match queue {
        Some((waiting, most)) => {
            let grade = if waiting * 2 > most { Grade::Warn } else { Grade::Ok };
            (grade, format!("{waiting} of at most {most} submissions wait"))
        }
        None => (Grade::Ok, "no server runs on the folder".to_owned()),
    };
    Finding::new("queue", grade, found, "the disk is too slow for what comes in, or something else uses it")
}

fn of_disk(root: &Path) -> Finding {
    let used: u64 = [root.to_owned(), root.join(SEGMENTS), root.join(UPLOADS)]
        .iter()
        .map(|folder| bytes_in(folder))
        .sum();
    let (grade, free) = match free_bytes(root) {
        Some(free) if free < FREE_BYTES_FAIL => (Grade::Fail, mib(free)),
        Some(free) if free < FREE_BYTES_WARN => (Grade::Warn, mib(free)),
        Some(free) => (Grade::Ok, mib(free)),
        None => (Grade::Warn, "an unknown amount".to_owned()),
    };
    let found = format!("{} used, {free} free", mib(used));
    Finding::new("disk", grade, found, "make room, or set retention_days of a project")
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

/// The latest arrival.
async fn last_observed(catalog: &mut SqliteConnection) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT MAX(at) FROM (SELECT MAX(observed_at) AS at FROM tail UNION ALL \
         SELECT MAX(observed_last) FROM segment)",
    )
    .fetch_one(catalog)
    .await?;
    Ok(row.get::<Option<i64>, _>(0).map(Timestamp::from_unix_nanos))
}

async fn of_last_event(catalog: &mut SqliteConnection, now: Timestamp) -> Result<Finding, StoreError> {
    let found = match last_observed(catalog).await? {
        Some(last) => format!("{last}, {} s ago", now.since(last).as_secs()),
        None => "none is stored".to_owned(),
    };
    Ok(Finding::new("last event", Grade::Ok, found, ""))
}

async fn of_clock(catalog: &mut SqliteConnection, now: Timestamp) -> Result<Finding, StoreError> {
    let advice = "set the clock of this machine, or of those that the agents run on";
    if let Some(last) = last_observed(catalog).await?.filter(|last| *last > now.plus(FUTURE)) {
        let found = format!("an event arrived at {last}, now is {now}: this clock was set back");
        return Ok(Finding::new("clock", Grade::Fail, found, advice));
    }
    let row = sqlx::query("SELECT COUNT(*) FROM session WHERE visible = 1 AND started_at > $1")
        .bind(now.plus(FUTURE).as_unix_nanos())
        .fetch_one(catalog)
        .await?;
    let future: i64 = row.get(0);
    let grade = if future > 0 { Grade::Warn } else { Grade::Ok };
    Ok(Finding::new("clock", grade, format!("{now}; {future} sessions begin after it"), advice))
}

async fn of_tail(
    catalog: &mut SqliteConnection,
    now: Timestamp,
    is_running: bool,
) -> Result<Finding, StoreError> {
    let row = sqlx::query(
        "SELECT COALESCE(CAST(SUM(row_count) AS BIGINT), 0), COALESCE(CAST(SUM(LENGTH(batch)) AS BIGINT), 0), \
         MIN(observed_at) FROM tail",
    )
    .fetch_one(catalog)
    .await?;
    let (events, bytes): (i64, i64) = (row.get(0), row.get(1));
    let oldest = row.get::<Option<i64>, _>(2).map(Timestamp::from_unix_nanos);
    let age = oldest.map(|oldest| now.since(oldest)).unwrap_or_default();
    let is_stuck = is_running && age > TAIL_AGE_WARN;
    let found = format!("{events} events, {}, the oldest {} s old", mib(bytes as u64), age.as_secs());
    let grade = if is_stuck { Grade::Warn } else { Grade::Ok };
    Ok(Finding::new("tail", grade, found, "events are not flushed into segments: look into the server's log"))
}

async fn listed(catalog: &mut SqliteConnection) -> Result<BTreeSet<PathBuf>, StoreError> {
    let rows = sqlx::query("SELECT pk FROM segment").fetch_all(catalog).await?;
    Ok(rows.iter().map(|row| segment::path(Path::new(""), row.get(0))).collect())
}

async fn of_files(
    catalog: &mut SqliteConnection,
    root: &Path,
    is_running: bool,
) -> Result<Finding, StoreError> {
    let before = listed(catalog).await?;
    let folder = root.join(SEGMENTS);
    let mut there = BTreeSet::new();
    let mut orphans = 0;
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        let age = entry.metadata().ok().and_then(|file| file.modified().ok()?.elapsed().ok());
        let is_new = is_running && age.is_none_or(|age| age < WRITING_AT_MOST);
        orphans += usize::from(!before.contains(&name) && !is_new);
        there.insert(name);
    }
    // A merge may have come between: what is still listed is missing.
    let after = listed(catalog).await?;
    let missing = before.difference(&there).filter(|name| after.contains(*name)).count();
    let found = format!("{} listed, {missing} of them missing, {orphans} files listed nowhere", after.len());
    let (grade, advice) = match (missing, orphans) {
        (0, 0) => (Grade::Ok, ""),
        (0, _) => (Grade::Warn, "files that nobody lists are removed at the next start"),
        _ => (Grade::Fail, "events are gone: restore a backup, or ask what removed files of the folder"),
    };
    Ok(Finding::new("segments", grade, found, advice))
}
