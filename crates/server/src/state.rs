//! What every handler needs.

use std::sync::Arc;

use kymo_model::Timestamp;
use kymo_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::access::Directory;

/// KiB of request bodies, decompressed, that may be in work at once. A body takes an estimated six times
/// its size while it becomes events: 16 MiB of them are 100 MiB of memory.
const BODY_KIB_MAX: usize = 16 * 1024;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) store: Arc<Store>,
    pub(crate) directory: Arc<Directory>,
    /// See [`BODY_KIB_MAX`].
    pub(crate) body_kib: Arc<Semaphore>,
    pub(crate) started_at: Timestamp,
    /// Names under which the server may be reached, beside addresses and `localhost`.
    pub(crate) public_hosts: Arc<[String]>,
    /// True when the server is stopping: endless answers end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl AppState {
    pub(crate) fn new(store: Arc<Store>, public_hosts: Vec<String>, stopping: watch::Receiver<bool>) -> Self {
        let started_at = store.now();
        Self {
            store,
            directory: Arc::new(Directory::default()),
            body_kib: Arc::new(Semaphore::new(BODY_KIB_MAX)),
            started_at,
            public_hosts: public_hosts.into(),
            stopping,
        }
    }
}
