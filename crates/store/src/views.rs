//! Which tail batches and segments hold a project's events right now, in memory.
//!
//! The catalog says the same and is what counts after a restart. A reader takes a [`View`] first
//! and the catalog's row ranges second; if the ranges name a segment that the view does not have,
//! a flush or a compaction came between, and the reader starts over (see `query`).

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kymo_model::Timestamp;

use crate::catalog::projects::ProjectPk;
use crate::segment::Segment;
use crate::tail::TailBatch;

/// A project's events at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// In order of commit.
    pub(crate) tail: Vec<Arc<TailBatch>>,
    /// Memory the tail takes; kept, because every submission asks.
    pub(crate) tail_bytes: usize,
    pub(crate) segments: Vec<Arc<Segment>>,
}

impl View {
    pub(crate) fn tail_oldest(&self) -> Option<Timestamp> {
        self.tail.first().map(|batch| batch.observed_at)
    }
}

/// Totals over all projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) tail_events: usize,
    pub(crate) tail_bytes: usize,
    pub(crate) segments: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Views {
    /// Memory that all tails take.
    tail_bytes: AtomicUsize,
    // Locked for a clone or a push only, never across IO or an await.
    projects: RwLock<BTreeMap<ProjectPk, View>>,
    /// Segments that are not listed any more and stay while somebody holds, with how many do.
    held: Mutex<(usize, Vec<Arc<Segment>>)>,
}

/// While this is there, files of segments that are not listed any more stay.
pub(crate) struct Hold(Arc<Views>);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 -= 1;
        let let_go = if held.0 == 0 { std::mem::take(&mut held.1) } else { Vec::new() };
        drop(held);
        // Files are removed here, the lock is not held over it.
        drop(let_go);
    }
}

impl Views {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<ProjectPk, View>> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<ProjectPk, View>> {
        self.projects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the files of segments that are listed now or later.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        Hold(Arc::clone(self))
    }

    /// Takes the segments out of a view; each file goes with its last reader.
    fn remove(&self, view: &mut View, removed: &[i64]) {
        let (gone, kept) =
            std::mem::take(&mut view.segments).into_iter().partition(|old| removed.contains(&old.row.pk));
        view.segments = kept;
        let gone: Vec<Arc<Segment>> = gone;
        for segment in &gone {
            segment.mark_replaced();
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 > 0 {
            held.1.extend(gone);
        }
    }

    pub(crate) fn of(&self, project: ProjectPk) -> View {
        self.read().get(&project).cloned().unwrap_or_default()
    }

    /// Memory that all tails take.
    pub(crate) fn all_tail_bytes(&self) -> usize {
        self.tail_bytes.load(Ordering::Relaxed)
    }

    /// Memory the project's tail takes.
    pub(crate) fn tail_bytes(&self, project: ProjectPk) -> usize {
        self.read().get(&project).map_or(0, |view| view.tail_bytes)
    }

    pub(crate) fn all(&self) -> Vec<(ProjectPk, View)> {
        self.read().iter().map(|(project, view)| (*project, view.clone())).collect()
    }

    pub(crate) fn push_tail(&self, project: ProjectPk, batch: TailBatch) {
        let mut projects = self.write();
        let view = projects.entry(project).or_default();
        view.tail_bytes += batch.bytes;
        self.tail_bytes.fetch_add(batch.bytes, Ordering::Relaxed);
        view.tail.push(Arc::new(batch));
    }

    pub(crate) fn push_segment(&self, project: ProjectPk, segment: Segment) {
        self.write().entry(project).or_default().segments.push(Arc::new(segment));
    }

    /// A segment takes the place of tail batches.
    pub(crate) fn replace_tail(&self, project: ProjectPk, flushed: &[i64], segment: Segment) {
        let flushed: HashSet<i64> = flushed.iter().copied().collect();
        let mut projects = self.write();
        let view = projects.entry(project).or_default();
        view.tail.retain(|batch| !flushed.contains(&batch.pk));
        let before = view.tail_bytes;
        view.tail_bytes = view.tail.iter().map(|batch| batch.bytes).sum();
        self.tail_bytes.fetch_sub(before - view.tail_bytes, Ordering::Relaxed);
        view.segments.push(Arc::new(segment));
    }

    /// A segment takes the place of others.
    pub(crate) fn replace_segments(&self, project: ProjectPk, merged: &[i64], segment: Segment) {
        let mut projects = self.write();
        let view = projects.entry(project).or_default();
        self.remove(view, merged);
        view.segments.push(Arc::new(segment));
    }

    /// Segments without a row that is alive.
    pub(crate) fn remove_segments(&self, project: ProjectPk, removed: &[i64]) {
        let mut projects = self.write();
        let view = projects.entry(project).or_default();
        self.remove(view, removed);
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for view in self.read().values() {
            totals.tail_events += view.tail.iter().map(|batch| batch.batch.num_rows()).sum::<usize>();
            totals.tail_bytes += view.tail_bytes;
            totals.segments += view.segments.len();
        }
        totals
    }
}
