//! What the row of a process's session has beside the others: which of the agent's sequences are stored, and
//! what its files say about it.
//!
//! The agent numbers the records of a run from 1, without gaps; a file of the run may come in any order and any number of times, or
//! never, where the agent removed it for want of room. So a sequence that is stored came before, and one that is not is
//! wanted:
//!
//! ```text
//!  sequence   1 ....... 900          1801 ... 2000                recorded: 2400
//!  stored     [stretch 1, 900] gap   [stretch 1801, 2000]  gap to 2400
//! ```

use std::collections::BTreeMap;

use kymo_model::{DropReason, SessionId, Timestamp, User};

use crate::key::SessionKey;
use crate::row::ToldEnd;

/// Stretches of sequences told apart. A file that is removed or damaged makes a gap: at 20 MiB a file this is 20 GiB of
/// which every other file is missing; in the row it takes up to 40 KiB.
pub const STRETCHES_MAX: usize = 1024;
/// Largest sequence that is taken for one: JavaScript's largest exact integer.
pub const SEQUENCE_MAX: u64 = 1 << 53;
/// Reasons of an agent's losses that are kept; it has less than ten. Beyond it those that came first stay.
pub const LOSSES_MAX: usize = 32;

/// A process's part of a session row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Sequences that are stored, ascending, neighbours joined.
    pub stored: Vec<Stretch>,
    /// The last sequence that the agent is known to have given.
    pub recorded: u64,
    /// What the agent could not record, by its own word for the reason.
    pub lost: BTreeMap<String, u64>,
    /// The session that this one came out of, by fork or roll-over: the agent's id.
    pub previous: Option<SessionId>,
    /// Messages that the agent recorded, as a [`Beat`] says; 0 where none came.
    pub messages: u64,
    /// Errors that a [`Beat`] told of and that are not stored. They are counted with the session's, and one that is stored
    /// is one of them.
    pub awaited_errors: u64,
    /// A person asked for all of it.
    pub is_requested: bool,
}

/// Consecutive sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What a file says about its session beside its events.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Whose: a [`SessionKey::Process`].
    pub key: SessionKey,
    /// When the session began.
    pub started_at: Timestamp,
    /// The resource, by OpenTelemetry's names.
    pub properties: Vec<(String, String)>,
    /// Who runs the program.
    pub user: Option<User>,
    /// The session before it.
    pub previous: Option<SessionId>,
    /// The last sequence that the file tells of, 0 for none.
    pub recorded: u64,
    /// What the agent could not record: totals since the session began.
    pub lost: Vec<(String, u64)>,
    /// How it ended.
    pub end: Option<ToldEnd>,
    /// See [`Incoming::arrival`](crate::Incoming::arrival).
    pub arrival: u64,
}

/// What a sender says of a session that it has not sent, or not all of, while the program runs. All totals are since the
/// session began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whose: a [`SessionKey::Process`].
    pub key: SessionKey,
    /// When it came, by the server's clock.
    pub heard_at: Timestamp,
    /// The last sequence that the agent gave.
    pub recorded: u64,
    /// Messages that it recorded.
    pub messages: u64,
    /// Of these, errors.
    pub errors: u64,
    /// What it could not record.
    pub lost: Vec<(String, u64)>,
}

impl Process {
    /// Whether the event of that sequence is stored.
    pub fn has(&self, sequence: u64) -> bool {
        let at = self.stored.partition_point(|stretch| stretch.last < sequence);
        self.stored.get(at).is_some_and(|stretch| stretch.first <= sequence)
    }

    /// Events that the agent recorded and that are not stored: of files that have not come, or never will.
    pub fn missing(&self) -> u64 {
        let stored: u64 = self.stored.iter().map(|stretch| stretch.last - stretch.first + 1).sum();
        self.recorded.saturating_sub(stored)
    }

    /// Takes a sequence; or why it cannot be stored.
    pub(crate) fn take(&mut self, sequence: u64) -> Result<(), DropReason> {
        if !(1..=SEQUENCE_MAX).contains(&sequence) {
            return Err(DropReason::Unreadable);
        }
        let at = self.stored.partition_point(|stretch| stretch.last < sequence);
        if self.stored.get(at).is_some_and(|stretch| stretch.first <= sequence) {
            return Err(DropReason::Duplicate);
        }
        let joins_before = at > 0 && self.stored[at - 1].last + 1 == sequence;
        let joins_after = self.stored.get(at).is_some_and(|stretch| stretch.first == sequence + 1);
        match (joins_before, joins_after) {
            (true, true) => {
                self.stored[at - 1].last = self.stored[at].last;
                self.stored.remove(at);
            }
            (true, false) => self.stored[at - 1].last = sequence,
            (false, true) => self.stored[at].first = sequence,
            // Nothing is taken for stored that is not: what comes later has a place as soon as gaps are filled.
            (false, false) if self.stored.len() == STRETCHES_MAX => return Err(DropReason::TooManyGaps),
            (false, false) => self.stored.insert(at, Stretch { first: sequence, last: sequence }),
        }
        self.recorded = self.recorded.max(sequence);
        Ok(())
    }

    /// Whether anything of it is new.
    pub(crate) fn hear(&mut self, told: &Told) -> bool {
        let before = (self.recorded, self.previous);
        self.recorded = self.recorded.max(told.recorded.min(SEQUENCE_MAX));
        self.previous = self.previous.max(told.previous);
        let is_new = before != (self.recorded, self.previous);
        self.lose(&told.lost) | is_new
    }

    /// Takes what the agent could not record; whether anything of it is new.
    pub(crate) fn lose(&mut self, lost: &[(String, u64)]) -> bool {
        let mut is_new = false;
        for (reason, total) in lost {
            if !self.lost.contains_key(reason) && self.lost.len() == LOSSES_MAX {
                continue;
            }
            let known = self.lost.entry(reason.clone()).or_default();
            is_new |= *total > *known;
            *known = (*known).max(*total);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(process: &Process) -> Vec<(u64, u64)> {
        process.stored.iter().map(|stretch| (stretch.first, stretch.last)).collect()
    }

    #[test]
    fn what_is_stored_is_known_and_so_are_the_gaps() {
        let mut process = Process::default();
        for sequence in [3, 1, 7, 2, 6] {
            assert!(!process.has(sequence));
            assert_eq!(process.take(sequence), Ok(()));
            assert!(process.has(sequence));
        }
        assert_eq!(stretches(&process), [(1, 3), (6, 7)]);
        assert_eq!((process.recorded, process.missing()), (7, 2));
        for sequence in [1, 3, 6] {
            assert_eq!(process.take(sequence), Err(DropReason::Duplicate));
        }
        for sequence in [0, SEQUENCE_MAX + 1, u64::MAX] {
            assert_eq!(process.take(sequence), Err(DropReason::Unreadable), "{sequence}");
        }
        assert_eq!(stretches(&process), [(1, 3), (6, 7)]);
    }

    #[test]
    fn gaps_are_bounded_and_nothing_counts_as_stored_that_is_not() {
        let mut process = Process::default();
        for number in 1..=STRETCHES_MAX as u64 {
            assert_eq!(process.take(number * 2), Ok(()));
        }
        let beyond = 10 * STRETCHES_MAX as u64;
        assert_eq!(process.take(beyond), Err(DropReason::TooManyGaps));
        assert!(!process.has(beyond));
        assert_eq!(process.take(3), Ok(()), "it fills a gap");
        assert_eq!(process.take(beyond), Ok(()), "now there is room");
    }
}
