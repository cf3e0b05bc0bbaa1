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

use std::path::{Path, PathBuf};

mod gate;
mod helper;
pub(crate) mod policy;
mod select;
mod sent;
mod settings;
mod standin;
mod wish;

pub use gate::{Gate, SendReason};
pub use helper::run_helper;
pub use select::{Criteria, Local, LocalFragment, select};
pub use sent::{Sent, SentFragment};
pub use settings::{MailSecurity, MailSettings, Secret, SendSettings};
pub use standin::{Progress, SendReport, send_now};
pub use wish::Wish;

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
        .collect();
    // Its own first; the others in the same order each time.
    folders.sort_unstable();
    folders.insert(0, application.to_owned());
    folders
}
