//! How far a session is: told by who writes its file, asked by who shows it.

use std::fs::File;
use std::io;
#[cfg(feature = "live")]
use std::sync::Condvar;
#[cfg(feature = "live")]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "live")]
use std::time::Duration;

use kymo_model::{EndReason, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// Messages of a session, by how bad they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub messages: u64,
    /// Of severity fatal.
    pub fatal: u64,
    /// Of severity error.
    pub errors: u64,
    /// Of severity warning.
    pub warnings: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, severity: Severity) {
        self.messages += 1;
        if severity >= Severity::FATAL {
            self.fatal += 1;
        } else if severity >= Severity::ERROR {
            self.errors += 1;
        } else if severity >= Severity::WARN {
            self.warnings += 1;
        }
    }

    /// The larger figure of both.
    pub(crate) fn at_least(self, other: Self) -> Self {
        Self {
            messages: self.messages.max(other.messages),
            fatal: self.fatal.max(other.fatal),
            errors: self.errors.max(other.errors),
            warnings: self.warnings.max(other.warnings),
        }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.messages += more.messages;
        self.fatal += more.fatal;
        self.errors += more.errors;
        self.warnings += more.warnings;
    }
}

/// How far the file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Since the last time.
    pub(crate) tally: Tally,
    pub(crate) last_sequence: u64,
    pub(crate) last_time: Timestamp,
    /// Of all fragments.
    pub(crate) bytes: u64,
    pub(crate) fragment: u64,
    /// Of the fragment that is written: whole batches, which are in its file.
    pub(crate) fragment_bytes: u64,
}

/// Shared by the drainer, the keeper and the program's own calls. Nobody holds its locks for longer than a copy takes.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    reached: Mutex<Reached>,
    /// Told when there is more, if somebody waits.
    #[cfg(feature = "live")]
    grown: Condvar,
    #[cfg(feature = "live")]
    waiting: AtomicUsize,
    ending: Mutex<Option<(EndReason, Option<String>)>>,
    last_error: Mutex<Option<String>>,
    wants_to_roll: AtomicBool,
    /// Nothing is to be written: the disk has too little free space.
    is_held: AtomicBool,
    /// Files with something that is not on the disk itself.
    files: Mutex<Vec<File>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole after any panic: each change is a copy.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Goes on from what was counted before.
    pub(crate) fn from(tally: Tally) -> Self {
        let progress = Self::default();
        locked(&progress.reached).tally = tally;
        progress
    }

    pub(crate) fn reached(&self, now: &Reached) {
        let mut reached = locked(&self.reached);
        let mut tally = reached.tally;
        tally.add(now.tally);
        *reached = Reached { tally, ..*now };
        drop(reached);
        #[cfg(feature = "live")]
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.grown.notify_all();
        }
    }

    /// Waits until the file is further than that, or so long, or until `stops` says so, of which [`Progress::look_again`]
    /// tells. Gives how far it is then.
    #[cfg(feature = "live")]
    pub(crate) fn wait_beyond(&self, known: &Reached, time: Duration, stops: &dyn Fn() -> bool) -> Reached {
        let place = |reached: &Reached| (reached.fragment, reached.fragment_bytes);
        let reached = locked(&self.reached);
        // Under the lock: whoever changes it afterwards sees that somebody waits.
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waits = |reached: &mut Reached| place(reached) == place(known) && !stops();
        let waited = self.grown.wait_timeout_while(reached, time, waits);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Those who wait look at what stops them.
    #[cfg(feature = "live")]
    pub(crate) fn look_again(&self) {
        drop(locked(&self.reached));
        self.grown.notify_all();
    }

    /// With what was counted since the session began.
    pub(crate) fn now(&self) -> Reached {
        *locked(&self.reached)
    }

    /// Has the fragment closed with the next batch.
    pub(crate) fn wish_to_roll(&self) {
        self.wants_to_roll.store(true, Ordering::Release);
    }

    pub(crate) fn take_wish_to_roll(&self) -> bool {
        self.wants_to_roll.swap(false, Ordering::AcqRel)
    }

    /// That could not be done yet.
    pub(crate) fn is_wished_to_roll(&self) -> bool {
        self.wants_to_roll.load(Ordering::Acquire)
    }

    /// Says whether anything is to be written; gives what was said before.
    pub(crate) fn hold(&self, is_held: bool) -> bool {
        self.is_held.swap(is_held, Ordering::AcqRel)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// The file that is written from now on, for [`Progress::sync`].
    pub(crate) fn writes_to(&self, file: File) {
        locked(&self.files).push(file);
    }

    /// Brings what was written to the disk itself. Takes as long as the disk.
    pub(crate) fn sync(&self) {
        let files = std::mem::take(&mut *locked(&self.files));
        for file in &files {
            if let Err(error) = file.sync_data() {
                self.failed(&error);
            }
        }
        // The last one is still written to, and those that came meanwhile.
        if let Some(last) = files.into_iter().next_back() {
            locked(&self.files).insert(0, last);
        }
    }

    /// Nothing is written any more: the file is free for others.
    pub(crate) fn forget_files(&self) {
        locked(&self.files).clear();
    }

    pub(crate) fn failed(&self, error: &io::Error) {
        *locked(&self.last_error) = Some(error.to_string());
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        locked(&self.last_error).clone()
    }

    /// Says how the session ends; the first word holds.
    pub(crate) fn end(&self, reason: EndReason, note: Option<String>) {
        locked(&self.ending).get_or_insert((reason, note));
    }

    pub(crate) fn ending(&self) -> Option<(EndReason, Option<String>)> {
        locked(&self.ending).clone()
    }
}
