//! The session rules as one pure step: rows, events and the time in, changes out.
//!
//! What comes in from agents that send loose events (by user identity, or with a session id of
//! their own), from tabs and from processes is turned into sessions here. The rules are written down in
//! `docs/sessions.md`; this crate is their only implementation.
//!
//! Not for: storing anything, reading a clock, or knowing where an event came from. Whoever calls
//! it (the store, inside its commit transaction) loads the [`rows`](SessionRow) that
//! [`step::needs`] names, calls [`step::step`], and writes back what is marked as touched.
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use kymo_model::{Event, EventKind, SessionState, Timestamp};
//! use kymo_tracker::{Applied, Incoming, Role, Rows, Rules, SessionKey, step};
//!
//! let rules = Rules::default();
//! let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
//! let event = Event::new(EventKind::Log, now, now);
//! let alice = SessionKey::Identity("alice".into());
//! let batch = [Incoming {
//!     properties: vec![("service.version".into(), "1.2".into())],
//!     arrival: 1,
//!     ..Incoming::new(Some(alice), Role::Ordinary, event)
//! }];
//! assert_eq!(step::needs(&batch, &rules).len(), 1);
//!
//! let mut rows = Rows::default(); // what was loaded: nothing yet
//! let applied = step::step(&mut rows, &batch, now, &rules);
//!
//! let session = rows.sessions.values().next().unwrap();
//! assert!(matches!(applied[..], [Applied::Stored { session: Some(id), sequence: 1, .. }] if id == session.id));
//! assert_eq!(session.state(), SessionState::Running);
//! assert_eq!(session.event_count, 1);
//! assert_eq!(session.property("service.version").unwrap().last.1, "1.2");
//! assert_eq!(rows.touched, BTreeSet::from([session.id])); // what to write back
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`key`] | what an event is grouped by |
//! | [`process`] | what a process's row has beside: stored sequences, what its files say |
//! | [`row`] | a session's row: what the rules need and what the report shows |
//! | [`rules`] | the limits, with the reason of each default |
//! | [`tab`] | what a browser tab's row has beside: page loads, numbers, the visit |
//! | [`step`] | the step itself |

pub mod key;
pub mod process;
pub mod row;
pub mod rules;
pub mod step;
pub mod tab;

pub use key::SessionKey;
pub use process::{Beat, Process, Stretch, Told};
pub use row::{End, Property, SessionRow, ToldEnd, UserSpan};
pub use rules::{LIMIT_MOST, Rules};
pub use step::{Applied, Incoming, Mark, Need, Page, Role, Rows, Signal};
pub use tab::{LoadId, PageLoad, Part, Run, Tab, Visit};
