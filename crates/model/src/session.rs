//! A session's kind, its state, and how it ended.

use std::fmt;

/// What a session stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// One run of a process.
    Process,
    /// One browser tab's agent life.
    Browser,
    /// What one user did, made from events by identity or by an explicit id.
    User,
}

impl SessionKind {
    /// The word used in storage, API and UI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Browser => "browser",
            Self::User => "user",
        }
    }

    /// The kind that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Process, Self::Browser, Self::User].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Signs of life within the idle limit.
    Running,
    /// No word for a while and no end either.
    Silent,
    /// Over, for this reason.
    Ended(EndReason),
}

impl SessionState {
    /// `running`, `silent` or `ended`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Silent => "silent",
            Self::Ended(_) => "ended",
        }
    }
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The agent said so.
    Normal,
    /// The program crashed.
    Crashed,
    /// The program was killed.
    Killed,
    /// Nothing was heard for longer than the idle limit; later activity may undo it.
    TimedOut,
    /// The machine lost power or was restarted.
    LostPower,
    /// Over, and nothing tells how.
    Unknown,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Normal, Self::Crashed, Self::Killed, Self::TimedOut, Self::LostPower, Self::Unknown];

    /// The word used in storage, API and UI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Crashed => "crashed",
            Self::Killed => "killed",
            Self::TimedOut => "timed_out",
            Self::LostPower => "lost_power",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
