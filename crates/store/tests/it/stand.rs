//! A store on a temporary folder, with a clock that the test moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kymo_model::{Event, EventKind, Timestamp};
use kymo_store::{
    Clock, EventFilter, EventOrder, Folder, Item, ProjectPk, Projects, Store, StoreError, StoredEvent,
    Submission,
};
use kymo_tracker::{Incoming, Role, SessionKey, SessionRow};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// 2026-09-21, about the middle of a day.
pub(crate) const BEGIN: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

/// A clock that stands still until it is moved.
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Stand {
    folder: TempDir,
    clock: Arc<HandClock>,
    store: Option<Arc<Store>>,
}

impl Stand {
    /// An open store with a project `shop`.
    pub(crate) async fn new() -> (Self, ProjectPk) {
        let folder = TempDir::new().expect("a temporary folder");
        let clock = Arc::new(HandClock(AtomicI64::new(BEGIN.as_unix_nanos())));
        let mut stand = Self { folder, clock, store: None };
        stand.open().await.expect("a new folder opens");
        let shop = stand.add_project("shop").await;
        (stand, shop)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) async fn open(&mut self) -> Result<(), StoreError> {
        let folder = Folder::open(&self.folder())?;
        self.store = Some(Store::open(folder, Arc::clone(&self.clock) as Arc<dyn Clock>).await?);
        Ok(())
    }

    pub(crate) async fn close(&mut self) {
        let store = self.store.take().expect("the store is open");
        store.close().await.expect("it closes");
        assert_eq!(Arc::strong_count(&store), 1, "somebody keeps the store");
    }

    pub(crate) async fn reopen(&mut self) {
        self.close().await;
        self.open().await.expect("it opens again");
    }

    pub(crate) fn pass_time(&self, span: Duration) {
        self.clock.0.fetch_add(span.as_nanos() as i64, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn add_project(&self, id: &str) -> ProjectPk {
        self.store().add_project(&id.parse().expect("an id"), id, &[]).await.expect("a project");
        let projects = self.store().projects().await.expect("projects");
        projects.iter().find(|project| project.id.as_str() == id).expect("the project").pk
    }

    /// Submits and returns how many were stored.
    pub(crate) async fn submit(&self, project: ProjectPk, items: Vec<Item>) -> Result<u64, StoreError> {
        Ok(self.store().submit(submission(project, items)).await?.stored)
    }

    /// The session that the agent gave that id.
    pub(crate) async fn session(&self, project: ProjectPk, id: &str) -> SessionRow {
        self.store().session(&Projects::one(project), id).await.expect("the session").1
    }

    /// All its events.
    pub(crate) async fn events(
        &self,
        project: ProjectPk,
        session: &str,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let id = self.session(project, session).await.id;
        let everything = EventFilter::default();
        Ok(self.store().events(project, Some(id), everything, EventOrder::Time, None, 100_000).await?.events)
    }

    /// The catalog by a connection of its own, as a person with a database tool has it.
    pub(crate) async fn catalog(&self) -> SqliteConnection {
        let path = self.folder().join("catalog.db");
        let url = format!("sqlite://{}", path.to_str().expect("a path of plain text"));
        SqliteConnection::connect(&url).await.expect("the catalog")
    }

    /// Files of the folder of segments, in order of name.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder().join("segments")).expect("the folder");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    }
}

pub(crate) fn submission(project: ProjectPk, items: Vec<Item>) -> Submission {
    Submission { items, ..Submission::new(project, 1) }
}

/// A log line of a session by id, at that many milliseconds after [`BEGIN`].
pub(crate) fn line(session: &str, at_millis: u64, text: &str) -> Item {
    let time = BEGIN.plus(Duration::from_millis(at_millis));
    let mut event = Event::new(EventKind::Log, time, time);
    event.body = Some(text.to_owned());
    let key = Some(SessionKey::External(session.to_owned()));
    let incoming = Incoming::new(key, Role::Ordinary, event);
    Item { incoming, fingerprint: Some(fingerprint(session, text)) }
}

/// Differs for different texts.
fn fingerprint(session: &str, text: &str) -> [u8; 16] {
    let hash = Store::hash_secret(&format!("{session}\n{text}"));
    std::array::from_fn(|at| hash[at])
}

/// Texts and sequences, in order.
pub(crate) fn summary(events: &[StoredEvent]) -> Vec<(u64, &str)> {
    events.iter().map(|event| (event.sequence, event.message.as_deref().unwrap_or_default())).collect()
}
