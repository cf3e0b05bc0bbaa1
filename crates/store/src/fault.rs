//! What tests do to the process. Debug builds only.
//!
//! `KYMO_DIE_AT=PLACE:N` ends the process, without any clean-up, the `N`th time it passes `PLACE`,
//! as if killed there. `KYMO_FLUSH_AFTER_MS=N` flushes tails of that age instead of waiting.
//! `KYMO_RETENTION_DAY_MS=N` is how long a day of retention lasts.

use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A place that matters for what survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Everything is written, nothing is committed.
    BeforeCommit,
    /// Committed, nobody has been told.
    AfterCommit,
    /// A segment's file is in place, the catalog does not list it.
    SegmentWritten,
    /// The catalog lists it and has dropped the tail rows; memory does not know yet.
    SegmentListed,
    /// A merged segment's file is in place, the catalog lists those it was made of.
    MergeWritten,
    /// The catalog lists the merged segment, the files of the others are still there.
    MergeListed,
    /// Sessions are removed, the transaction is not committed.
    BeforeRemoval,
    /// Sessions are removed, their rows in segments are dead.
    SessionsRemoved,
    /// A segment of dead rows is not listed any more, its file is still there.
    SegmentUnlisted,
}

#[cfg(debug_assertions)]
pub(crate) fn pass(place: Place) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let wish = std::env::var("KYMO_DIE_AT").ok()?;
        let (place, count) = wish.split_once(':')?;
        Some((place.to_owned(), count.parse().ok()?))
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let name = match place {
        Place::BeforeCommit => "before_commit",
        Place::AfterCommit => "after_commit",
        Place::SegmentWritten => "segment_written",
        Place::SegmentListed => "segment_listed",
        Place::MergeWritten => "merge_written",
        Place::MergeListed => "merge_listed",
        Place::BeforeRemoval => "before_removal",
        Place::SessionsRemoved => "sessions_removed",
        Place::SegmentUnlisted => "segment_unlisted",
    };
    if let Some((wanted, count)) = &*ARMED
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn pass(_place: Place) {}

/// How old a tail gets at most, if a test says so.
#[cfg(debug_assertions)]
pub(crate) fn flush_after() -> Option<Duration> {
    use std::sync::LazyLock;

    static WISH: LazyLock<Option<Duration>> = LazyLock::new(|| {
        let wish = std::env::var("KYMO_FLUSH_AFTER_MS").ok()?;
        wish.parse().ok().map(Duration::from_millis)
    });
    *WISH
}

#[cfg(not(debug_assertions))]
pub(crate) fn flush_after() -> Option<Duration> {
    None
}

/// How long retention takes a day to last.
#[cfg(debug_assertions)]
pub(crate) fn retention_day() -> Duration {
    use std::sync::LazyLock;

    static WISH: LazyLock<Option<Duration>> = LazyLock::new(|| {
        let wish = std::env::var("KYMO_RETENTION_DAY_MS").ok()?;
        wish.parse().ok().map(Duration::from_millis)
    });
    WISH.unwrap_or(DAY)
}

#[cfg(not(debug_assertions))]
pub(crate) fn retention_day() -> Duration {
    DAY
}
