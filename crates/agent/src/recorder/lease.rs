//! What a thread records with: its lease of a ring.
//!
//! Hot: `record` up to `try_write`. Measured by `cargo xtask bench agent`. It must not lock, allocate, call the system
//! or touch a line that another thread writes, other than to wake for warnings.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kymo_model::Severity;

use super::registry::{self, GENERATION};
use super::shared::{Place, Shared};
use crate::callsite::Callsite;
use crate::raw::map::Map;
use crate::record::{Fields, Message, Ready};
use crate::ring::{Payload, Ring, Writer};

thread_local! {
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
    /// Set while this thread writes a frame: what it records then would make another, for ever.
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// A thread's right to a ring, until it ends.
#[derive(Debug)]
struct Lease {
    generation: u64,
    thread: u32,
    salt: u32,
    /// Of the ring it has to itself; with a shared one it has room for nothing, so that the fast way is never taken.
    writer: Writer,
    map: Option<Arc<Map>>,
    place: Place,
    shared: Arc<Shared>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.give_back(self.place, self.writer);
    }
}

impl Lease {
    fn new(shared: &Arc<Shared>) -> Self {
        let (place, writer) = shared.take_place();
        Self {
            generation: shared.generation,
            thread: shared.number_thread(),
            salt: shared.spool.salt,
            writer,
            map: place.own().map(|ring| Arc::clone(&shared.spool.rings[ring])),
            place,
            shared: Arc::clone(shared),
        }
    }

    #[inline]
    fn ring(&self) -> Option<Ring<'_, AtomicU64>> {
        self.map.as_ref().map(|map| Ring::new(map.words(), self.salt))
    }

    #[inline]
    fn try_write<F: Fields>(&mut self, callsite: &'static Callsite, fields: &F) -> bool {
        let Some(id) = callsite.known_id() else { return false };
        // After the id: one of before a restart goes with a generation of before it.
        if self.generation != GENERATION.load(Ordering::Acquire) {
            return false;
        }
        let Some(map) = &self.map else { return false };
        let message = Message { callsite: id, thread: self.thread, fields };
        let ring = Ring::new(map.words(), self.salt);
        if !self.writer.try_write(ring, &message)
            && !Self::look_and_write(&self.shared, self.place, ring, &mut self.writer, &message)
        {
            return false;
        }
        if callsite.severity >= Severity::WARN {
            self.shared.wake.now();
        }
        true
    }

    /// Every quarter of a ring, and where a record would cross its end.
    #[cold]
    #[inline(never)]
    fn look_and_write(
        shared: &Shared,
        place: Place,
        ring: Ring<'_, AtomicU64>,
        writer: &mut Writer,
        payload: &impl Payload,
    ) -> bool {
        let Some(number) = place.own() else { return false };
        let fits = payload.words() < ring.record_words_max();
        fits && shared.write_ring(number, ring, writer, payload).is_ok()
    }

    /// Any way there is; the policy when there is none.
    fn write(&mut self, severity: Severity, mut ready: Ready) -> bool {
        ready.thread = self.thread;
        if self.place.own().is_none() && self.shared.has_free() {
            (self.place, self.writer) = self.shared.take_place();
            self.map = self.place.own().map(|ring| Arc::clone(&self.shared.spool.rings[ring]));
        }
        let shared = Arc::clone(&self.shared);
        let mut writer = self.writer;
        let is_written = match self.ring() {
            Some(ring) => shared.write(severity, &ready, self.place, Some((ring, &mut writer))),
            None => shared.write(severity, &ready, self.place, None),
        };
        self.writer = writer;
        is_written
    }
}

/// Records a message at a callsite; false if it was not, which is counted where it is a loss. The macros call it once
/// [`Callsite::is_enabled`] said yes.
#[inline]
pub fn record<F: Fields>(callsite: &'static Callsite, fields: &F) -> bool {
    let is_written = LEASE.try_with(|lease| {
        lease
            .try_borrow_mut()
            .is_ok_and(|mut lease| lease.as_mut().is_some_and(|lease| lease.try_write(callsite, fields)))
    });
    is_written == Ok(true) || record_slowly(callsite, Ready::new(fields))
}

/// The first of a callsite or a thread, every quarter of a ring, and all that a ring does not take.
#[cold]
#[inline(never)]
fn record_slowly(callsite: &'static Callsite, mut ready: Ready) -> bool {
    let Some((shared, id)) = registry::admit(callsite) else { return false };
    if MUTED.try_with(Cell::get) == Ok(true) {
        shared.dropped.count(crate::DropReason::Reentrant);
        return false;
    }
    ready.callsite = id;
    let leased = LEASE.try_with(|lease| {
        // It is borrowed only by a signal handler's interruption of this; then, as when the thread is ending and has
        // no lease any more, the record goes through a shared ring, as thread 0.
        let Ok(mut lease) = lease.try_borrow_mut() else { return Err(ready) };
        if lease.as_ref().is_none_or(|lease| lease.generation != shared.generation) {
            *lease = Some(Lease::new(&shared));
        }
        let ready = std::mem::replace(&mut ready, Ready::new(&()));
        Ok(lease.as_mut().is_some_and(|lease| lease.write(callsite.severity, ready)))
    });
    match leased {
        Ok(Ok(is_written)) => is_written,
        Ok(Err(ready)) => shared.write(callsite.severity, &ready, Place::SHARED, None),
        Err(_) => false,
    }
}

/// While this runs, what this thread records is dropped and counted.
pub(crate) fn muted<R>(run: impl FnOnce() -> R) -> R {
    struct Unmute;
    impl Drop for Unmute {
        fn drop(&mut self) {
            MUTED.with(|muted| muted.set(false));
        }
    }
    MUTED.with(|muted| muted.set(true));
    // Also when it panics.
    let _unmute = Unmute;
    run()
}

/// In a child after a fork: the lease is the parent's.
pub(super) fn detach() {
    let _ = LEASE.try_with(|lease| {
        if let Ok(mut lease) = lease.try_borrow_mut() {
            std::mem::forget(lease.take());
        }
    });
}
