//! Events and sessions as lines for scripts and people: JSON, CSV, text.

mod event;
mod local;
mod text_line;
mod write;

pub use event::{EVENT_COLUMNS, EventLine};
pub(crate) use local::level_name;
pub use local::{LocalSession, local_session};
pub use text_line::{Look, TextLine};
pub use write::{Format, Told, write_events};
