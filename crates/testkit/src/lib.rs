//! What tests share: the real program as a process, and what runs against it.
//!
//! Everything here panics when something is not as expected, with what was found: it is for tests
//! and benches only and never a dependency of what ships.
//!
//! | module | holds |
//! |---|---|
//! | [`fault_proxy`] | a line to a server that is cut, slow, or answers itself, by a seed |
//! | [`kymo`] | the server as a process: start, kill, start again, ask |
//! | [`live_agent`] | a program that is followed, played over TCP |
//! | [`node`] | scripts with real JavaScript agents and a browser, as processes |
//! | [`random`] | a small seeded generator; the seed is printed by who uses it |
//! | [`record_requests`] | those requests as a session file |
//! | [`requests`] | ten thousand recorded messages, made again from rules |
//! | [`screen`] | an X server that draws into memory, and windows on it |
//! | [`told`] | what agents were told, compared with what the server stored |
//! | [`wire`] | requests as bytes |

#![expect(
    clippy::missing_panics_doc,
    reason = "everything here panics when a test finds what it did not expect"
)]

pub mod fault_proxy;
pub mod kymo;
pub mod live_agent;
pub mod node;
pub mod random;
pub mod record_requests;
pub mod requests;
pub mod screen;
pub mod told;
pub mod wire;

pub use fault_proxy::{FaultProxy, Faults};
pub use kymo::Kymo;
pub use live_agent::LiveAgent;
pub use node::Script;
pub use random::Random;
pub use screen::Screen;
