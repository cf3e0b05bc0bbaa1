//! Catalog, commit, segments and queries over one data folder.
//!
//! What is submitted is durable and visible when [`Store::submit`] returns. Not for: HTTP, or
//! deciding who may ask.
//!
//! ```no_run
//! # async fn example() -> Result<(), kymo_store::StoreError> {
//! use std::sync::Arc;
//! use kymo_store::{Folder, SessionFilter, Store, SystemClock};
//!
//! let folder = Folder::open("kymo-data".as_ref())?;
//! let store = Store::open(folder, Arc::new(SystemClock)).await?;
//! let newest = store.sessions(&SessionFilter::default(), None, 20).await?;
//! println!("{} sessions", newest.len());
//! store.close().await
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `store` | the handle that everything goes through |
//! | `folder` | what lies where, and the lock |
//! | `catalog` | SQL: projects, tokens, sessions, row ranges, counters |
//! | `commit` | the one task that writes what comes in |
//! | `columns`, `tail`, `segment` | events as columns: in memory, in the catalog, in Parquet |
//! | `flush` | tail into segments, small segments into large ones |
//! | `views`, `query`, `density` | reading |
//!
//! Errors have a [`StoreErrorKind`]: retry, fix the input, not found, upgrade, report.

mod catalog;
mod clock;
mod columns;
mod commit;
mod density;
mod error;
mod fault;
mod flush;
mod folder;
mod query;
mod refusals;
mod segment;
mod store;
mod tail;
mod views;

pub use catalog::descriptions::UserDescription;
pub use catalog::projects::{Project, ProjectPk, Scope, Token};
pub use catalog::sessions::{SessionCursor, SessionFilter, SessionSummary};
pub use catalog::settings::{ProjectSettings, SessionLimits};
pub use clock::{Clock, SystemClock};
pub use columns::StoredEvent;
pub use commit::{Change, Item, Receipt, Submission};
pub use density::{DENSITY_BUCKETS_MAX, DensityBucket};
pub use error::{StoreError, StoreErrorKind};
pub use folder::Folder;
pub use query::{EventCursor, EventFilter, EventOrder, EventPage};
pub use store::{Status, Store};
