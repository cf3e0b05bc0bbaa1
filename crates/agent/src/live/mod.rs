//! A session that is followed while it runs (feature `live`, `docs/spec/live.md`).
//!
//! ```text
//!   engine (thread `kymo-live`)   may anything leave? where is the port? -> control, again and again
//!     control                     one connection: register, state, pings; what the server wants
//!       follow (a thread each)    a connection of its own: tail -> bytes of the session file
//!         tail                    the session's own files from a sequence on, while they grow
//! ```
//!
//! Nobody follows most of the time: then it is a thread that sleeps, a small file that is looked at each second, and a ping
//! each half minute. The recorder knows of it by two numbers: somebody follows, so it is to be quick; and somebody waits for
//! more, so it tells.

mod control;
mod engine;
mod follow;
mod found;
mod lines;
mod link;
mod raised;
mod status;
mod tail;
mod timing;
mod tls;

use lines::Lines;

pub(crate) use engine::{END_WITHIN, Engine};
pub use status::LiveStatus;
pub use timing::LiveTiming;
