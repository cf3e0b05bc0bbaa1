//! The handle that everything goes through.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kymo_model::{DropReason, ProjectId, SessionId, Timestamp};
use kymo_tracker::SessionRow;
use sha2::{Digest, Sha256};
use sqlx::Row;
use tokio::sync::{Mutex, Semaphore, broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::catalog::descriptions::UserDescription;
use crate::catalog::events::NO_SESSION;
use crate::catalog::projects::{Project, ProjectPk, Projects};
use crate::catalog::sessions::figures::{self, SessionSummary};
use crate::catalog::sessions::{SessionCursor, SessionFilter};
use crate::catalog::settings::ProjectSettings;
use crate::catalog::{Catalog, counters, descriptions, events, projects, sessions, settings};
use crate::clock::Clock;
use crate::columns::StoredEvent;
use crate::commit::{Change, Committer, Gathered, QUEUE_MAX, Receipt, Submission, UpkeepWanted, Waiting};
use crate::error::StoreError;
use crate::flush::{Flusher, TAIL_BYTES_MAX};
use crate::folder::Folder;
use crate::folder::health::Readiness;

use crate::query::{self, EventFilter, EventOrder, EventPage, EventStart, Source};
use crate::refusals::Refusals;
use crate::retention::Retention;
use crate::segment::{self, Footers, Segment};
use crate::tail::{self, TailBatch};
use crate::views::Views;
use beats::Beats;
use people::uses::Uses;

pub(crate) mod beats;
pub(crate) mod lookup;
mod over_time;
pub(crate) mod people;
pub(crate) mod reports;
mod search;
pub(crate) mod uploads;

/// Scans at once: they are CPU-bound, and ingest needs the other core.
const SCANS_MAX: usize = 2;
/// A reader that finds a flush committed, but its view not yet changed, looks again after this.
const VIEW_WAIT: Duration = Duration::from_millis(1);
/// Times it does: the commit may have to copy the log into the database before it returns. More
/// than some seconds mean a bug.
const VIEW_TRIES_MAX: usize = 5000;
/// Change notices kept for a slow listener before it is told that it missed some.
const CHANGES_MAX: usize = 256;
/// Arrival numbers of one run of the server: 2^40 events, 300 days at 40,000 a second.
const ARRIVALS_PER_RUN_LOG2: u32 = 40;

/// What was taken in and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Counters by name, since the folder was made.
    pub counters: BTreeMap<String, u64>,
    /// Submissions waiting for the next commit.
    pub waiting: usize,
    /// Submissions that may wait.
    pub waiting_max: usize,
    /// Events not yet in a segment.
    pub tail_events: usize,
    /// Memory they take.
    pub tail_bytes: usize,
    /// Segments listed.
    pub segments: usize,
}

/// One data folder, open.
pub struct Store {
    folder: Folder,
    catalog: Arc<Catalog>,
    views: Arc<Views>,
    flusher: Arc<Flusher>,
    clock: Arc<dyn Clock>,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    submit: mpsc::WeakSender<Waiting>,
    upkeep: mpsc::Sender<UpkeepWanted>,
    changes: broadcast::Sender<Change>,
    refusals: Arc<Refusals>,
    uses: Arc<Uses>,
    beats: Arc<Beats>,
    arriving: AtomicU64,
    retention: Arc<Retention>,
    upload_locks: uploads::Locks,
    told_readiness: Mutex<Option<(Readiness, Instant)>>,
    scans: Arc<Semaphore>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the folder's catalog, reads the tail back, removes files that nobody lists, and
    /// starts committing and flushing.
    pub async fn open(folder: Folder, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let catalog = Arc::new(Catalog::open(&folder).await?);
        let views = Arc::new(Views::default());
        let listed = events::segments(catalog.readers()).await?;
        let (removed, next_segment) = segment::remove_unlisted(&folder.segments(), &listed)?;
        if removed > 0 {
            tracing::info!(removed, "removed segment files that were not listed");
        }
        let footers = Arc::new(Footers::default());
        for row in listed {
            views.push_segment(row.project, Segment::new(&folder.segments(), row, &footers));
        }
        read_tail(&catalog, &views).await?;
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (upkeep, upkeep_wanted) = mpsc::channel(1);
        let arrival = next_run(&catalog).await? << ARRIVALS_PER_RUN_LOG2;
        let refusals = Arc::new(Refusals::default());
        let uses = Arc::new(Uses::default());
        let beats = Arc::new(Beats::default());
        let retention = Arc::new(Retention::new(folder.uploads()));
        uploads::tidy(&folder, &catalog).await?;
        let committer = Committer::new(
            Arc::clone(&catalog),
            Arc::clone(&views),
            Arc::clone(&clock),
            Gathered { refusals: Arc::clone(&refusals), uses: Arc::clone(&uses), beats: Arc::clone(&beats) },
            Arc::clone(&retention),
            changes.clone(),
            arrival,
        );
        let flusher = Arc::new(Flusher::new(
            Arc::clone(&catalog),
            Arc::clone(&views),
            Arc::clone(&clock),
            Arc::clone(&retention),
            folder.segments(),
            footers,
            next_segment,
        ));
        let (flushing, merging) = (Arc::clone(&flusher), Arc::clone(&flusher));
        let tasks = vec![
            tokio::spawn(async move { flushing.run_flushing().await }),
            tokio::spawn(async move { merging.run_merging().await }),
        ];
        let committer = tokio::spawn(committer.run(waiting, upkeep_wanted));
        Ok(Arc::new(Self {
            folder,
            catalog,
            views,
            flusher,
            clock,
            submit: queue.downgrade(),
            queue: Mutex::new(Some(queue)),
            upkeep,
            changes,
            refusals,
            uses,
            beats,
            arriving: AtomicU64::new(0),
            retention,
            upload_locks: uploads::Locks::default(),
            told_readiness: Mutex::default(),
            scans: Arc::new(Semaphore::new(SCANS_MAX)),
            tasks: Mutex::new(tasks),
            committer: Mutex::new(Some(committer)),
        }))
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn upload_locks(&self) -> &uploads::Locks {
        &self.upload_locks
    }

    pub(crate) fn uses(&self) -> &Uses {
        &self.uses
    }

    pub(crate) fn beats(&self) -> &Beats {
        &self.beats
    }

    /// A number for a file that is on its way in.
    pub(crate) fn next_arriving(&self) -> u64 {
        self.arriving.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn told_readiness(&self) -> &Mutex<Option<(Readiness, Instant)>> {
        &self.told_readiness
    }

    /// Submissions that wait, and that may.
    pub(crate) fn queue_length(&self) -> (usize, usize) {
        let free = self.submit.upgrade().map_or(QUEUE_MAX, |queue| queue.capacity());
        (QUEUE_MAX - free, QUEUE_MAX)
    }

    pub(crate) fn views(&self) -> &Arc<Views> {
        &self.views
    }

    pub(crate) fn retention(&self) -> &Retention {
        &self.retention
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The clock this store goes by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Stores what a request brought. When this returns, it is durable and visible.
    ///
    /// # Errors
    /// [`Retry`](crate::StoreErrorKind::Retry) at once when too many wait already, and when the
    /// commit failed; then nothing of it is stored.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, StoreError> {
        let project = submission.project;
        if !self.flusher.room().await {
            self.refusals.count(project, DropReason::Overload);
            return Err(StoreError::retry("what came before could not be written yet"));
        }
        // Only now: a stop waits until nobody has the queue.
        let stopping = || StoreError::retry("the server is stopping");
        let queue = self.submit.upgrade().ok_or_else(stopping)?;
        let (answer, answered) = oneshot::channel();
        queue.try_send(Waiting { submission, answer }).map_err(|_| {
            self.refusals.count(project, DropReason::Overload);
            StoreError::retry("too many requests wait to be stored")
        })?;
        drop(queue);
        let receipt = answered.await.map_err(|_| stopping())??;
        if receipt.stored > 0 && self.views.tail_bytes(project) >= TAIL_BYTES_MAX {
            self.flusher.wake.notify_one();
        }
        Ok(receipt)
    }

    /// Counts a request that was refused as a whole, before there was anything to submit; `None`:
    /// nobody knows for which project it was.
    pub fn count_refused(&self, project: Option<ProjectPk>, reason: DropReason) {
        self.refusals.count(project.unwrap_or(ProjectPk::NONE), reason);
    }

    /// Notices of what commits change.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// A page of the sessions report.
    pub async fn sessions(
        &self,
        filter: &SessionFilter,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<(ProjectPk, SessionRow)>, StoreError> {
        let condition = self.condition(filter).await?;
        sessions::list(self.catalog.readers(), filter, condition.as_ref(), after, limit).await
    }

    /// The figures of the sessions report.
    pub async fn session_summary(&self, filter: &SessionFilter) -> Result<SessionSummary, StoreError> {
        let condition = self.condition(filter).await?;
        figures::summary(self.catalog.readers(), filter, condition.as_ref()).await
    }

    /// Sessions shown, per project.
    pub async fn session_counts(&self) -> Result<BTreeMap<ProjectPk, u64>, StoreError> {
        figures::count_by_project(self.catalog.readers()).await
    }

    /// A session of these projects by its own id, or by the id its agent chose.
    pub async fn session(
        &self,
        projects: &Projects,
        id: &str,
    ) -> Result<(ProjectPk, SessionRow), StoreError> {
        let in_project = |found: &(ProjectPk, SessionRow)| projects.has(found.0);
        if let Ok(id) = id.parse::<SessionId>()
            && let Some(found) = sessions::by_id(self.catalog.readers(), id).await?.filter(in_project)
        {
            return Ok(found);
        }
        let mut found = sessions::by_external_id(self.catalog.readers(), projects, id).await?;
        match (found.pop(), found.is_empty()) {
            (Some(session), true) => Ok(session),
            (Some(_), false) => Err(StoreError::input(format!(
                "several projects have a session {id}: use the session's own id"
            ))),
            (None, _) => Err(StoreError::not_found(format!("there is no session {id}"))),
        }
    }

    /// A page of a session's events; `None`: of the project's events without a session.
    pub async fn events(
        &self,
        project: ProjectPk,
        session: Option<SessionId>,
        filter: EventFilter,
        order: EventOrder,
        start: impl Into<EventStart>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        let start = start.into();
        let session = session.unwrap_or(NO_SESSION);
        let filter = self.row_filter_of(session, filter).await?;
        self.scan(project, session, move |sources, streams| {
            query::page(sources, streams, &filter, order, start, limit)
        })
        .await
    }

    /// Keeps what a user said about the event of that id, whether the event is there or not. Durable when
    /// this returns.
    pub async fn describe(
        &self,
        project: ProjectPk,
        reference_id: &str,
        description: &UserDescription,
    ) -> Result<(), StoreError> {
        descriptions::upsert(&mut *self.catalog.writer().await, project, reference_id, description).await
    }

    /// What users said about these events, by reference id.
    pub async fn descriptions(
        &self,
        project: ProjectPk,
        events: &[StoredEvent],
    ) -> Result<BTreeMap<String, UserDescription>, StoreError> {
        let mut ids: Vec<&str> = events.iter().filter_map(|event| event.reference_id.as_deref()).collect();
        ids.sort_unstable();
        ids.dedup();
        descriptions::of_references(self.catalog.readers(), project, &ids).await
    }

    async fn scan<T: Send + 'static>(
        &self,
        project: ProjectPk,
        session: SessionId,
        scan: impl FnOnce(&[Arc<dyn Source>], &[SessionId]) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let streams = sessions::streams_of(self.catalog.readers(), session).await?;
        self.scan_streams(project, streams, scan).await
    }

    async fn scan_streams<T: Send + 'static>(
        &self,
        project: ProjectPk,
        streams: Vec<SessionId>,
        scan: impl FnOnce(&[Arc<dyn Source>], &[SessionId]) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self.scans.acquire().await.map_err(|_| StoreError::retry("the server is stopping"))?;
        let sources = self.sources(project, &streams).await?;
        tokio::task::spawn_blocking(move || scan(&sources, &streams))
            .await
            .map_err(|_| StoreError::corrupt("a scan panicked"))?
    }

    async fn sources(
        &self,
        project: ProjectPk,
        streams: &[SessionId],
    ) -> Result<Vec<Arc<dyn Source>>, StoreError> {
        for _ in 0..VIEW_TRIES_MAX {
            // The view first: a segment listed after it was taken shows up in the ranges.
            let view = self.views.of(project);
            let ranges = events::ranges_of(self.catalog.readers(), project, streams).await?;
            if let Some(sources) = query::sources(&view, streams, &ranges) {
                return Ok(sources);
            }
            tokio::time::sleep(VIEW_WAIT).await;
        }
        Err(StoreError::corrupt("the catalog lists a segment that is not there"))
    }
    /// All projects by name.
    pub async fn projects(&self) -> Result<Vec<Project>, StoreError> {
        projects::all(self.catalog.readers()).await
    }

    /// Makes a project.
    pub async fn add_project(
        &self,
        id: &ProjectId,
        name: &str,
        origins: &[String],
    ) -> Result<(), StoreError> {
        projects::insert(&mut *self.catalog.writer().await, id, name, origins, self.clock.now()).await
    }

    /// Changes what people set for a project: all of it, or on an error nothing. Session limits hold from
    /// the next commit on.
    ///
    /// # Errors
    /// [`Input`](crate::StoreErrorKind::Input) when `change` refuses, or when what it makes of the settings
    /// is beyond a limit; the message says what was expected.
    pub async fn change_project(
        &self,
        project: ProjectPk,
        change: impl FnOnce(&mut ProjectSettings) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let mut writer = self.catalog.writer().await;
        let changed = settings::change(&mut writer, project, change).await;
        self.catalog.settings_changed();
        changed
    }

    /// What is kept instead of a token, code or cookie.
    pub fn hash_secret(secret: &str) -> [u8; 32] {
        hash_secret(secret)
    }

    /// Every counter: of which project ([`ProjectPk::NONE`]: of none), its name, its value.
    pub async fn counters(&self) -> Result<BTreeMap<(ProjectPk, String), u64>, StoreError> {
        let mut counters = counters::all(self.catalog.readers()).await?;
        for ((project, name), count) in self.refusals.waiting() {
            *counters.entry((project, name.to_owned())).or_default() += count;
        }
        Ok(counters)
    }

    /// Sessions shown that run, per project.
    pub async fn running_counts(&self) -> Result<BTreeMap<ProjectPk, u64>, StoreError> {
        figures::count_running(self.catalog.readers()).await
    }

    /// Counters of these projects, and sizes of all.
    pub async fn status(&self, projects: &Projects) -> Result<Status, StoreError> {
        let totals = self.views.totals();
        let (waiting, waiting_max) = self.queue_length();
        let mut counters = BTreeMap::new();
        for ((of, name), count) in self.counters().await? {
            if projects.has(of) {
                *counters.entry(name).or_default() += count;
            }
        }
        Ok(Status {
            counters,
            waiting,
            waiting_max,
            tail_events: totals.tail_events,
            tail_bytes: totals.tail_bytes,
            segments: totals.segments,
        })
    }

    /// Writes every tail into segments, sweeps and merges what is due, now.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.flusher.flush_due(true).await?;
        while self.flusher.tidy_once().await? {}
        Ok(())
    }

    /// Ends the sessions that are idle by the clock and forgets what is too old to be kept, now. The store
    /// does this by itself every two seconds; a test that moves the clock cannot wait for that.
    pub async fn upkeep(&self) -> Result<(), StoreError> {
        let stopping = || StoreError::retry("the server is stopping");
        let (done, told) = oneshot::channel();
        self.upkeep.send(done).await.map_err(|_| stopping())?;
        told.await.map_err(|_| stopping())?
    }

    /// Answers what waits, then closes the catalog. The tail stays in the catalog.
    pub async fn close(&self) -> Result<(), StoreError> {
        drop(self.queue.lock().await.take());
        if let Some(committer) = self.committer.lock().await.take() {
            committer.await.map_err(|_| StoreError::corrupt("the commit task panicked"))?;
        }
        // A segment that is being written is finished: its thread would outlive the task.
        let _writing = self.flusher.at_rest().await;
        for task in self.tasks.lock().await.drain(..) {
            task.abort();
            let _ = task.await;
        }
        let mut writer = self.catalog.writer().await;
        self.refusals.write(&mut writer).await?;
        self.uses.write(&mut writer, self.clock.now()).await?;
        drop(writer);
        self.catalog.close().await
    }
}

/// Takes the tail into memory.
async fn read_tail(catalog: &Catalog, views: &Views) -> Result<(), StoreError> {
    for row in events::tail(catalog.readers()).await? {
        let damaged = |source| {
            StoreError::corrupt(format!("row {} of the catalog's table tail is damaged", row.pk))
                .because(source)
        };
        let batch = tail::decode(&row.batch).map_err(damaged)?;
        views.push_tail(row.project, TailBatch::new(row.pk, row.observed_at, batch));
    }
    Ok(())
}

fn hash_secret(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Number of this run of the server on this folder.
async fn next_run(catalog: &Catalog) -> Result<u64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('run', '1') \
         ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value",
    )
    .fetch_one(&mut *catalog.writer().await)
    .await?;
    row.get::<String, _>(0)
        .parse()
        .map_err(|_| StoreError::corrupt("the catalog's run number is not a number"))
}
