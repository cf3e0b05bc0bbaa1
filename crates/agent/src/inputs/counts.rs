//! How much of what is bounded is used, and what went beyond.

use std::sync::atomic::{AtomicU64, Ordering};

static SERIES: AtomicU64 = AtomicU64::new(0);
static SERIES_REFUSED: AtomicU64 = AtomicU64::new(0);
static USERS: AtomicU64 = AtomicU64::new(0);
static USERS_UNWATCHED: AtomicU64 = AtomicU64::new(0);

/// What the inputs hold, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputCounts {
    /// Series of the crate `metrics`.
    pub series: u64,
    /// Samples and series that were left out, since there are too many of them.
    pub series_refused: u64,
    /// Sessions of users that go on.
    pub user_sessions: u64,
    /// Sessions of users without heartbeats, since there were too many.
    pub user_sessions_unwatched: u64,
}

pub(crate) fn now() -> InputCounts {
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    InputCounts {
        series: of(&SERIES),
        series_refused: of(&SERIES_REFUSED),
        user_sessions: of(&USERS),
        user_sessions_unwatched: of(&USERS_UNWATCHED),
    }
}

#[cfg(feature = "metrics")]
pub(super) fn new_series() {
    SERIES.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn refused_series() {
    SERIES_REFUSED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn user_sessions(many: usize) {
    USERS.store(many as u64, Ordering::Relaxed);
}

pub(super) fn unwatched_user_session() {
    USERS_UNWATCHED.fetch_add(1, Ordering::Relaxed);
}
