//! Retention outside the catalog's rows: what is set for it, the pins, and the sweep that gives the disk back
//! what removed sessions take in segments (ADR 0010).
//!
//! ```text
//! commit/retention   sessions silent for too long leave the catalog: their rows in segments are dead
//! sweep              no row alive: the segment is unlisted, its file goes with its last reader
//!                    half of them dead, or all of it beyond the limit: the rest is written anew
//! merge              takes along rows that are alive, and no others
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kymo_model::{SessionId, Timestamp};
use sqlx::Connection;
use tokio::sync::Notify;

use crate::catalog::counters::{self, Counts};
use crate::catalog::events;
use crate::catalog::projects::ProjectPk;
use crate::catalog::retention::{self as rows, Thinned};
use crate::error::{StoreError, StoreErrorKind};
use crate::fault::{self, Place};
use crate::flush::Flusher;
use crate::store::Store;

/// Segments unlisted in one transaction.
const UNLISTED_MAX: usize = 64;
/// So long after its last event expired, a segment's remains are written anew however few are dead: what is
/// alive then is pinned, running or went on for long, and what is dead is not to stay for their sake.
const REWRITTEN_AFTER: Duration = Duration::from_hours(24);

/// What the tasks share about retention.
#[derive(Debug)]
pub(crate) struct Retention {
    /// For projects that set none; 0: they keep everything.
    default_days: AtomicU32,
    /// Told when rows became dead.
    pub(crate) wake: Notify,
    /// Where the files of removed sessions lie.
    pub(crate) uploads: PathBuf,
}

impl Retention {
    pub(crate) fn new(uploads: PathBuf) -> Self {
        Self { default_days: AtomicU32::default(), wake: Notify::default(), uploads }
    }

    pub(crate) fn default_days(&self) -> Option<u32> {
        Some(self.default_days.load(Ordering::Relaxed)).filter(|days| *days > 0)
    }

    pub(crate) fn set_default_days(&self, days: Option<u32>) {
        self.default_days.store(days.unwrap_or(0), Ordering::Relaxed);
    }
}

impl Store {
    /// After how many days without activity sessions are removed in projects that do not say so themselves;
    /// `None`: never.
    pub fn set_default_retention(&self, days: Option<u32>) {
        self.retention().set_default_days(days);
    }

    /// The same, as it is set.
    pub fn default_retention(&self) -> Option<u32> {
        self.retention().default_days()
    }

    /// Retention leaves the session alone from now on. Nothing changes if it did so already.
    ///
    /// # Errors
    /// [`NotFound`](StoreErrorKind::NotFound): there is no such session (any more).
    pub async fn pin(&self, session: SessionId, by: &str) -> Result<(), StoreError> {
        let now = self.now();
        let known = rows::pin(&mut *self.catalog().writer().await, session, by, now).await?;
        if known { Ok(()) } else { Err(StoreError::not_found(format!("there is no session {session}"))) }
    }

    /// Retention may remove the session again.
    pub async fn unpin(&self, session: SessionId) -> Result<(), StoreError> {
        rows::unpin(&mut *self.catalog().writer().await, session).await
    }

    /// Whether retention leaves the session alone.
    pub async fn is_pinned(&self, session: SessionId) -> Result<bool, StoreError> {
        Ok(!self.pinned(&[session]).await?.is_empty())
    }

    /// Which of these sessions retention leaves alone.
    pub async fn pinned(&self, sessions: &[SessionId]) -> Result<BTreeSet<SessionId>, StoreError> {
        rows::pinned(self.catalog().readers(), sessions).await
    }
}

impl Flusher {
    /// Gives the disk back some of what dead rows take; false if there is nothing to do.
    pub(crate) async fn sweep_once(&self) -> Result<bool, StoreError> {
        let mut failed = self.merging.lock().await;
        let thinned = rows::thinned(self.catalog.readers()).await?;
        let is_in_view = |segment: &&Thinned| self.segment_in_view(segment.project, segment.pk).is_some();
        let dead: Vec<Thinned> = thinned
            .iter()
            .filter(|segment| segment.live_count == 0)
            .filter(is_in_view)
            .take(UNLISTED_MAX)
            .copied()
            .collect();
        if !dead.is_empty() {
            self.unlist(&dead).await?;
            return Ok(true);
        }
        let limits = self.limits().await?;
        let due = thinned.iter().filter(is_in_view).find(|segment| {
            let beyond = limits
                .get(&segment.project)
                .is_some_and(|since| segment.observed_last < since.minus(REWRITTEN_AFTER));
            let is_worth_it = segment.live_count * 2 < segment.row_count || beyond;
            is_worth_it && !failed.contains(&segment.pk)
        });
        let Some(due) = due else { return Ok(false) };
        let group: Vec<_> = self.segment_in_view(due.project, due.pk).into_iter().collect();
        let done = self.merge_group(due.project, group, Some(due.byte_count)).await;
        done.inspect_err(|error| {
            if error.kind() == StoreErrorKind::Corrupt {
                failed.insert(due.pk);
            }
        })?;
        Ok(true)
    }

    async fn limits(&self) -> Result<BTreeMap<ProjectPk, Timestamp>, StoreError> {
        let mut reader = self.catalog.readers().acquire().await?;
        let limits = rows::limits(&mut reader, self.retention.default_days(), self.clock.now()).await?;
        Ok(limits.into_iter().collect())
    }

    /// Segments without a row that is alive are listed no more; each file goes with its last reader.
    async fn unlist(&self, dead: &[Thinned]) -> Result<(), StoreError> {
        let mut counts = Counts::new();
        let mut by_project: BTreeMap<ProjectPk, Vec<i64>> = BTreeMap::new();
        for segment in dead {
            *counts.entry((segment.project, "removed_bytes")).or_default() += segment.byte_count;
            by_project.entry(segment.project).or_default().push(segment.pk);
        }
        let pks: Vec<i64> = dead.iter().map(|segment| segment.pk).collect();
        let mut writer = self.catalog.writer().await;
        let mut transaction = writer.begin().await?;
        events::delete_segments(&mut transaction, &pks).await?;
        counters::add(&mut transaction, &counts).await?;
        transaction.commit().await?;
        drop(writer);
        fault::pass(Place::SegmentUnlisted);
        for (project, pks) in by_project {
            self.views.remove_segments(project, &pks);
        }
        Ok(())
    }
}
