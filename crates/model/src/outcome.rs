//! Why something that came in was not stored. Nothing is discarded without one of these and a
//! counter that a user can see.

/// The reason an item was not stored as an event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// The same event was stored before.
    Duplicate,
    /// A session start inside an open session.
    DuplicateStart,
    /// A heartbeat: it moved the session's last activity and is not kept as an event.
    Heartbeat,
    /// A heartbeat after the session ended.
    LateHeartbeat,
    /// The item could not be read as an event.
    Unreadable,
    /// The session's stored sequences have more gaps than are told apart, and the event would make another.
    TooManyGaps,
    /// The request was refused as a whole: larger than the limit.
    TooLarge,
    /// The request was refused as a whole: the server was busy, the client tries again.
    Overload,
    /// The request was refused as a whole: no token, one that does not hold, or one that may not
    /// send from there.
    Unauthorized,
    /// The request was refused as a whole: its body is compressed in a way that is not known, or of
    /// a type that is not expected.
    Unsupported,
    /// The request was refused as a whole: its sender sends more than is allowed, and tries again later.
    RateLimited,
}

impl DropReason {
    /// Every reason, for reports that show zeros too.
    pub const ALL: [Self; 11] = [
        Self::Duplicate,
        Self::DuplicateStart,
        Self::Heartbeat,
        Self::LateHeartbeat,
        Self::Unreadable,
        Self::TooManyGaps,
        Self::TooLarge,
        Self::Overload,
        Self::Unauthorized,
        Self::Unsupported,
        Self::RateLimited,
    ];

    /// Whether it counts requests that were refused as a whole, not items.
    pub const fn is_refusal(self) -> bool {
        match self {
            Self::TooLarge | Self::Overload | Self::Unauthorized | Self::Unsupported | Self::RateLimited => {
                true
            }
            Self::Duplicate
            | Self::DuplicateStart
            | Self::Heartbeat
            | Self::LateHeartbeat
            | Self::Unreadable
            | Self::TooManyGaps => false,
        }
    }

    /// The reason that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The word used in storage, API and UI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::DuplicateStart => "duplicate_start",
            Self::Heartbeat => "heartbeat",
            Self::LateHeartbeat => "late_heartbeat",
            Self::Unreadable => "unreadable",
            Self::TooManyGaps => "too_many_gaps",
            Self::TooLarge => "too_large",
            Self::Overload => "overload",
            Self::Unauthorized => "unauthorized",
            Self::Unsupported => "unsupported",
            Self::RateLimited => "rate_limited",
        }
    }
}
