//! What Exceptionless clients send, and what they expect back.
//!
//! Source of the facts: the HTTP API of Exceptionless (its server at `f5f0d885`, its JavaScript
//! client 3.2.1, its .NET client at `5eb567a5`), called *Exceptionless HTTP API* in this folder.
//!
//! ```text
//! request bytes --inflate--> bytes --to_utf8--> text --decode_events--> items + unreadable
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `body` | a body cut into items: object, array or lines of text |
//! | `fingerprint` | by what an event that is sent again is known again |
//! | `root` | the properties of an event |
//! | `event` | the fields turned into a model event |
//! | `event::error_data` | `@error` and `@simple_error` turned into exceptions |
//! | `event::properties` | what an event says about its session |
//! | `event::{severity, date}`, `names` | levels, dates, spellings of names |
//! | `submit` | an event in a query string |
//! | `description` | what a user said about an event |
//! | `config` | the client configuration: answers, and which settings can be |
//! | `config::{privacy, pattern}` | what a project's settings leave out of its events |
//! | `inflate`, `charset` | content encodings, content types |
//! | `heartbeat`, `credentials`, `query` | the other parts of requests and answers |
//! | `answer` | stored events and sessions as scripts read them back |
//!
//! Errors: [`InflateError`] (the request is refused as a whole) and [`Unreadable`] (an item of a
//! body that held nothing to keep). Everything else a client can send becomes an event.

mod answer;
mod body;
mod charset;
mod config;
mod credentials;
mod description;
mod event;
mod fingerprint;
mod heartbeat;
mod inflate;
mod names;
mod query;
mod root;
mod submit;

use kymo_model::Event;

pub use answer::{EventAnswer, SessionAnswer, type_of};
pub use body::decode_events;
pub use charset::{is_allowed_content_type, to_utf8};
pub use config::{InvalidSetting, Privacy, check_setting, config_answer};
pub use credentials::credentials;
pub use description::{Description, InvalidDescription, decode_description};
pub use heartbeat::{Heartbeat, parse_heartbeat};
pub use inflate::{InflateError, inflate};
pub use names::is_valid_id;
pub use submit::decode_submit;

pub use crate::Unreadable;

/// Longest request body, as it comes over the wire: the reference's default for its
/// `MaximumEventPostSize`. Clients answer a 413 with smaller batches, so a larger limit would only
/// hold more memory.
pub const BODY_BYTES_MAX: usize = 200_000;

/// Longest body after decompression: ten times [`BODY_BYTES_MAX`], as in the reference.
pub const INFLATED_BYTES_MAX: usize = 10 * BODY_BYTES_MAX;

/// Most items taken from one body. Clients send at most 50. The smallest event that says anything
/// has some 28 bytes, so an uncompressed body holds at most 7,000; the limit keeps two million
/// bytes of `[0,0,…` from becoming a million events (an [`Item`] has 440 bytes: 22 MB).
pub const ITEMS_MAX: usize = 50_000;

/// Who sent a body.
#[derive(Clone, Debug, Default)]
pub struct Submission<'a> {
    /// The header `X-Exceptionless-Client`, else `User-Agent`.
    pub client: Option<&'a str>,
    /// The address it came from, if it is to be kept.
    pub ip: Option<String>,
    /// What the project does not keep; `None`: it keeps everything.
    pub privacy: Option<&'a Privacy>,
}

/// One event of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What happened.
    pub event: Event,
    /// The client's own id of the session: the `reference_id` of a session start,
    /// `data["@ref:session"]` of anything else. Only if [valid](is_valid_id).
    pub session_id: Option<String>,
    /// The user's identity, for grouping: also where the event may not show it.
    pub identity: Option<String>,
    /// What the event says about its session, under OpenTelemetry's names where it has one.
    pub properties: Vec<(String, String)>,
    /// Equal when the same event is sent again, in whatever batch; `None` where equal posts are
    /// legitimate. Unique only together with project and token.
    ///
    /// ```text
    /// 0..4   low 32 bits of the event's unix seconds, big-endian (0 without a date)
    /// 4..16  SHA-256(item's JSON + u32 ordinal among equal items, big-endian)[..12]
    /// ```
    ///
    /// The JSON is taken as sent, without the figures of `@environment` that an agent updates in
    /// events that wait: memory, load, uptime.
    pub fingerprint: Option<[u8; 16]>,
}

/// What a body held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The events, in the order of the body.
    pub items: Vec<Item>,
    /// The elements that became none.
    pub unreadable: Vec<Unreadable>,
}
