//! Sessions in files: where they are, what they hold, how to get at any event without holding all.

mod account;
mod channel;
mod density;
mod find;
mod fragment;
mod frames;
mod live;
mod lookup;
mod parts;
mod selection;
mod summary;

pub use account::Account;
pub use channel::{Channel, ChannelItem};
pub(crate) use density::{Cell, Density};
pub use find::{DEPTH_MAX, FILES_MAX, Found, Fragment, SessionFiles, find};
pub(crate) use fragment::{Step, Walk};
pub(crate) use frames::Frames;
pub(crate) use live::Live;
pub use lookup::LazyEvent;
pub(crate) use parts::index_of;
pub(crate) use selection::Selection;
pub(crate) use summary::resource;
pub use summary::{Summary, fits};

use kymo_format::ReadRecord;
use kymo_model::{EventKind, Severity};

/// Counts as an error of its session, as on the server.
pub(crate) fn is_error(record: &ReadRecord) -> bool {
    record.callsite.kind == EventKind::Error || record.exception.is_some()
}

/// What a person who looks for errors wants to see.
pub(crate) fn is_severe(record: &ReadRecord) -> bool {
    is_error(record) || record.severity >= Severity::ERROR
}
