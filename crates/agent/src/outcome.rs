//! What was not recorded, by reason. Nothing is lost without one of these counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a message was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum DropReason {
    /// The ring was full, and the policy is to drop.
    RingFull,
    /// The ring was full, and nothing has been taken out of it for longer than a call waits.
    Stalled,
    /// There was no room on the disk for a record that goes by `write(2)`, or for the entry of its callsite.
    DiskFull,
    /// The disk refused it for another reason.
    DiskError,
    /// The record is longer than what the spool at hand takes.
    TooLarge,
    /// The recorder's own thread made it while it was writing a frame.
    Reentrant,
    /// The recorder was stopped while the call waited for room.
    Stopped,
    /// A record in the spool was not whole: the memory was written to by others, or lost with the power. The figure
    /// is of places, at each of which one or more were.
    Damaged,
}

impl DropReason {
    /// All of them, in the order of [`DropCounts`].
    pub const ALL: [Self; 8] = [
        Self::RingFull,
        Self::Stalled,
        Self::DiskFull,
        Self::DiskError,
        Self::TooLarge,
        Self::Reentrant,
        Self::Stopped,
        Self::Damaged,
    ];

    /// The word used in files and in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::Stalled => "stalled",
            Self::DiskFull => "disk_full",
            Self::DiskError => "disk_error",
            Self::TooLarge => "too_large",
            Self::Reentrant => "reentrant",
            Self::Stopped => "stopped",
            Self::Damaged => "damaged",
        }
    }

    pub(crate) fn of_error(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::DiskError,
        }
    }
}

/// How many messages were dropped since the session began, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts(pub(crate) [u64; DropReason::ALL.len()]);

impl DropCounts {
    /// For that reason.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// For any.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Reasons that occurred, with their number.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self.of(reason))).filter(|(_, count)| *count > 0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters([AtomicU64; DropReason::ALL.len()]);

impl Counters {
    pub(crate) fn count(&self, reason: DropReason) {
        self.add(reason, 1);
    }

    pub(crate) fn add(&self, reason: DropReason, many: u64) {
        self.0[reason as usize].fetch_add(many, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> DropCounts {
        DropCounts(std::array::from_fn(|reason| self.0[reason].load(Ordering::Relaxed)))
    }
}
