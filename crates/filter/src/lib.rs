//! The filter language: text in, a tree of conditions on sessions and events out.
//!
//! One language for the API, the page and the command line; `docs/filter.md` describes it for people.
//! What the text of an event is searched by is here as well: the one tokenizer, the one way to fold
//! case, and whether a tree fits an event or a session in memory. Not for: looking anything up. The store
//! turns a [`Query`] into SQL and row filters.
//!
//! ```
//! use kymo_filter::{Query, Subject};
//! use kymo_model::Timestamp;
//!
//! let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
//! let text = r#"user:ann version:2.* duration:>1m -category:Http* started:[now-7d TO now]"#;
//! let query = Query::parse(text, Subject::Session, now).unwrap();
//! assert_eq!(
//!     query.to_string(),
//!     "user:ann version:2.* duration:>60 -category:http* \
//!      started:[2026-09-14T14:13:20Z TO 2026-09-21T14:13:20.000000001Z}"
//! );
//!
//! let error = Query::parse("usr:ann", Subject::Session, now).unwrap_err();
//! assert_eq!((error.position, error.length, error.suggestion.as_deref()), (0, 3, Some("user")));
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `query` | the tree, and the limits of a filter |
//! | `syntax` | the grammar |
//! | `resolve`, `values` | names to fields, values to tests |
//! | [`field`] | the table of fields, with the names of Exceptionless |
//! | [`text`] | words, patterns, folding |
//! | [`evaluate`] | whether a tree fits an event or a session in memory |
//! | `print` | a tree as text |
//! | `error` | what is wrong, where, and what may have been meant |

mod error;
pub mod evaluate;
pub mod field;
mod print;
mod query;
mod resolve;
mod syntax;
#[cfg(test)]
mod tests;
pub mod text;
mod values;

pub use error::FilterError;
pub use evaluate::{EventFacts, SessionFacts, event_fits, session_fits};
pub use field::{EventField, FIELDS, Field, FieldRow, FieldType, SessionField, Subject};
pub use query::{DEPTH_MAX, FILTER_CHARS_MAX, Node, Query, Range, TERMS_MAX, Term, Test};
pub use text::{Pattern, Words};
