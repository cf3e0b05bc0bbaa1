//! What leaves the machine: sessions of the repository, to a server, by mail, or in a file; by rule, or when asked.
//!
//! ```text
//!   settings, a person's word -> gate      may anything leave?
//!   error, exit, asked        -> wish      a small file beside the session; survives the process
//!   summaries, fragments      -> select    which sessions are meant, what of them is there
//!   server, mail              -> sent      what is known to have arrived; only then anything is purged
//! ```
//!
//! Everything here is public for programs that bring sessions away by themselves, such as `kymo pack`.

mod gate;
mod pack;
mod select;
mod sent;
mod settings;
mod wish;

pub use gate::{Gate, SendReason};
#[cfg(feature = "mail")]
pub use pack::mail;
pub use pack::package;
pub use select::{Criteria, Local, LocalFragment, select};
pub use sent::{Sent, SentFragment};
pub use settings::{MailSecurity, MailSettings, Secret, SendSettings};
pub use wish::Wish;
