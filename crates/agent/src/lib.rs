//! The agent: records what a program does, on its own disk, so that it survives the program and costs nearly nothing.
//!
//! Not for: sending what was recorded, the session file's form (`kymo-format`), or reading it.
//!
//! A message is copied as it is, unformatted, into a ring of its thread that lies in a file mapped into memory. From
//! the moment the call returns it survives `kill -9`. A thread of the recorder's own takes records out of all rings
//! in the order of their time and hands them to a [`FrameSink`]; only what that has written is given up in the ring.
//! What a process left that was killed is read back from its spool by [`DeadSpool`].
//!
//! ```
//! use kymo::{Config, PlainFrames, Recorder};
//!
//! # fn main() -> std::io::Result<()> {
//! let folder = std::env::temp_dir().join(format!("kymo-example-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let frames = folder.join("frames");
//! let config = Config::new(folder.join("session.spool"));
//! let recorder = Recorder::start(config, Box::new(PlainFrames::append(&frames)?))?;
//!
//! let (id, ms) = (17_u64, 3_u64);
//! kymo::info!("order {id} took {ms} ms", id, ms);
//! kymo::warn!("disk almost full", free = 0.04, path = ?folder);
//!
//! let status = recorder.stop();
//! assert_eq!((status.framed, status.dropped.total()), (2, 0));
//! assert_eq!(PlainFrames::read(&frames)?[0].records[0].values, ["17", "3"]);
//! # std::fs::remove_dir_all(folder)
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `callsite` | a place in the program that records |
//! | `clock` | stamps and what they mean |
//! | `collect` | records of all rings in order, in batches |
//! | `macros` | `info!` and the others |
//! | `outcome` | why something was not recorded, counted |
//! | `raw` | all unsafe code |
//! | `record` | a record's payload, and values with a binary form |
//! | `recorder` | threads, their rings, the drainer, forks |
//! | `ring` | one writer, one reader |
//! | `sink` | where records go |
//! | `spool` | the files, and recovery |

mod callsite;
mod clock;
mod collect;
mod macros;
mod outcome;
mod raw;
mod record;
mod recorder;
mod repository;
mod ring;
mod session;
mod sink;
mod spool;

pub use callsite::Callsite;
pub use kymo_model::{EndReason, SessionId, Severity};
pub use outcome::{DropCounts, DropReason};
pub use record::{FIELDS_MAX, Field, FieldKind, FieldValue, Fields, TEXT_BYTES_MAX, Values};
pub use recorder::{AfterFork, Config, FullPolicy, Recorder, Status, stop_forked};
pub use repository::{
    Pruned, REPOSITORY_ENV, Recovered, Retention, Summary, recover, roots as repository_roots, sessions,
};
pub use session::{
    Builder, Event, Session, SessionStatus, Tally, Users, builder, close_fragment, end_session, flush,
    set_user, status,
};
pub use sink::{
    Batch, CallsiteInfo, FrameSink, PlainFrame, PlainFrames, PlainRecord, Position, Record, RingId,
    ThreadInfo,
};
pub use spool::{DeadSpool, Framed, OpenError, RecoveryReport, SpoolKind};

/// What tests need to pretend. Not for use by programs.
#[doc(hidden)]
pub mod testing {
    pub use crate::spool::pretend_earlier_boot;
}

/// What the macros need. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::callsite::fits;
    pub use crate::record::field::{Debugged, Displayed};
    pub use crate::recorder::record;
}
