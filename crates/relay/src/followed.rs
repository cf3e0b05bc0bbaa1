//! What is passed on of a session: from where somebody asked, in a backlog that all share.
//!
//! Mostly there is one. Who wants what is before it gets a second, from the session's start on, so that a late reader of old
//! lines delays nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kymo_format::live::ChunkKind;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backlog::{Backlog, Kept};

/// One from now, one from the start, two for those who come back with an old cursor.
const RUNS_MAX: usize = 4;

/// Records that a run may be behind what somebody has who joins it: a fifth of a second of 50,000 a second. One that is
/// further behind is of somebody who reads old lines.
const BEHIND_MAX: u64 = 10_000;

/// An agent that was asked and brought nothing is asked again after a pause: that long, and twice as long each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// At most: as long as an agent that says nothing is waited for.
const PAUSE_MAX: Duration = Duration::from_secs(10);

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
    /// How often in a row the agent was asked and brought nothing.
    barren: u32,
    /// It is not asked again before.
    not_before: Option<Instant>,
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
    /// The follow with this number was not sent, or not heeded; false if it is not waited for.
    pub(crate) fn not_asked(&mut self, follow: u64) -> bool {
        let is_awaited = self.upstream == Upstream::Asked(follow);
        if is_awaited {
            self.upstream = Upstream::Nobody;
        }
        is_awaited
    }

    /// True once the agent is to be asked, by this follow.
    pub(crate) fn asks(&mut self, follow: u64) -> bool {
        let is_early = self.not_before.is_some_and(|time| Instant::now() < time);
        let is_to_ask = self.upstream == Upstream::Nobody && !self.is_over && !is_early;
        if is_to_ask {
            self.upstream = Upstream::Asked(follow);
        }
        is_to_ask
    }

    /// The agent brought nothing: how long to wait until it is asked again.
    pub(crate) fn brought_nothing(&mut self) -> Duration {
        let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.barren)).min(PAUSE_MAX);
        self.barren = self.barren.saturating_add(1);
        self.not_before = Some(Instant::now() + pause);
        pause
    }

    /// Where the agent is asked to go on.
    pub(crate) fn after(&self) -> u64 {
        self.last_sequence.max(self.begins_after)
    }

    /// A chunk came; `last` is its last record, if it has some.
    pub(crate) fn came(&mut self, what: &ChunkKind, bytes: Bytes, last: Option<u64>) {
        let had = self.after();
        let mut is_new = last.is_some_and(|last| last >= had);
        match what {
            ChunkKind::Header(_) => self.backlog.header(bytes),
            ChunkKind::Frame { first_sequence } => {
                is_new |= *first_sequence > had;
                self.backlog.mark(*first_sequence);
                self.backlog.append(bytes);
            }
            ChunkKind::Block | ChunkKind::Other => self.backlog.append(bytes),
        }
        // Of a frame that comes again nobody knows, until then, whether it comes whole: if the line breaks, the agent goes on
        // with what was not there before.
        if is_new {
            self.backlog.marks_hold();
        }
        self.last_sequence = self.last_sequence.max(last.unwrap_or(0));
    }

    /// Something came, or another process is to be asked.
    pub(crate) fn is_hopeful(&mut self) {
        (self.barren, self.not_before) = (0, None);
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
        self.state().after()
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
        let is_last = runs.len() + 1 == RUNS_MAX;
        let run = found.unwrap_or_else(|| {
            let state = RunState {
                backlog: Backlog::new(kept),
                // Whoever comes when there are no more has a place in the last one.
                begins_after: if is_last { 0 } else { after },
                last_sequence: 0,
                followers: 0,
                upstream: Upstream::Nobody,
                barren: 0,
                not_before: None,
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
