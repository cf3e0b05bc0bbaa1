//! The agent: records what a program does as sessions on its own disk, so that they survive the program and cost nearly
//! nothing.
//!
//! ```
//! # let folder = std::env::temp_dir().join(format!("kymo-example-{}", std::process::id()));
//! // At the beginning of `main`. The session ends with the process, however that ends.
//! let session = kymo::builder("Shop", "till").version("1.2.0").repository(&folder).start();
//!
//! let (id, ms) = (17_u64, 3_u64);
//! kymo::info!("order {id} took {ms} ms", id, ms);
//! kymo::warn!("disk almost full", free = 0.04, path = ?folder);
//! kymo::Event::new(kymo::Severity::ERROR, "the payment failed").user("17", Some("Ann")).record();
//!
//! # let status = session.end(kymo::EndReason::Normal, None).unwrap();
//! # assert_eq!((status.tally.messages, status.tally.errors, status.recorder.dropped.total()), (3, 1, 0));
//! # std::fs::remove_dir_all(folder).unwrap();
//! ```
//!
//! A message is copied as it is, unformatted, into a ring of its thread that lies in a file mapped into memory. From
//! the moment the call returns it survives `kill -9`; a loss of power costs two seconds. A thread of the agent's own
//! takes records out of all rings in the order of their time and writes them to the session's file; only what was
//! written is given up in the ring. What a process left that was killed is brought there by the next that starts.
//!
//! * The program is never hurt: nothing here panics into it, blocks it for longer than two seconds, or keeps it alive.
//! * What is not recorded is counted, by reason: [`status`].
//! * It needs no runtime and sets no signal handlers. A process that is forked off begins a session of its own.
//!
//! Ways in besides the macros, each with a section in `docs/agent.md`: `tracing` ([`tracing_layer`], feature `tracing`),
//! `log` ([`install_log`], feature `log`), both on by default; `metrics` (`install_metrics`, feature `metrics`); single
//! [`Sample`]s; sessions of users ([`user_session`]); `kymo.toml` and the environment.
//!
//! Not for: the session file's form and reading it (`kymo-format`).
//!
//! | module | holds |
//! |---|---|
//! | `callsite` | a place in the program that records |
//! | `clock` | stamps and what they mean |
//! | `inputs` | the ways in besides the macros: `tracing`, `log`, metrics, users, configuration |
//! | `live` | the session followed while it runs (feature `live`) |
//! | `macros` | `info!` and the others |
//! | `outcome` | why something was not recorded, counted |
//! | `raw` | all unsafe code |
//! | `record` | a record's payload, and values with a binary form |
//! | `recorder` | threads, their rings, the drainer, forks |
//! | `repository` | where sessions lie on the disk; recovery and pruning |
//! | `ring` | one writer, one reader |
//! | `sending` | what leaves the machine: when, what, where to (feature `send`) |
//! | `session` | the session of this process: file, start, end, panics |
//! | `sink` | what takes records from the recorder |
//! | `spool` | what is recorded and not yet in the file; taking it out in order, in batches |

mod callsite;
mod clock;
mod inputs;
#[cfg(feature = "live")]
mod live;
mod macros;
mod outcome;
mod raw;
mod record;
mod recorder;
mod repository;
mod ring;
#[cfg(feature = "send")]
pub mod sending;
mod session;
mod sink;
mod spool;

pub use inputs::{FilterError, InputCounts, Number, Sample, UserSession, filter, set_filter, user_session};
#[cfg(feature = "tracing")]
pub use inputs::{KymoLayer, tracing_layer};
#[cfg(feature = "log")]
pub use inputs::{KymoLogger, install_log, log_logger};
#[cfg(feature = "metrics")]
pub use inputs::{KymoMetrics, install_metrics, metrics_recorder};
pub use kymo_model::{EndReason, SessionId, Severity, Timestamp};
#[cfg(feature = "live")]
pub use live::LiveStatus;
pub use outcome::{DropCounts, DropReason};
pub use recorder::{FullPolicy, Status};
pub use repository::{
    Consent, ConsentState, Pruned, REPOSITORY_ENV, Recovered, Retention, Summary, application_folders,
    recover, recover_below, roots as repository_roots, sessions,
};
#[cfg(feature = "send")]
pub use sending::policy::{
    Alert, AlertEvent, Choice, ConsentAnswer, ConsentQuestion, DialogFrontEnd, FrontEnd, Problem,
    ProblemAnswer, TerminalFrontEnd, ask_consent, ask_consent_if_due, on_alert, send_sessions,
    send_sessions_in_background, set_auto_send_on_error, set_auto_send_sessions, set_front_end,
    set_purge_sent_sessions, set_send_sessions_on_exit, tell_problem,
};
#[cfg(all(unix, feature = "signals"))]
pub use session::end_on_signals;
pub use session::{
    Builder, Event, Session, SessionStatus, Tally, Users, builder, close_fragment, consent, end_session,
    flush, set_consent, set_severity_min, set_user, status,
};
pub use spool::SpoolKind;

/// The recorder without a session, for tests and benches of it alone. Not for use by programs.
#[doc(hidden)]
pub mod testing {
    pub use crate::clock::shift_wall_clock;
    #[cfg(feature = "live")]
    pub use crate::live::LiveTiming;
    pub use crate::recorder::{AfterFork, Config, Recorder, stop_forked};
    #[cfg(feature = "send")]
    pub use crate::sending::Timing;
    pub use crate::sink::{Batch, FrameSink, PlainFrame, PlainFrames, PlainRecord};
    pub use crate::spool::pretend_earlier_boot;
}

/// What the macros need. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::callsite::{Callsite, fits, in_category};
    pub use crate::record::field::{Debugged, Displayed};
    pub use crate::recorder::record;
}
