//! Places where a test makes the process die, as if killed there. Debug builds only.
//!
//! `KYMO_DIE_AT=PLACE:N` ends the process, without any clean-up, the `N`th time it passes `PLACE`.

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
