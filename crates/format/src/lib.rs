//! The session file: what happened in one run of a program, as bytes that survive anything.
//!
//! Sans-IO: the [`Writer`] takes records with typed arguments and gives bytes, the [`Reader`] takes bytes and gives
//! records; neither opens a file, reads a clock or formats a text that nobody looks at. The format is specified in
//! `docs/spec/session-file.md`; a file can be read while it grows, after it was cut anywhere, around damage, and
//! from the middle.
//!
//! Not for: deciding when to flush, where files lie or what a session is; other formats of sessions.
//!
//! ```
//! use kymo_format::{Arg, Callsite, Header, Item, Reader, Record, Settings, Thread, Writer};
//! use kymo_model::{Attributes, SessionId, SessionKind, Severity, Timestamp};
//!
//! let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
//! let header = Header {
//!     session: SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6),
//!     fragment: 1,
//!     first_sequence: 1,
//!     started_at: now,
//!     opened_at: now,
//!     kind: SessionKind::Process,
//!     previous: None,
//!     agent: "example 1.0".to_owned(),
//!     resource: Attributes::default(),
//! };
//! let mut writer = Writer::new(&header, Settings::default())?;
//! writer.define_callsite(0, &Callsite::new(Severity::WARN, "disk {} is {:.1} % full", &["disk", "percent"]))?;
//! writer.define_thread(0, &Thread { id: 4711, name: Some("main".to_owned()) })?;
//! let args = [Arg::Text("sda"), Arg::F64(97.25)];
//! writer.record(&Record { time: now, thread: 0, callsite: 0, args: &args, extra: None, origin: None })?;
//! writer.flush()?; // now the output holds everything; it goes to a file, or to whoever follows
//!
//! let mut reader = Reader::new();
//! reader.feed(writer.output());
//! let items: Vec<Item> = std::iter::from_fn(|| reader.next()).collect();
//! let Some(Item::Record(record)) = items.last() else { panic!("expected a record") };
//! assert_eq!(record.message(), "disk sda is 97.2 % full");
//! assert_eq!(record.to_event(now).severity, Severity::WARN);
//! # Ok::<(), kymo_format::WriteError>(())
//! ```
//!
//! Errors: [`WriteError`] while writing; while reading there are none, but [`Item::Damage`] and [`Counts`].
//!
//! | module | holds |
//! |---|---|
//! | `chunk` | chunks with kind, length and checksum; finding the next one |
//! | `column` | columns of numbers and texts, both ways |
//! | `compress` | zstd, flushed block by block, with limits |
//! | `definitions` | callsites, threads and spans, both ways |
//! | `error` | what a writer refuses; what malformed bytes are |
//! | `header` | the head of a file and the end of a session, both ways |
//! | `index` | where frames begin, both ways |
//! | [`limits`] | every limit, with its derivation |
//! | `reader` | the state machine, frames, records and the events they are; the fragments in a file of many sessions |
//! | `record` | what a writer takes |
//! | `render` | template and arguments to text |
//! | `values` | values, attributes, exceptions, both ways |
//! | `wire` | varints and numbered fields |
//! | `writer` | records to columns, columns to blocks |

mod chunk;
mod column;
mod compress;
mod definitions;
mod error;
mod header;
mod index;
pub mod limits;
mod reader;
mod record;
mod render;
mod values;
mod wire;
mod writer;

pub use chunk::MAGIC;
pub use definitions::{Aggregation, Callsite, METRIC_EVENT, METRIC_SAMPLE, Metric, Source, Span, Thread};
pub use error::WriteError;
pub use header::{End, FORMAT_VERSION, Header};
pub use index::{Index, IndexEntry, index_length};
pub use reader::{Counts, Damage, Item, Part, Plan, ReadRecord, Reader, Splitter, Standing};
pub use record::{Arg, ArgValue, DetailsKind, Extra, Record, RingPosition};
pub use values::{attributes_bytes, attributes_from_bytes, exception_bytes, exception_from_bytes};
pub use writer::{Settings, Writer};
