//! Session files for people and scripts.
//!
//! Finds the files of sessions, reads them from end to end or around one event, and shows them: as lines of JSON,
//! CSV or text, as a table of sessions, or drawn in a terminal while they grow. What is damaged is told beside what
//! was read and ends nothing. No more than an index and what is on the screen is held of a file.
//!
//! Not for: what the format means (that is `kymo-format`), what filters mean (`kymo-filter`), arguments of programs,
//! exit codes. It reads no clock.
//!
//! ```no_run
//! let found = kymo_viewer::find("sessions".as_ref())?;
//! let told = kymo_viewer::write_events(&found, kymo_viewer::Format::Text, None, &mut std::io::stdout())?;
//! for sentence in told.damages {
//!     eprintln!("{sentence}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`session`] | files, what was lost in them, where events lie, threads that read |
//! | [`lines`] | events and sessions as lines |
//! | `screen` | the viewer, and the steps of [`pack`]: what is shown, keys, drawing, the terminal |
//! | [`tail`] | sessions of a folder, told while they are recorded |
//! | `row` | an event in one line |
//! | `text` | foreign text made harmless and brought to a width |
//! | `error` | what could not be done at all |

mod error;
pub mod lines;
mod row;
mod screen;
pub mod session;
pub mod tail;
mod text;

pub use error::{ViewError, ViewErrorKind};
pub use lines::{Format, LocalSession, Told, local_session, write_events};
pub use screen::{Ended, View, pack, view};
pub use session::{Found, SessionFiles, Summary, find};
pub use text::{bytes as size_text, harmless};
