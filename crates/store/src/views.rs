//! Which tail batches and segments hold a project's events right now, in memory.
//!
//! The catalog says the same and is what counts after a restart. A reader takes a [`View`] first
//! and the catalog's row ranges second; if the ranges name a segment that the view does not have,
//! a flush or a compaction came between, and the reader starts over (see `query`).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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
    // Locked for a clone or a push only, never across IO or an await.
    projects: RwLock<BTreeMap<ProjectPk, View>>,
}

impl Views {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<ProjectPk, View>> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<ProjectPk, View>> {
        self.projects.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, project: ProjectPk) -> View {
        self.read().get(&project).cloned().unwrap_or_default()
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
        view.tail_bytes = view.tail.iter().map(|batch| batch.bytes).sum();
        view.segments.push(Arc::new(segment));
    }

    /// A segment takes the place of others.
    pub(crate) fn replace_segments(&self, project: ProjectPk, merged: &[i64], segment: Segment) {
        let mut projects = self.write();
        let view = projects.entry(project).or_default();
        view.segments.retain(|old| {
            let goes = merged.contains(&old.row.pk);
            if goes {
                old.mark_replaced();
            }
            !goes
        });
        view.segments.push(Arc::new(segment));
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
