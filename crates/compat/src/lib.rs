//! Foreign formats to and from the model: pure functions over bytes.
//!
//! A decoder here takes what arrived and gives what the model can say about it. It keeps no
//! state, reads no clock and does no IO, so the same bytes always give the same answer. Foreign
//! bytes are untrusted: nothing here panics, and nothing allocates on the word of a length
//! field or without a limit that has a name.
//!
//! It is not for deciding what an event means to a session (`kymo-tracker`), for HTTP routes
//! and status codes (`kymo-server`), or for keeping anything (`kymo-store`).
//!
//! ```
//! use kymo_compat::exceptionless::{Submission, decode_events};
//! use kymo_model::{EventKind, Timestamp};
//!
//! let body = br#"[{"type":"usage","source":"checkout","data":{"@user":{"identity":"ann"}}}]"#;
//! let arrived = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
//! let decoded = decode_events(body, arrived, &Submission::default());
//! let event = &decoded.items[0].event;
//! assert_eq!(event.kind, EventKind::Usage);
//! assert_eq!(event.category.as_deref(), Some("checkout"));
//! assert_eq!(event.user.as_ref().unwrap().id.as_deref(), Some("ann"));
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`exceptionless`] | the HTTP API of Exceptionless clients: bodies, heartbeats, keys, configuration |
//! | [`loupe_web`] | what Loupe's agents in browsers post |
//! | `json` | reading JSON that strangers wrote |
//! | `unreadable` | what of a body became no event |

pub mod exceptionless;
mod json;
pub mod loupe_web;
mod unreadable;

pub use unreadable::Unreadable;
