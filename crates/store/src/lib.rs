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
//! | `folder` | what lies where, and the lock; backups; whether all is well |
//! | `catalog` | SQL: projects, members, tokens, sessions, row ranges, counters |
//! | `commit` | the one task that writes what comes in |
//! | `columns`, `tail`, `segment` | events as columns: in memory, in the catalog, in Parquet |
//! | `flush` | tail into segments, small segments into large ones |
//! | `retention` | pins, and giving back what removed sessions took |
//! | `views`, `query`, `density`, `worth` | reading |
//!
//! Errors have a [`StoreErrorKind`]: retry, fix the input, not found, conflict, upgrade, report.

mod catalog;
mod clock;
mod columns;
mod commit;
mod density;
mod error;
mod event_id;
mod fault;
mod flush;
mod folder;
mod query;
mod refusals;
mod retention;
mod segment;
mod store;
mod tail;
mod views;
mod worth;

pub use catalog::SCHEMA_VERSION as CATALOG_VERSION;
pub use catalog::access::audit::{Action, Actor, AuditEntry};
pub use catalog::access::members::MemberRow;
pub use catalog::access::tokens::{NewToken, Scope, Token};
pub use catalog::access::ui_sessions::{NewUiSession, SignedIn, UiSession};
pub use catalog::access::{Member, Role};
pub use catalog::descriptions::UserDescription;
pub use catalog::projects::{Project, ProjectPk, Projects};
pub use catalog::saved_views::SavedView;
pub use catalog::sessions::figures::{SessionCount, SessionSummary};
pub use catalog::sessions::{SessionCursor, SessionFilter, SessionSort};
pub use catalog::settings::{
    ProjectSettings, RETENTION_DAYS_LEAST, RETENTION_DAYS_MOST, SessionLimits, Wanted,
};
pub use catalog::users::{UserCursor, UserSummary};
pub use catalog::values::{FieldValue, ValueScope};
pub use clock::{Clock, SystemClock};
pub use columns::StoredEvent;
pub use commit::{Change, Item, Receipt, Submission};
pub use density::{DENSITY_BUCKETS_MAX, DensityBucket, GAPS_TOLD_MAX, Gap};
pub use error::{StoreError, StoreErrorKind};
pub use event_id::{EventId, NoEventId};
pub use folder::Folder;
pub use folder::backup::{BackupFile, Manifest, restore};
pub use folder::health::{Finding, Grade, Readiness, examine};
pub use query::aggregate::{Aggregate, Aggregated, Bucket, NESTING_MAX, Statistic, TERMS_TOLD_MAX};
pub use query::find::{FoundCursor, FoundEvent, FoundPage};
pub use query::lanes::{LANES_MAX, Lane, Lanes};
pub use query::series::{
    Figure, POINTS_MAX, SERIES_TOLD_MAX, Series, SeriesKey, SeriesList, SeriesPoint, SeriesPoints,
};
pub use query::{EventCursor, EventFilter, EventOrder, EventPage, EventStart};
pub use store::lookup::PlacedEvent;
pub use store::people::MemberChange;
pub use store::reports::COUNT_BUCKETS_MAX;
pub use store::uploads::{
    Advance, Arriving, FRAGMENT_BYTES_MAX, FRAGMENTS_MAX, FragmentState, Progress, RawFragment, Upload,
};
pub use store::{Status, Store};
pub use worth::{WorthOpening, WorthReason};
