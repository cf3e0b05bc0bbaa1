//! What a session and an event are.
//!
//! The ground floor: every other room speaks in these types. Nothing here does IO, reads a
//! clock, or knows JSON, HTTP or SQL; foreign formats are turned into these types by
//! `kymo-compat`, sessions are made from them by `kymo-tracker`, and `kymo-store` keeps them.
//!
//! ```
//! use kymo_model::{Event, EventKind, Severity, Timestamp};
//!
//! let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
//! let mut event = Event::new(EventKind::Log, now, now);
//! event.severity = Severity::WARN;
//! event.body = Some("disk almost full".into());
//! assert_eq!(event.severity.text(), "warn");
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`event`] | one recorded thing: its kind, severity, text, user, exception, attributes |
//! | [`exception`] | an error with its frames and nested causes |
//! | [`ids`] | project and session ids |
//! | [`kymogram`] | the few hundred bytes that draw a session's life |
//! | [`outcome`] | why something that came in was not stored |
//! | [`session`] | a session's kind, state and the reason it ended |
//! | [`severity`] | OpenTelemetry's severity numbers |
//! | [`time`] | points in time, nanoseconds |
//! | [`value`] | attribute values |

pub mod event;
pub mod exception;
pub mod ids;
pub mod kymogram;
pub mod outcome;
pub mod session;
pub mod severity;
pub mod time;
pub mod value;

pub use event::{Event, EventKind, User};
pub use exception::{Exception, Frame};
pub use ids::{InvalidId, ProjectId, SessionId};
pub use kymogram::Kymogram;
pub use outcome::DropReason;
pub use session::{EndReason, SessionKind, SessionState};
pub use severity::Severity;
pub use time::Timestamp;
pub use value::{Attributes, Value};
