//! Refused requests, counted in memory until the next upkeep writes them.
//!
//! A refusal is cheap for who sends nonsense and must stay cheap for us: a catalog write each would
//! make a flood of them worse. A killed server forgets those of its last seconds.

use std::sync::{Mutex, PoisonError};

use kymo_model::DropReason;
use sqlx::SqliteConnection;

use crate::catalog::counters::{self, Counts};
use crate::catalog::projects::ProjectPk;
use crate::error::StoreError;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    // Locked for an addition or a swap only, never across IO or an await.
    waiting: Mutex<Counts>,
}

impl Refusals {
    pub(crate) fn count(&self, project: ProjectPk, reason: DropReason) {
        self.add(&Counts::from([((project, reason.as_str()), 1)]));
    }

    fn add(&self, counts: &Counts) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, count) in counts {
            *waiting.entry(*key).or_default() += count;
        }
    }

    /// What is not written yet.
    pub(crate) fn waiting(&self) -> Counts {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes what waits; on failure it waits on.
    pub(crate) async fn write(&self, writer: &mut SqliteConnection) -> Result<(), StoreError> {
        let counts = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let written = counters::add(writer, &counts).await;
        if written.is_err() {
            self.add(&counts);
        }
        written
    }
}
