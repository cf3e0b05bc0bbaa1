//! What Loupe's agents in browsers post to `/loupe/log`.
//!
//! Source of the facts: four generations of agents - the two of 2015, called *native* and
//! *Angular* here, and the TypeScript ones 1.4.0 and 2.0.4 - and the two endpoints they were made
//! for, read in their sources and recorded (`conformance/loupe-web/`). Called *Loupe web protocol*
//! in this folder.
//!
//! ```text
//! body --cut--> messages + session --message--> fields --event--> items
//!   |                                                               |
//!   +---------------- what breaks off, what is empty ---------------+--> unreadable
//! ```
//!
//! The receivers of old refuse a post, or lose its rest, for one value of another type, and the
//! agents then delete all of it. So here each message stands for itself, and a value of a type
//! nobody expected becomes an attribute under the agent's name for it.
//!
//! | module | holds |
//! |---|---|
//! | `body` | a body turned into items |
//! | `cut` | a body's text cut into messages without reading them, also where it breaks off |
//! | `message` | one message's members |
//! | `event` | the members turned into a model event |
//! | `composite` | a description with its parameters |
//! | `exception`, `stack` | exceptions and their frames |
//! | `source` | the place in the source |
//! | `session` | what a post says about browser and tab |
//! | `ids`, `severity`, `time`, `fingerprint` | ids, levels, dates, by what a message is known again |
//!
//! Errors: only [`Unreadable`], and the rest of a post goes on.
//!
//! # Attributes
//!
//! | of the event | what |
//! |---|---|
//! | `code.file.path`, `code.function.name`, `code.line.number`, `code.column.number`, `code.namespace` | the place in the source |
//! | `parameters` | what the description's holes are filled with, always a list |
//! | `details` | the application's own, read if it is the JSON of a list or map |
//! | `session.id` | the message's own session id as sent |
//! | `severity`, `sequence`, `timestamp`, … | a known member whose value means nothing to us |
//! | any other name | an unknown member; on the first item also those of the post, of `session.` and `session.client.` |
//!
//! | of the exception | what |
//! |---|---|
//! | `url.full`, `code.line.number`, `code.column.number` | what the agent says about the place: of an uncaught error the script, else the page |
//! | `cause` | where it is not the type |
//! | `stack.title` | the line above the stack, if it says something other than type and message |
//! | `stack.rest` | lines beyond the most frames that are read |
//! | any other name | an unknown member |
//!
//! A frame can have `async` and `constructor` (true) and `eval.origin`.

mod body;
mod composite;
mod cut;
mod event;
mod exception;
mod fingerprint;
mod ids;
mod message;
mod session;
mod severity;
mod source;
mod stack;
mod time;

use kymo_model::Event;

pub use body::decode_log;
pub use ids::is_plausible_id;

pub use crate::Unreadable;

/// Longest body. Browsers keep at most 5 Mi UTF-16 characters per origin, and the oldest agents
/// post all of it at once: 5 MiB of ASCII, with room for three in ten characters of three bytes.
///
/// Decoding takes up to 50 MB beside three times the body, so whoever calls decides how many are
/// decoded at once.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most messages taken from one body. The smallest message that an agent writes has 270
/// characters, so the 5 Mi it can keep hold 19,400 of them.
pub const ITEMS_MAX: usize = 20_000;

/// Longest text of a property, in characters. It is repeated for each message, and a session
/// keeps no more of it.
const PROPERTY_CHARS_MAX: usize = 200;

/// What the headers of a post say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The header `loupe-agent-sessionid`.
    pub agent_session_id: Option<&'a str>,
    /// The header `loupesessionid`.
    pub session_id: Option<&'a str>,
    /// The value of the cookie `LoupeSessionId`.
    pub cookie: Option<&'a str>,
    /// The header `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// The header `Referer`.
    pub referer: Option<&'a str>,
}

/// One message of a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What happened.
    pub event: Event,
    /// The tab's id: the message's own, else the header's, else the post's. `None` also if it is
    /// not [plausible](is_plausible_id).
    pub agent_session_id: Option<String>,
    /// What the agents call the session id, and make anew with each page load: the message's
    /// own, else the header's. `None` also if it is not [plausible](is_plausible_id).
    pub page_load_id: Option<String>,
    /// To which visit it belongs.
    pub visit_id: Option<VisitId>,
    /// The message's number in its tab. A tab opened from a page goes on counting from a copy.
    pub sequence: Option<u64>,
    /// What the post says about browser and page, under OpenTelemetry's names where it has one.
    pub properties: Vec<(String, String)>,
    /// Equal when the same message is sent again, whoever sends it; `None` where the message has
    /// neither number nor date. Unique only together with project and token.
    ///
    /// ```text
    /// 0..4   low 32 bits of the message's unix seconds, big-endian (0 without a date)
    /// 4..16  SHA-256(agent session id + 0xff + message's JSON)[..12]
    /// ```
    ///
    /// The JSON is taken as sent, so it holds number, date and own ids; of a message that came
    /// as text it is what is in the text. Copies within a body are duplicates too.
    pub fingerprint: Option<[u8; 16]>,
}

/// What the sessions of one visit have in common: a label, never a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitId {
    /// The cookie's value, else the page load's id.
    pub id: String,
    /// Whether it is the cookie's.
    pub from_cookie: bool,
}

/// What a body held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The messages, in the order of the body.
    pub items: Vec<Item>,
    /// What became none.
    pub unreadable: Vec<Unreadable>,
}

#[cfg(test)]
mod tests;
