//! One event as JSON: names and meaning are those of the server's `Event`, so that what reads one reads the other.

use kymo_filter::EventFacts;
use kymo_format::ReadRecord;
use kymo_model::{Attributes, Exception, SessionId, Timestamp};
use serde::{Serialize, Serializer};

use crate::session::LazyEvent;

/// Columns of events in CSV, as the server has them: each a path into the JSON.
pub const EVENT_COLUMNS: &[&str] = &[
    "id",
    "session_id",
    "sequence",
    "time",
    "observed_time",
    "severity",
    "kind",
    "category",
    "message",
    "user.id",
    "user.name",
    "reference_id",
    "exception.type",
    "exception.message",
    "exception",
    "attributes",
];

/// A moment as RFC 3339.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Id and name of a user.
#[derive(Debug, Serialize)]
pub(super) struct UserLine {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// An event. Two fields are always null here: the server gives an event its `id`, and users describe what is there.
#[derive(Debug, Serialize)]
pub struct EventLine {
    id: Option<String>,
    session_id: Option<String>,
    sequence: u64,
    time: Moment,
    observed_time: Moment,
    severity: &'static str,
    severity_number: u8,
    kind: String,
    category: Option<String>,
    message: Option<String>,
    user: Option<UserLine>,
    reference_id: Option<String>,
    user_description: Option<()>,
    exception: Option<Exception>,
    attributes: Attributes,
}

impl EventLine {
    /// Of a record of that session.
    pub fn new(session: Option<SessionId>, record: &ReadRecord) -> Self {
        Self::of(session, LazyEvent::new(record))
    }

    pub(super) fn of(session: Option<SessionId>, lazy: LazyEvent<'_>) -> Self {
        let sequence = lazy.sequence();
        let event = lazy.into_event();
        Self {
            id: None,
            session_id: session.map(|id| id.to_string()),
            sequence,
            time: Moment(event.time),
            observed_time: Moment(event.observed_time),
            severity: event.severity.text(),
            severity_number: event.severity.number(),
            kind: event.kind.as_str().to_owned(),
            category: event.category,
            message: event.body,
            user: event.user.map(|user| UserLine { id: user.id, name: user.name }),
            reference_id: event.reference_id,
            user_description: None,
            exception: event.exception,
            attributes: event.attributes,
        }
    }
}
