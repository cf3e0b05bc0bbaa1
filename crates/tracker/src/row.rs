//! A session's row: what the rules need and what the report shows.

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_model::{DropReason, EndReason, Kymogram, SessionId, SessionKind, SessionState, Timestamp, User};

use crate::key::SessionKey;
use crate::process::Process;
use crate::tab::Tab;

/// Most properties kept for a session, and most characters of a name or value. A row stays within
/// a few kilobytes, and a report shows no more than a screenful. Beyond it the names that came
/// first stay.
pub const PROPERTIES_MAX: usize = 32;
/// See [`PROPERTIES_MAX`].
pub const PROPERTY_CHARS_MAX: usize = 200;
/// Most identities listed for a session. Beyond it: those that appeared first, and in the last
/// place the one seen last.
pub const USERS_MAX: usize = 16;

/// One session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Our id.
    pub id: SessionId,
    /// What it stands for.
    pub kind: SessionKind,
    /// What its events are grouped by.
    pub key: SessionKey,
    /// Earliest event or sign of life, in event time.
    pub started_at: Timestamp,
    /// Latest event or sign of life, in event time (heartbeats: server time).
    pub last_activity_at: Timestamp,
    /// Server time of the last thing that arrived for it.
    pub last_observed_at: Timestamp,
    /// How it ended; `None` while it runs.
    pub end: Option<End>,
    /// False while it consists of nothing but an end: such a session is kept (an earlier event
    /// may still arrive) but not shown.
    pub visible: bool,
    /// Its `session.start` event, if one is stored: date of it.
    pub start_event_at: Option<Timestamp>,
    /// Events stored.
    pub event_count: u64,
    /// Of these, errors.
    pub error_count: u64,
    /// What came for it and was not stored, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Sequence of the next event, from 1.
    pub next_sequence: u64,
    /// Who, in order of first appearance by event time.
    pub users: Vec<UserSpan>,
    /// What the agent says about itself and its surroundings, and what it attaches to every
    /// event. In order of name.
    pub properties: Vec<Property>,
    /// Smallest difference of arrival and event time seen, nanoseconds; shown, never applied. Of a
    /// process 0: its file may have lain about for days.
    pub clock_skew_nanos: i64,
    /// Its life, drawn.
    pub kymogram: Kymogram,
    /// For a browser tab's session: its page loads and its visit.
    pub tab: Option<Box<Tab>>,
    /// For a process's session: which sequences are stored, and what its files say.
    pub process: Option<Box<Process>>,
}

impl SessionRow {
    /// Whether it goes on.
    pub fn state(&self) -> SessionState {
        match self.end {
            None => SessionState::Running,
            Some(end) => end.reason().map_or(SessionState::Silent, SessionState::Ended),
        }
    }

    /// The last word of it, by the server's clock, if it is [silent](SessionState::Silent).
    pub fn silent_since(&self) -> Option<Timestamp> {
        (self.state() == SessionState::Silent).then_some(self.last_observed_at)
    }

    /// The user seen last by event time.
    pub fn current_user(&self) -> Option<&User> {
        self.users.iter().max_by_key(|span| span.last_at).map(|span| &span.user)
    }

    /// Date of the latest stored event, as far as the row tells: where events name their user, exact
    /// to the kymogram's last bucket (heartbeats in it count as well), else that bucket's beginning,
    /// which is never later. Unlike `last_activity_at` it is by the client's clock only.
    pub(crate) fn latest_event_at(&self) -> Option<Timestamp> {
        let bucket = *self.kymogram.buckets().last()?;
        let start = self.kymogram.start_of(bucket);
        let end = start.plus(Duration::from_nanos(self.kymogram.width_nanos()));
        let by_users = self.users.iter().map(|span| span.last_at.min(end)).max();
        by_users.max(Some(start))
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// How a session ended, or that nothing is heard of it. The moment is [`SessionRow::last_activity_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Silence; undone by activity in time.
    TimedOut,
    /// An end event with the agent's date.
    Event {
        /// The latest end event's date.
        at: Timestamp,
    },
    /// A close call, which has no date.
    CloseCall {
        /// When it arrived.
        received_at: Timestamp,
    },
    /// No end: nothing is heard of a process; undone by its next word.
    Silent,
    /// What the file of a process says, or whoever found it.
    Told(ToldEnd),
}

/// The end of a process, as its file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub reason: EndReason,
    /// The program could not say so; it was found out afterwards, from what it left.
    pub recovered: bool,
}

impl ToldEnd {
    /// The larger one holds: what the program itself said, then the latest. Equal moments are told apart by the words.
    pub(crate) fn rank(self) -> impl Ord {
        (!self.recovered, self.at, self.reason.as_str())
    }
}

impl End {
    /// The reason shown; `None`: it has not ended.
    pub const fn reason(self) -> Option<EndReason> {
        match self {
            Self::TimedOut => Some(EndReason::TimedOut),
            Self::Event { .. } | Self::CloseCall { .. } => Some(EndReason::Normal),
            Self::Silent => None,
            Self::Told(end) => Some(end.reason),
        }
    }

    /// The agent said so: unlike silence, nothing that arrives later undoes it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::TimedOut | Self::Silent)
    }
}

/// A user of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpan {
    /// Who.
    pub user: User,
    /// First event of theirs.
    pub first_at: Timestamp,
    /// Last event of theirs.
    pub last_at: Timestamp,
}

/// A named value that a session's events carried: the first value stays, the last is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name; resource properties have OpenTelemetry's (`service.version`, `host.name`).
    pub name: String,
    /// Earliest value by event time, and when.
    pub first: (Timestamp, String),
    /// Latest value by event time, and when.
    pub last: (Timestamp, String),
}
