//! The limits of the rules, with the reason of each default.

use std::time::Duration;

/// Limits of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Silence in event time after which the same identity gets a new session. 15 minutes: what
    /// users of the field's tools are used to, and a coffee does not split a visit.
    pub split_after: Duration,
    /// Silence after which a session is shown as ended (`timed_out`); activity within
    /// `split_after` undoes it. Five missed heartbeats of the slowest known agent (60 s).
    pub idle_after: Duration,
    /// Server time for which events may still join a session after its close call. Agents send
    /// the call beside or before their last batch, and a batch is retried within this time.
    pub close_grace: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            split_after: Duration::from_mins(15),
            idle_after: Duration::from_mins(5),
            close_grace: Duration::from_mins(2),
        }
    }
}
