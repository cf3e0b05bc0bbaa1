//! One recorded thing.

use std::fmt;

use crate::exception::Exception;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::value::Attributes;

/// One thing that happened in a program: a log line, an error, a use of a feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, by the agent's clock. Kept as it came, even where it cannot be right.
    pub time: Timestamp,
    /// When it arrived, by the server's clock.
    pub observed_time: Timestamp,
    /// How bad.
    pub severity: Severity,
    /// Of what sort.
    pub kind: EventKind,
    /// Logger name, feature name or resource: where in the program it belongs.
    pub category: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// The error, if it is about one.
    pub exception: Option<Exception>,
    /// Whom it happened to.
    pub user: Option<User>,
    /// The id the agent gave this event so that others can refer to it.
    pub reference_id: Option<String>,
    /// Everything else, in the order it came.
    pub attributes: Attributes,
}

impl Event {
    /// An event of that kind with [`Severity::INFO`] and nothing in it yet.
    pub fn new(kind: EventKind, time: Timestamp, observed_time: Timestamp) -> Self {
        Self {
            time,
            observed_time,
            severity: Severity::INFO,
            kind,
            category: None,
            body: None,
            exception: None,
            user: None,
            reference_id: None,
            attributes: Attributes::default(),
        }
    }

    /// Counts towards the session's errors.
    pub fn is_error(&self) -> bool {
        self.kind == EventKind::Error || self.exception.is_some()
    }
}

/// What sort of event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A log line.
    Log,
    /// Something failed.
    Error,
    /// A feature was used.
    Usage,
    /// Something was asked for that is not there.
    NotFound,
    /// The agent says that a session begins.
    SessionStart,
    /// The agent says that a session ends.
    SessionEnd,
    /// The agent's own word.
    Other(String),
}

impl EventKind {
    /// The word used in storage, API and UI.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Log => "log",
            Self::Error => "error",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::SessionStart => "session.start",
            Self::SessionEnd => "session.end",
            Self::Other(word) => word,
        }
    }

    /// The kind that `word` names; words that are not ours are kept.
    pub fn from_word(word: &str) -> Self {
        match word {
            "log" => Self::Log,
            "error" => Self::Error,
            "usage" => Self::Usage,
            "not_found" => Self::NotFound,
            "session.start" => Self::SessionStart,
            "session.end" => Self::SessionEnd,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom an event happened to, in the application's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// The application's id for them: an account, an e-mail address. Case counts.
    pub id: Option<String>,
    /// What to call them.
    pub name: Option<String>,
}
