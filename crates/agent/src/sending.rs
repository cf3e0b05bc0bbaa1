//! What leaves the machine: sessions of the repository, to a server, by mail, or in a file; by rule, or when asked.
//!
//! ```text
//!   settings, a person's word -> gate      may anything leave?
//!   error, exit, asked        -> wish      a small file beside the session; survives the process
//!   summaries, fragments      -> select    which sessions are meant, what of them is there
//!   rules, wishes             -> engine    a thread that sends for the folder, if no other process does
//!   sessions, the server      -> pass      piece by piece, from where the server is
//!   server, mail              -> sent      what is known to have arrived; only then anything is purged
//! ```
//!
//! Everything here is public for programs that bring sessions away by themselves, such as `kymo pack`.

use std::path::{Path, PathBuf};

mod at_exit;
mod client;
mod engine;
mod gate;
mod pace;
mod pack;
mod pass;
mod pieces;
pub(crate) mod policy;
mod purge;
mod select;
mod sent;
mod settings;
mod status;
mod wish;

pub use at_exit::run_helper;
#[cfg(feature = "live")]
pub(crate) use client::LivePlace;
#[cfg(feature = "live")]
pub(crate) use client::own_certificates;
pub use client::{Beat, Client, Head, SendError, SendErrorKind, Standing};
#[doc(hidden)]
pub use engine::Timing;
#[cfg(feature = "live")]
pub(crate) use engine::chance;
pub use engine::{Engine, STOP_WITHIN};
pub use gate::{Gate, SendReason};
#[cfg(feature = "live")]
pub(crate) use pace::BackOff;
#[cfg(feature = "mail")]
pub use pack::mail;
pub use pack::package;
pub use pass::{Progress, SendReport, send_now, send_these};
pub use select::{Criteria, Local, LocalFragment, select};
pub use sent::{Mailed, Sent, SentFragment};
pub use settings::{MailSecurity, MailSettings, Secret, SendSettings};
pub use status::SendStatus;
pub use wish::Wish;

/// What a product's configuration says of sending: the section `[agent]` of that file, and the environment over it. And
/// what is wrong there, in words; of that nothing holds.
pub fn configured(file: &Path) -> (SendSettings, Vec<String>) {
    let (builder, mut wrong) = crate::inputs::config::configured(crate::builder("", "").config_file(file));
    let (settings, more) = builder.settings_of_sending();
    wrong.extend(more);
    (settings, wrong)
}

/// Other applications of a product that are looked after.
const FOLDERS_MAX: usize = 1_000;

/// The folders that are meant: of the application alone, or of all of the product.
pub(crate) fn folders(application: &Path, settings: &SendSettings) -> Vec<PathBuf> {
    let own = || vec![application.to_owned()];
    let Some(product) = application.parent().filter(|_| settings.send_all_applications) else { return own() };
    let Ok(entries) = std::fs::read_dir(product) else { return own() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| path != application)
        .take(FOLDERS_MAX)
        .collect();
    // Its own first; the others in the same order each time.
    folders.sort_unstable();
    folders.insert(0, application.to_owned());
    folders
}

/// Wishes something of the session of now: what was recorded before goes to its file, the wish beside it, and the sender
/// looks at once. Waits as [`crate::flush`] does. [`Wish::user_asked`] is for a program's own front end, which a person used just
/// now.
///
/// Errors: `NotFound` without a session; what the disk says.
pub fn wish(wish: Wish) -> std::io::Result<()> {
    let running = crate::session::running().ok_or(std::io::ErrorKind::NotFound)?;
    crate::flush();
    running.wish(wish)?;
    running.nudge_sender();
    Ok(())
}

/// Has the session's sender look at once. Without a session, or one that sends, nothing happens. Returns at once.
pub fn nudge() {
    if let Some(running) = crate::session::running() {
        running.nudge_sender();
    }
}
