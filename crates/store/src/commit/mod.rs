//! The commit: everything that waits goes into one transaction with one `fsync`, then is answered.
//!
//! ```text
//! submissions -> group -> remember fingerprints -> load session rows -> tracker step
//!             -> session rows, tail batch, counters -> COMMIT -> views -> answers, change notices
//! ```
//!
//! One task does this; what it keeps in memory is a cache of rows that are in the catalog, thrown
//! away whenever a transaction fails. Hot: the server bench measures it.

mod cache;
mod project;
mod retention;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kymo_model::{DropReason, SessionId};
use kymo_tracker::{Beat, Incoming, SessionKey, Signal, Told};
use sqlx::Connection;
use tokio::sync::{broadcast, mpsc, oneshot};

use self::cache::Caches;
use self::project::{Outcome, apply};
use self::retention::NextLook;
use crate::catalog::counters::{self, Counts};
use crate::catalog::projects::ProjectPk;
use crate::catalog::seen::{self, Fingerprint};
use crate::catalog::{Catalog, sessions, settings};
use crate::clock::Clock;
use crate::error::StoreError;
use crate::fault::{self, Place};
use crate::refusals::Refusals;
use crate::retention::Retention;
use crate::store::beats::Beats;
use crate::store::people::uses::Uses;
use crate::store::uploads::Advance;
use crate::tail::TailBatch;
use crate::views::Views;

/// Submissions that may wait. At 50 events each this is some 50,000 events or two seconds of work;
/// whoever comes on top is told to come back.
pub(crate) const QUEUE_MAX: usize = 1024;
/// Events taken into one transaction: more would make those at the front wait for those behind.
const GROUP_EVENTS_MAX: usize = 4000;
/// How often idle sessions are closed and old keys forgotten.
const TICK: Duration = Duration::from_secs(2);
/// Idle sessions of a project closed in one transaction.
const IDLE_MAX: i64 = 1000;

/// An event on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// For the tracker; `arrival` is set by the store.
    pub incoming: Incoming,
    /// Recognises the event when it is sent again; scoped by the store to project and token.
    pub fingerprint: Option<[u8; 16]>,
}

/// What one request brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Whose.
    pub project: ProjectPk,
    /// The token it came with: part of the fingerprints' scope.
    pub token: i64,
    /// Events, in the order they stood in the request.
    pub items: Vec<Item>,
    /// Heartbeats and close calls.
    pub signals: Vec<Signal>,
    /// What was dropped before it got here.
    pub dropped: Vec<(DropReason, u64)>,
    /// What files of processes say beside their events; it holds before them.
    pub told: Vec<Told>,
    /// How far the file has come that this is of: committed with it.
    pub upload: Option<Advance>,
    /// Words of running processes.
    pub beats: Vec<Beat>,
    /// Sessions of processes that a person asked for.
    pub requests: Vec<SessionKey>,
}

impl Submission {
    /// One that brings nothing yet.
    pub fn new(project: ProjectPk, token: i64) -> Self {
        Self {
            project,
            token,
            items: Vec::new(),
            signals: Vec::new(),
            dropped: Vec::new(),
            told: Vec::new(),
            upload: None,
            beats: Vec::new(),
            requests: Vec::new(),
        }
    }
}

/// What became of a submission that is now durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events stored.
    pub stored: u64,
    /// Items dropped, with the reasons.
    pub dropped: BTreeMap<DropReason, u64>,
    /// The file that it was of is not there any more: nothing of it was stored.
    pub(crate) is_gone: bool,
}

/// What a commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The project.
    pub project: ProjectPk,
    /// Its sessions that changed.
    pub sessions: Vec<SessionId>,
}

pub(crate) struct Waiting {
    pub(crate) submission: Submission,
    pub(crate) answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// Somebody who wants the upkeep done now, and is told when it is.
pub(crate) type UpkeepWanted = oneshot::Sender<Result<(), StoreError>>;

/// What is gathered in memory, and written by the upkeep.
pub(crate) struct Gathered {
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) beats: Arc<Beats>,
}

/// The task's state.
pub(crate) struct Committer {
    catalog: Arc<Catalog>,
    views: Arc<Views>,
    clock: Arc<dyn Clock>,
    caches: Caches,
    gathered: Gathered,
    retention: Arc<Retention>,
    next_look: NextLook,
    changes: broadcast::Sender<Change>,
    next_arrival: u64,
}

impl Committer {
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        views: Arc<Views>,
        clock: Arc<dyn Clock>,
        gathered: Gathered,
        retention: Arc<Retention>,
        changes: broadcast::Sender<Change>,
        next_arrival: u64,
    ) -> Self {
        let (caches, next_look) = (Caches::default(), NextLook::default());
        Self { catalog, views, clock, caches, gathered, retention, next_look, changes, next_arrival }
    }

    /// Runs until every sender is gone and everything that waited is answered.
    pub(crate) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Waiting>,
        mut upkeep: mpsc::Receiver<UpkeepWanted>,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                first = queue.recv() => {
                    let Some(first) = first else { return };
                    self.commit(gather(first, &mut queue)).await;
                }
                Some(wanted) = upkeep.recv() => {
                    // Whoever asked may have gone since.
                    let _ = wanted.send(self.tick().await);
                }
                _ = tick.tick() => {
                    if let Err(error) = self.tick().await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "upkeep failed, trying again later");
                    }
                }
            }
        }
    }

    async fn commit(&mut self, group: Vec<Waiting>) {
        let (submissions, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.submission, waiting.answer)).unzip();
        match self.transact(submissions).await {
            Ok(receipts) => {
                for (answer, receipt) in answers.into_iter().zip(receipts) {
                    let told = if receipt.is_gone {
                        Err(StoreError::not_found(
                            "the session was removed meanwhile: begin with its head again",
                        ))
                    } else {
                        Ok(receipt)
                    };
                    // A client that hung up is not told; its events are stored all the same.
                    let _ = answer.send(told);
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "commit failed");
                for answer in answers {
                    let _ = answer.send(Err(StoreError::retry("the events could not be stored, try again")));
                }
            }
        }
    }

    /// One transaction for all; receipts in the order of the submissions.
    async fn transact(&mut self, submissions: Vec<Submission>) -> Result<Vec<Receipt>, StoreError> {
        let mut by_project: BTreeMap<ProjectPk, Vec<(usize, Submission)>> = BTreeMap::new();
        let mut receipts = vec![Receipt::default(); submissions.len()];
        for (position, submission) in submissions.into_iter().enumerate() {
            by_project.entry(submission.project).or_default().push((position, submission));
        }
        let catalog = Arc::clone(&self.catalog);
        let mut writer = catalog.writer().await;
        let settings_changes = catalog.settings_changes();
        let mut transaction = writer.begin().await?;
        let now = self.clock.now();
        let mut outcomes = Vec::with_capacity(by_project.len());
        let mut counts = Counts::new();
        let touched: Vec<ProjectPk> = by_project.keys().copied().collect();
        let written = async {
            for (project, group) in by_project {
                let cache = self.caches.open(&mut transaction, project, settings_changes).await?;
                let arrival = &mut self.next_arrival;
                let outcome = apply(&mut transaction, cache, project, group, arrival, now).await?;
                outcome.count(project, &mut counts);
                for (position, receipt) in &outcome.receipts {
                    receipts[*position] = receipt.clone();
                }
                outcomes.push((project, outcome));
            }
            counters::add(&mut transaction, &counts).await?;
            fault::pass(Place::BeforeCommit);
            transaction.commit().await?;
            Ok::<_, StoreError>(())
        }
        .await;
        drop(writer);
        if let Err(error) = written {
            // The rows in memory are ahead of the catalog now.
            for project in touched {
                self.caches.forget(project);
            }
            return Err(error);
        }
        fault::pass(Place::AfterCommit);
        for (project, outcome) in outcomes {
            self.publish(project, outcome);
        }
        self.caches.trim();
        Ok(receipts)
    }

    fn publish(&self, project: ProjectPk, outcome: Outcome) {
        if let Some((pk, observed_at, batch)) = outcome.tail {
            self.views.push_tail(project, TailBatch::new(pk, observed_at, batch));
        }
        // Nobody listening is fine.
        let _ = self.changes.send(Change { project, sessions: outcome.sessions });
    }

    /// Takes what processes said, closes idle sessions, forgets old keys and removes what retention does not keep.
    async fn tick(&mut self) -> Result<(), StoreError> {
        let beats = self.gathered.beats.take();
        if !beats.is_empty() {
            // What is lost with a transaction that fails is said again in a minute; the rest is to be done all the same.
            if let Err(error) = self.transact(beats).await {
                tracing::warn!(%error, "what programs said of themselves was not stored");
            }
        }
        let now = self.clock.now();
        let catalog = Arc::clone(&self.catalog);
        let mut writer = catalog.writer().await;
        let settings_changes = catalog.settings_changes();
        seen::forget(&mut writer, now).await?;
        self.gathered.refusals.write(&mut writer).await?;
        self.gathered.uses.write(&mut writer, now).await?;
        for (project, rules) in settings::rules_of_running(&mut writer).await? {
            let keys = sessions::idle(&mut writer, project, now, &rules, IDLE_MAX).await?;
            if keys.is_empty() {
                continue;
            }
            let mut transaction = writer.begin().await?;
            let closed = async {
                let cache = self.caches.open(&mut transaction, project, settings_changes).await?;
                let closed = cache.close_idle(&mut transaction, project, keys, now).await?;
                transaction.commit().await?;
                Ok::<_, StoreError>(closed)
            }
            .await;
            match closed {
                Ok(sessions) => drop(self.changes.send(Change { project, sessions })),
                Err(error) => {
                    self.caches.forget(project);
                    return Err(error);
                }
            }
        }
        self.caches.rest(now);
        self.retain(&mut writer, now, settings_changes).await
    }
}

/// `first` and what waits behind it, up to a bounded number of events.
fn gather(first: Waiting, queue: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
    let mut events = first.submission.items.len();
    let mut group = vec![first];
    while events < GROUP_EVENTS_MAX {
        let Ok(next) = queue.try_recv() else { break };
        events += next.submission.items.len();
        group.push(next);
    }
    group
}

/// The fingerprint within its project and token: the same bytes sent with another token are other
/// events. The project is part of the key's row.
fn scoped(fingerprint: Fingerprint, token: i64) -> Fingerprint {
    let mut scoped = fingerprint;
    let mask = (token as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    for (byte, mask) in scoped[4..12].iter_mut().zip(mask) {
        *byte ^= mask;
    }
    scoped
}
