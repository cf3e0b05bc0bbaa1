//! Retention's part of the upkeep: sessions that were silent for too long leave the catalog, a bounded number
//! at a time, in a transaction of their own. It is done by the task that commits, since that keeps session
//! rows in memory. What their rows take in segments is given back by `sweep`.

use std::collections::{BTreeMap, HashSet};

use kymo_model::{SessionId, Timestamp};
use sqlx::{Connection, Row, SqliteConnection};

use super::Committer;
use crate::catalog::counters::{self, Counts};
use crate::catalog::projects::ProjectPk;
use crate::catalog::{retention, uploads};
use crate::error::StoreError;
use crate::fault::{self, Place};
use crate::folder::raw;

/// Sessions removed in one transaction. Each is a dozen pages of the log at worst: some 50 ms in which
/// commits wait, every two seconds, while there is something to remove.
const SESSIONS_MAX: i64 = 250;
/// Segments of which loose events are removed, and descriptions, in one transaction.
const LOOSE_SEGMENTS_MAX: i64 = 100;
const DESCRIPTIONS_MAX: i64 = 1000;
/// When nothing was left to remove, the next look is after a 144th of a day, ten minutes: limits are days, and
/// a look drops the cached rows of projects in which something is removed.
const LOOKS_PER_DAY: u32 = 144;
/// Free pages (4 KiB) the catalog keeps: the tail takes and gives back as many all the time.
const FREE_PAGES_KEPT: i64 = 1024;
/// Pages given back in one turn, 4 MiB: some ms.
const PAGES_GIVEN_BACK: i64 = 1024;

/// When the next look is due.
#[derive(Debug, Default)]
pub(super) struct NextLook {
    /// `None`: at once.
    at: Option<Timestamp>,
    /// How many times settings had been changed at the last look.
    settings_changes: u64,
}

/// What a transaction removed.
#[derive(Debug, Default)]
struct Removed {
    sessions: Vec<SessionId>,
    events: u64,
    /// Numbers of the files of their fragments.
    files: Vec<i64>,
    /// It ran into a limit: there may be more.
    more: bool,
}

impl Committer {
    /// Removes what is due, if it is time to look.
    pub(super) async fn retain(
        &mut self,
        writer: &mut SqliteConnection,
        now: Timestamp,
        settings_changes: u64,
    ) -> Result<(), StoreError> {
        let look = &mut self.next_look;
        let is_due = look.settings_changes != settings_changes || look.at.is_none_or(|at| now >= at);
        if is_due {
            look.settings_changes = settings_changes;
            let mut more = false;
            for (project, silent_since) in
                retention::limits(writer, self.retention.default_days(), now).await?
            {
                more |= self.retain_project(writer, project, silent_since).await?;
            }
            self.next_look.at = (!more).then(|| now.plus(fault::retention_day() / LOOKS_PER_DAY));
        }
        give_pages_back(writer).await
    }

    /// True if there is more to remove.
    async fn retain_project(
        &mut self,
        writer: &mut SqliteConnection,
        project: ProjectPk,
        silent_since: Timestamp,
    ) -> Result<bool, StoreError> {
        // What is in the tail waits until it is in a segment: half a minute.
        let tail = self.views.of(project).tail;
        let in_tail: HashSet<SessionId> = tail.iter().flat_map(|batch| &batch.sessions).copied().collect();
        drop(tail);
        let mut transaction = writer.begin().await?;
        let removed = remove(&mut transaction, project, silent_since, &in_tail).await?;
        if removed.sessions.is_empty() && removed.events == 0 {
            // Descriptions alone are not counted among events.
            transaction.commit().await?;
            return Ok(removed.more);
        }
        let counts = Counts::from([
            ((project, "removed_sessions"), removed.sessions.len() as u64),
            ((project, "removed_events"), removed.events),
        ]);
        counters::add(&mut transaction, &counts).await?;
        fault::pass(Place::BeforeRemoval);
        transaction.commit().await?;
        fault::pass(Place::SessionsRemoved);
        // Rows in memory may be among those removed.
        self.caches.forget(project);
        tracing::info!(
            sessions = removed.sessions.len(),
            events = removed.events,
            "retention removed sessions"
        );
        let (folder, files) = (self.retention.uploads.clone(), removed.files);
        // Nothing waits for it: what it does not get to goes at the next start.
        drop(tokio::task::spawn_blocking(move || raw::remove(&folder, &files)));
        self.retention.wake.notify_one();
        let _ = self.changes.send(super::Change { project, sessions: removed.sessions });
        Ok(removed.more)
    }
}

async fn remove(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    silent_since: Timestamp,
    in_tail: &HashSet<SessionId>,
) -> Result<Removed, StoreError> {
    let expired = retention::expired(writer, project, silent_since, SESSIONS_MAX).await?;
    let more = expired.len() as i64 == SESSIONS_MAX;
    let mut of_session: BTreeMap<SessionId, Vec<SessionId>> = BTreeMap::new();
    for (stream, session) in retention::streams(writer, &expired).await? {
        of_session.entry(session).or_default().push(stream);
    }
    of_session.retain(|_, streams| !streams.iter().any(|stream| in_tail.contains(stream)));
    let sessions: Vec<SessionId> = of_session.keys().copied().collect();
    let streams: Vec<SessionId> = of_session.into_values().flatten().collect();
    let waits = sessions.len() < expired.len();
    let files = uploads::delete_of_sessions(writer, &sessions).await?;
    let mut events = retention::delete_sessions(writer, &sessions, &streams).await?;
    events += retention::delete_loose(writer, project, silent_since, LOOSE_SEGMENTS_MAX).await?;
    let described = retention::delete_descriptions(writer, project, silent_since, DESCRIPTIONS_MAX).await?;
    Ok(Removed { sessions, events, files, more: more || waits || described as i64 == DESCRIPTIONS_MAX })
}

/// Gives free pages of the catalog back to the disk, a bounded number at a time. A catalog that was made
/// without `auto_vacuum` keeps them.
async fn give_pages_back(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let free: i64 = sqlx::query("PRAGMA freelist_count").fetch_one(&mut *writer).await?.get(0);
    let too_many = (free - FREE_PAGES_KEPT).min(PAGES_GIVEN_BACK);
    if too_many > 0 {
        let statement = format!("PRAGMA incremental_vacuum({too_many})");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(writer).await?;
    }
    Ok(())
}
