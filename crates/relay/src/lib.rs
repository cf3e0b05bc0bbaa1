//! The relay: which sessions run, and what they record passed on while they do, to any number of followers.
//!
//! It speaks the live protocol (`docs/spec/live.md`) on connections that others accept, TLS or not. A followed session
//! has one data connection; what comes through it is kept in a bounded [backlog](Kept), in which each follower has a
//! place. So followers share the bytes, and one that does not read falls behind alone.
//!
//! Not for: listening, TLS, who may do what ([`Access`] is asked), storing, what sessions look like to people.
//!
//! | module | holds |
//! |---|---|
//! | `access` | what the relay asks others |
//! | `agent` | control connections |
//! | `backlog` | the last bytes of a followed session |
//! | `changes` | which sessions changed since somebody looked |
//! | `connection` | messages of a connection, both ways, with time limits |
//! | `counters` | what is counted |
//! | `followed` | a session that is followed: its backlogs and who asks the agent |
//! | `relay` | everything there is, and who enters |
//! | `session` | a session that runs |
//! | `subscription` | a follower's place |
//! | `upstream` | data connections |
//! | `viewer` | connections of viewers |

mod access;
mod agent;
mod backlog;
mod changes;
mod connection;
mod counters;
mod followed;
mod relay;
mod session;
mod subscription;
mod upstream;
mod viewer;

pub use access::{Access, Filter, Viewer};
pub use backlog::Kept;
pub use connection::Io;
pub use counters::Counted;
pub use relay::{Limits, Relay};
pub use session::{Key, LiveSession};
pub use subscription::{Subscription, Told};
