//! Tail into segments, small segments into large ones.
//!
//! Both write a file first (durably), then change the catalog in one transaction, then the views.
//! A crash in between leaves a file that nobody lists; it is removed at the next start.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use sqlx::Connection;
use tokio::sync::{Mutex, Notify};

use crate::catalog::counters::{self, Counts};
use crate::catalog::events::{self, SegmentRow};
use crate::catalog::{Catalog, projects::ProjectPk};
use crate::clock::Clock;
use crate::columns::SCHEMA_VERSION;
use crate::error::{StoreError, StoreErrorKind};
use crate::fault::{self, Place};
use crate::retention::Retention;
use crate::segment::{self, Footers, Part, Segment, Written};
use crate::views::{View, Views};

/// Memory the tail of a project takes before it is flushed: an estimated 10,000 events. Larger segments
/// would be better, a larger tail would be read at every start and by every scan.
pub(crate) const TAIL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Memory that all tails may take: what comes faster than it can be written waits. Two tails of
/// [`TAIL_BYTES_MAX`] and as much of what came while these are written.
const TAILS_BYTES_MAX: usize = 4 * TAIL_BYTES_MAX;
/// A flush takes some hundred milliseconds; one that takes this long has a disk that is full or broken.
const ROOM_WITHIN: Duration = Duration::from_secs(10);
/// Tail batches before it is flushed: one small batch costs an estimated 4 KiB of bookkeeping.
const TAIL_BATCHES_MAX: usize = 2048;
/// Age of the oldest tail batch before it is flushed.
const TAIL_AGE_MAX: Duration = Duration::from_secs(30);
/// How often age is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Segments merged into one at a time: also the files open at once.
const MERGE_INPUTS: usize = 8;
/// Rows of the largest segment made by merging.
const MERGED_ROWS_MAX: u64 = 2_000_000;
/// Rows of the smallest tier; each further tier holds eight times as many.
const TIER_ROWS: u64 = 16 * 1024;
const DAY_NANOS: i64 = 24 * 3600 * 1_000_000_000;

/// Writes segments in the background.
#[derive(Debug)]
pub(crate) struct Flusher {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) views: Arc<Views>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Arc<Retention>,
    folder: PathBuf,
    footers: Arc<Footers>,
    next_segment: AtomicI64,
    /// One flush at a time, also when a test or a stop asks for one.
    flushing: Mutex<()>,
    /// One merge at a time: two would choose the same segments. Holds the segments of merges that
    /// failed, one of which is damaged: left alone until the next start, so that others go on.
    pub(crate) merging: Mutex<HashSet<i64>>,
    /// Told when a tail has grown.
    pub(crate) wake: Notify,
    /// Tells that a tail has become a segment.
    flushed: Notify,
}

impl std::fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Flusher {
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        views: Arc<Views>,
        clock: Arc<dyn Clock>,
        retention: Arc<Retention>,
        folder: PathBuf,
        footers: Arc<Footers>,
        next_segment: i64,
    ) -> Self {
        Self {
            catalog,
            views,
            clock,
            retention,
            folder,
            footers,
            next_segment: AtomicI64::new(next_segment),
            flushing: Mutex::new(()),
            merging: Mutex::new(HashSet::new()),
            wake: Notify::new(),
            flushed: Notify::new(),
        }
    }

    /// Flushes what is due, for ever.
    pub(crate) async fn run_flushing(&self) {
        let look_every = fault::flush_after().unwrap_or(CHECK_EVERY);
        loop {
            // Either is fine: a tail that grew, or the time to look at ages.
            let _ = tokio::time::timeout(look_every, self.wake.notified()).await;
            if let Err(error) = self.flush_due(false).await {
                tracing::error!(error = &error as &dyn std::error::Error, "flush failed, trying again");
                tokio::time::sleep(CHECK_EVERY).await;
            }
        }
    }

    /// Merges what is due, for ever.
    pub(crate) async fn run_merging(&self) {
        loop {
            match self.tidy_once().await {
                Ok(true) => {}
                Ok(false) => {
                    // Either is fine: rows that became dead, or the time to look.
                    let _ = tokio::time::timeout(CHECK_EVERY * 5, self.retention.wake.notified()).await;
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "merging failed, trying again");
                    tokio::time::sleep(CHECK_EVERY * 30).await;
                }
            }
        }
    }

    /// Holds off flushes and merges; waits for the one that is under way.
    pub(crate) async fn at_rest(&self) -> impl Sized + '_ {
        (self.flushing.lock().await, self.merging.lock().await)
    }

    /// Waits until the tails have room for more; false if that takes too long.
    pub(crate) async fn room(&self) -> bool {
        let room = async {
            loop {
                // Listening before looking: a flush in between is not missed.
                let mut flushed = std::pin::pin!(self.flushed.notified());
                flushed.as_mut().enable();
                if self.views.all_tail_bytes() < TAILS_BYTES_MAX {
                    return;
                }
                self.wake.notify_one();
                flushed.await;
            }
        };
        tokio::time::timeout(ROOM_WITHIN, room).await.is_ok()
    }

    /// Flushes the projects whose tail is due, or every one.
    pub(crate) async fn flush_due(&self, all: bool) -> Result<(), StoreError> {
        let _one_at_a_time = self.flushing.lock().await;
        for (project, view) in self.views.all() {
            if !view.tail.is_empty() && (all || self.is_due(&view)) {
                self.flush(project, view).await?;
            }
        }
        Ok(())
    }

    fn is_due(&self, view: &View) -> bool {
        let age_max = fault::flush_after().unwrap_or(TAIL_AGE_MAX);
        let full = self.views.all_tail_bytes() >= TAILS_BYTES_MAX;
        let old = view.tail_oldest().is_some_and(|oldest| self.clock.now().since(oldest) >= age_max);
        full || old || view.tail.len() >= TAIL_BATCHES_MAX || view.tail_bytes >= TAIL_BYTES_MAX
    }

    async fn flush(&self, project: ProjectPk, view: View) -> Result<(), StoreError> {
        let flushed: Vec<i64> = view.tail.iter().map(|batch| batch.pk).collect();
        let batches: Vec<RecordBatch> = view.tail.iter().map(|batch| batch.batch.clone()).collect();
        drop(view);
        let (row, written) = self.write(project, move |path| segment::write_sorted(path, &batches)).await?;
        fault::pass(Place::SegmentWritten);
        let mut writer = self.catalog.writer().await;
        let mut transaction = writer.begin().await?;
        events::insert_segment(&mut transaction, &row, SCHEMA_VERSION, &written.ranges).await?;
        events::delete_tail(&mut transaction, &flushed).await?;
        transaction.commit().await?;
        drop(writer);
        fault::pass(Place::SegmentListed);
        self.views.replace_tail(project, &flushed, Segment::new(&self.folder, row, &self.footers));
        self.flushed.notify_waiters();
        Ok(())
    }

    /// Sweeps or merges once; false if neither is due.
    pub(crate) async fn tidy_once(&self) -> Result<bool, StoreError> {
        Ok(self.sweep_once().await? || self.merge_once().await?)
    }

    /// Merges one group of segments; false if there is none.
    pub(crate) async fn merge_once(&self) -> Result<bool, StoreError> {
        let mut failed = self.merging.lock().await;
        let today = self.clock.now().as_unix_nanos().div_euclid(DAY_NANOS);
        let due = self.views.all().into_iter().find_map(|(project, view)| {
            let mut segments = view.segments;
            segments.retain(|segment| !failed.contains(&segment.row.pk));
            Some((project, mergeable(&segments, today)?))
        });
        let Some((project, group)) = due else { return Ok(false) };
        let merged: Vec<i64> = group.iter().map(|segment| segment.row.pk).collect();
        self.merge_group(project, group, None).await.inspect_err(|error| {
            if error.kind() == StoreErrorKind::Corrupt {
                failed.extend(&merged);
            }
        })?;
        Ok(true)
    }

    /// Writes what is alive of the segments into one that takes their place. With `bytes_before`, what
    /// became less is counted as removed. The caller holds `merging`.
    pub(crate) async fn merge_group(
        &self,
        project: ProjectPk,
        group: Vec<Arc<Segment>>,
        bytes_before: Option<u64>,
    ) -> Result<(), StoreError> {
        let merged: Vec<i64> = group.iter().map(|segment| segment.row.pk).collect();
        let mut alive = events::ranges_in(self.catalog.readers(), &merged).await?;
        let parts: Vec<Part> = group
            .into_iter()
            .map(|segment| Part { ranges: alive.remove(&segment.row.pk).unwrap_or_default(), segment })
            .collect();
        let (row, mut written) = self.write(project, move |path| segment::merge(path, &parts)).await?;
        fault::pass(Place::MergeWritten);
        let mut writer = self.catalog.writer().await;
        let mut transaction = writer.begin().await?;
        if events::live_count(&mut transaction, &merged).await? != row.row_count {
            // Sessions were removed meanwhile: nothing may lead to their rows.
            let alive = events::ids_in(&mut transaction, &merged).await?;
            written.ranges.retain(|range| alive.contains(&range.session));
        }
        events::delete_segments(&mut transaction, &merged).await?;
        events::insert_segment(&mut transaction, &row, SCHEMA_VERSION, &written.ranges).await?;
        if let Some(freed) = bytes_before.and_then(|before| before.checked_sub(row.byte_count)) {
            counters::add(&mut transaction, &Counts::from([((project, "removed_bytes"), freed)])).await?;
        }
        transaction.commit().await?;
        drop(writer);
        fault::pass(Place::MergeListed);
        self.views.replace_segments(project, &merged, Segment::new(&self.folder, row, &self.footers));
        Ok(())
    }

    /// The segment of that number, unless it was listed a moment ago and is not in the view yet.
    pub(crate) fn segment_in_view(&self, project: ProjectPk, pk: i64) -> Option<Arc<Segment>> {
        self.views.of(project).segments.into_iter().find(|segment| segment.row.pk == pk)
    }

    async fn write(
        &self,
        project: ProjectPk,
        write: impl FnOnce(&std::path::Path) -> Result<Written, StoreError> + Send + 'static,
    ) -> Result<(SegmentRow, Written), StoreError> {
        let pk = self.next_segment.fetch_add(1, Ordering::Relaxed);
        let path = segment::path(&self.folder, pk);
        let written = tokio::task::spawn_blocking(move || {
            // What could not be finished is not left behind: the disk may be full.
            write(&path).inspect_err(|_| segment::remove_unfinished(&path))
        })
        .await
        .map_err(|_| StoreError::corrupt("writing a segment panicked"))??;
        let row = SegmentRow {
            pk,
            project,
            row_count: written.row_count,
            byte_count: written.byte_count,
            observed_first: written.observed_first,
            observed_last: written.observed_last,
        };
        Ok((row, written))
    }
}

/// Segments of one day that should become one: eight of a tier, or whatever is left of a past day.
fn mergeable(segments: &[Arc<Segment>], today: i64) -> Option<Vec<Arc<Segment>>> {
    let mut groups: BTreeMap<(i64, u32), Vec<&Arc<Segment>>> = BTreeMap::new();
    for segment in segments.iter().filter(|segment| segment.row.row_count < MERGED_ROWS_MAX / 2) {
        let day = segment.row.observed_first.as_unix_nanos().div_euclid(DAY_NANOS);
        let tier = if day < today { 0 } else { (segment.row.row_count / TIER_ROWS).max(1).ilog2() / 3 };
        groups.entry((day, tier)).or_default().push(segment);
    }
    groups.into_iter().find_map(|((day, _), group)| {
        let enough = if day < today { 2 } else { MERGE_INPUTS };
        let mut rows = 0;
        let chosen: Vec<_> = group
            .into_iter()
            .take(MERGE_INPUTS)
            .take_while(|segment| {
                rows += segment.row.row_count;
                rows <= MERGED_ROWS_MAX
            })
            .cloned()
            .collect();
        (chosen.len() >= enough).then_some(chosen)
    })
}
