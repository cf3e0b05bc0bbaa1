//! What every handler needs.

use std::sync::Arc;

use kymo_model::Timestamp;
use kymo_store::{Store, StoreError};
use tokio::sync::{Semaphore, watch};

use crate::access::{AccessLimits, Directory, Gate};
use crate::live::{Live, LiveOptions};

/// KiB of memory for request bodies and what they become, over all requests: what the server has
/// itself (some 60 MB) and this are well below the 200 MB it promises to stay under.
pub(crate) const BODY_KIB_MAX: usize = 40 * 1024;

/// Files that are read at once, at 20 MiB each beside [`BODY_KIB_MAX`]: it is work for the processor, of which a small
/// machine has two.
const DECODES_MAX: usize = 2;

/// Files imported at once, each with a piece of 1 MiB in memory and all of it on the disk.
const IMPORTS_MAX: usize = 2;

/// Refused posts held at once: each is an open connection, of some 20 KB. Beyond it they are let go
/// at once.
const HELD_POSTS_MAX: usize = 256;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) store: Arc<Store>,
    pub(crate) directory: Arc<Directory>,
    /// Limits and the checking of passwords.
    pub(crate) gate: Arc<Gate>,
    /// See [`BODY_KIB_MAX`].
    pub(crate) body_kib: Arc<Semaphore>,
    /// See [`DECODES_MAX`].
    pub(crate) decodes: Arc<Semaphore>,
    /// See [`IMPORTS_MAX`].
    pub(crate) imports: Arc<Semaphore>,
    /// Posts that are refused and held for a while; see `ingest::loupe`.
    pub(crate) held_posts: Arc<Semaphore>,
    pub(crate) started_at: Timestamp,
    /// Names under which the server may be reached, beside addresses and `localhost`.
    pub(crate) public_hosts: Arc<[String]>,
    /// What runs now, if it may be followed.
    pub(crate) live: Option<Arc<Live>>,
    /// Free space on the folder's disk that a ready server has.
    pub(crate) free_bytes_min: u64,
    /// True when the server is stopping: endless answers end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl AppState {
    pub(crate) fn new(
        store: Arc<Store>,
        public_hosts: Vec<String>,
        access: AccessLimits,
        free_bytes_min: u64,
        live: Option<&LiveOptions>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let started_at = store.now();
        let directory = Arc::new(Directory::default());
        Self {
            live: live.map(|options| Arc::new(Live::new(&store, &directory, options))),
            store,
            directory,
            gate: Arc::new(Gate::new(access)),
            body_kib: Arc::new(Semaphore::new(BODY_KIB_MAX)),
            decodes: Arc::new(Semaphore::new(DECODES_MAX)),
            imports: Arc::new(Semaphore::new(IMPORTS_MAX)),
            held_posts: Arc::new(Semaphore::new(HELD_POSTS_MAX)),
            started_at,
            public_hosts: public_hosts.into(),
            free_bytes_min,
            stopping,
        }
    }

    /// Tokens, members or roles were changed: it holds from the next request on, and whoever is being
    /// answered for long is looked at again.
    pub(crate) async fn access_changed(&self) -> Result<(), StoreError> {
        let refreshed = self.directory.refresh(&self.store).await;
        self.gate.changed();
        refreshed
    }
}
