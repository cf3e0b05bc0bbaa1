//! What is passed on of a session: from where somebody asked, in a backlog that all share.
//!
//! Mostly there is one. Who wants what is before it gets a second, from the session's start on, so that a late reader of old
//! lines delays nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::backlog::{Backlog, Kept};

/// One from now, one from the start, two for those who come back with an old cursor.
const RUNS_MAX: usize = 4;

/// Records that a run may be behind what somebody has who joins it: a fifth of a second of 50,000 a second. One that is
/// further behind is of somebody who reads old lines.
const BEHIND_MAX: u64 = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Followed {
    runs: Mutex<Vec<Arc<Run>>>,
}

/// Bytes from an agent, and those who have a place in them.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) state: Mutex<RunState>,
    /// Something came, or changed.
    pub(crate) grown: Notify,
}

#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) backlog: Backlog,
    /// The last sequence that the first of its followers had.
    pub(crate) begins_after: u64,
    /// The last that came.
    pub(crate) last_sequence: u64,
    pub(crate) followers: usize,
    /// The data connection that feeds it, or the follow that asked for one.
    pub(crate) upstream: Upstream,
    /// Nobody follows any more: what still comes is not taken.
    pub(crate) is_over: bool,
}

/// Who feeds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    Nobody,
    /// A follow with this number was sent.
    Asked(u64),
    /// A data connection of that follow is there.
    Connected(u64),
}

impl RunState {
    /// The follow with this number was not sent, or not heeded.
    pub(crate) fn not_asked(&mut self, follow: u64) {
        if self.upstream == Upstream::Asked(follow) {
            self.upstream = Upstream::Nobody;
        }
    }

    /// Whether the data connection of that follow is the one whose bytes are taken.
    pub(crate) fn is_fed_by(&self, follow: u64) -> bool {
        !self.is_over && self.upstream == Upstream::Connected(follow)
    }
}

impl Run {
    pub(crate) fn state(&self) -> MutexGuard<'_, RunState> {
        // A panic in between leaves a backlog that was appended to, or not.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the agent is asked to go on.
    pub(crate) fn after(&self) -> u64 {
        let state = self.state();
        state.last_sequence.max(state.begins_after)
    }
}

impl Followed {
    fn runs(&self) -> MutexGuard<'_, Vec<Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Run>> {
        self.runs().clone()
    }

    pub(crate) fn followers(&self) -> usize {
        self.runs().iter().map(|run| run.state().followers).sum()
    }

    /// One more follower, who has everything up to `after`: the run that has what comes then, or a new one.
    pub(crate) fn join(&self, after: u64, kept: Kept) -> Arc<Run> {
        let mut runs = self.runs();
        let covers = |run: &&Arc<Run>| {
            let state = run.state();
            let first = state.backlog.first_sequence().unwrap_or(state.begins_after.saturating_add(1));
            first <= after.saturating_add(1)
        };
        let furthest = runs.iter().filter(covers).max_by_key(|run| run.after());
        let is_full = runs.len() >= RUNS_MAX;
        let covering = furthest.filter(|run| is_full || run.after().saturating_add(BEHIND_MAX) >= after);
        let earliest = || runs.iter().min_by_key(|run| run.state().begins_after);
        let found = covering.or_else(|| if is_full { earliest() } else { None }).cloned();
        let run = found.unwrap_or_else(|| {
            let state = RunState {
                backlog: Backlog::new(kept),
                begins_after: after,
                last_sequence: 0,
                followers: 0,
                upstream: Upstream::Nobody,
                is_over: false,
            };
            let run = Arc::new(Run { state: Mutex::new(state), grown: Notify::new() });
            runs.push(Arc::clone(&run));
            run
        });
        run.state().followers += 1;
        run
    }

    /// One follower less; of a run without any, what is to be stopped.
    pub(crate) fn leave(&self, run: &Arc<Run>) -> Option<u64> {
        let mut runs = self.runs();
        let mut state = run.state();
        state.followers -= 1;
        if state.followers > 0 {
            return None;
        }
        state.is_over = true;
        runs.retain(|other| !Arc::ptr_eq(other, run));
        match state.upstream {
            Upstream::Asked(follow) | Upstream::Connected(follow) => Some(follow),
            Upstream::Nobody => None,
        }
    }
}
