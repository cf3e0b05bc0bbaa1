//! What the threads that record and the drainer share.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use kymo_model::Severity;

use super::{Config, FullPolicy, GENERATION, Status};
use crate::callsite::Callsite;
use crate::clock;
use crate::outcome::{Counters, DropReason};
use crate::record::Ready;
use crate::ring::{Full, Payload, Ring, Writer};
use crate::sink::{CallsiteInfo, ThreadInfo};
use crate::spool::dictionary::Entry;
use crate::spool::spill::NotSpilled;
use crate::spool::{RINGS, RINGS_SHARED, Spool};

/// How long a call waits for room while nothing is taken out at all: longer than a disk stutters, shorter than a
/// person waits. Also how long a flush waits.
const STALL_MAX: Duration = Duration::from_secs(2);
/// A program that lives so long after a panic has survived it.
const OUTLIVED_NS: u64 = 1_000_000_000;
/// A waiting call looks again after so long, should it have missed being woken.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Looks before it sleeps: a pass of the drainer takes some tens of microseconds.
const SPINS: u32 = 200;

/// Where a thread's records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(Option<usize>);

impl Place {
    /// One of the rings that several write.
    pub(super) const SHARED: Self = Self(None);

    /// The ring that is this thread's alone.
    #[inline]
    pub(super) fn own(self) -> Option<usize> {
        self.0
    }
}

/// On a line of its own: the drainer writes it while others are read.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Tail(pub(super) AtomicU64);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) generation: u64,
    pub(super) spool: Spool,
    /// Up to where each ring may be written over.
    pub(super) tails: [Tail; RINGS],
    /// About where each ring's writer is: told every quarter of the ring, for the drainer's pace.
    heads: [Tail; RINGS],
    pub(super) wake: Wake,
    pub(super) dropped: Counters,
    pub(super) stopping: AtomicBool,
    pub(super) framed: AtomicU64,
    /// Passes of the drainer that gave room back.
    pub(super) progress: AtomicU64,
    /// Passes that left nothing behind; a flush waits for the second from now.
    pub(super) passes: AtomicU64,
    pub(super) sink_failed: AtomicBool,
    /// How often it did.
    pub(super) failures: AtomicU64,
    full: FullPolicy,
    /// Rings that no thread has, with where their last writer stood.
    free: Mutex<Vec<(usize, Writer)>>,
    free_count: AtomicUsize,
    writers_in_common: [Mutex<Writer>; RINGS_SHARED],
    waiting: AtomicUsize,
    room: (Mutex<()>, Condvar),
    stalled: AtomicBool,
    threads: AtomicU32,
    known: Mutex<HashSet<u32>>,
    news: Mutex<(Vec<CallsiteInfo>, Vec<ThreadInfo>)>,
    last_error: Mutex<Option<String>>,
    /// When the program panicked last, by the wall clock; 0 if it did not, or has lived on since.
    panicked_ns: AtomicI64,
    /// The sink failed because the disk is full: nobody waits for that.
    pub(super) disk_full: AtomicBool,
    /// Those who follow the session file while it is written.
    #[cfg(feature = "live")]
    followers: AtomicUsize,
    /// How the drainer ended, when it has.
    end: (Mutex<Option<bool>>, Condvar),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(generation: u64, spool: Spool, config: &Config) -> Self {
        let own = spool.rings.len().saturating_sub(RINGS_SHARED);
        Self {
            generation,
            spool,
            tails: Default::default(),
            heads: Default::default(),
            wake: Wake::default(),
            dropped: Counters::default(),
            stopping: AtomicBool::new(false),
            framed: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            passes: AtomicU64::new(0),
            sink_failed: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            full: config.full,
            // The first ring is taken first: it is the first to be populated.
            free: Mutex::new((0..own).rev().map(|ring| (ring, Writer::default())).collect()),
            free_count: AtomicUsize::new(own),
            writers_in_common: Default::default(),
            waiting: AtomicUsize::new(0),
            room: Default::default(),
            stalled: AtomicBool::new(false),
            threads: AtomicU32::new(0),
            known: Mutex::default(),
            news: Mutex::default(),
            last_error: Mutex::default(),
            panicked_ns: AtomicI64::new(0),
            disk_full: AtomicBool::new(false),
            #[cfg(feature = "live")]
            followers: AtomicUsize::new(0),
            end: Default::default(),
        }
    }

    /// Has the callsite in the dictionary.
    pub(super) fn introduce(&self, callsite: &'static Callsite, id: u32) -> io::Result<()> {
        let mut known = locked(&self.known);
        if known.contains(&id) {
            return Ok(());
        }
        let info = CallsiteInfo::of(callsite, id);
        self.spool.add_entry(&Entry::Callsite(info.clone()))?;
        locked(&self.news).0.push(info);
        known.insert(id);
        Ok(())
    }

    /// A number for this thread, with its name in the dictionary if there is room for it.
    pub(super) fn number_thread(&self) -> u32 {
        let number = self.threads.fetch_add(1, Ordering::Relaxed) + 1;
        let name = std::thread::current().name().map(str::to_owned);
        let info = ThreadInfo { number, os_id: os_thread_id(), name };
        // A record says its thread's number in any case.
        if let Err(error) = self.spool.add_entry(&Entry::Thread(info.clone())) {
            self.failed(&error);
        }
        locked(&self.news).1.push(info);
        number
    }

    /// Callsites and threads that are new since the last time.
    pub(super) fn take_news(&self) -> (Vec<CallsiteInfo>, Vec<ThreadInfo>) {
        std::mem::take(&mut *locked(&self.news))
    }

    pub(super) fn has_free(&self) -> bool {
        self.free_count.load(Ordering::Relaxed) > 0
    }

    /// Rings that threads have to themselves.
    pub(super) fn rings_used(&self) -> usize {
        let own = self.spool.rings.len().saturating_sub(RINGS_SHARED);
        own - self.free_count.load(Ordering::Relaxed).min(own)
    }

    pub(super) fn take_place(&self) -> (Place, Writer) {
        let mut free = locked(&self.free);
        let taken = free.pop();
        self.free_count.store(free.len(), Ordering::Relaxed);
        // The limit of the one before is not the new one's: it looks at the tail first.
        taken.map_or((Place::SHARED, Writer::default()), |(ring, writer)| {
            (Place(Some(ring)), Writer::at(writer.head))
        })
    }

    /// A thread ends. Its records stay in the ring: each says whose it is, so the ring can be another's at once.
    pub(super) fn give_back(&self, place: Place, writer: Writer) {
        if let Some(ring) = place.own() {
            let mut free = locked(&self.free);
            free.push((ring, writer));
            self.free_count.store(free.len(), Ordering::Relaxed);
        }
    }

    /// Writes it by the way its length and the spool ask for; or counts it, and says false.
    pub(super) fn write(
        &self,
        severity: Severity,
        ready: &Ready,
        place: Place,
        mut own: Option<(Ring<'_, AtomicU64>, &mut Writer)>,
    ) -> bool {
        let mut wait = Wait::default();
        loop {
            let outcome = match (place.own(), &mut own) {
                _ if self.is_too_long(ready) => self.spill(ready),
                (Some(number), Some((ring, writer))) => {
                    self.write_ring(number, *ring, writer, ready).map_err(|_| Refused::Full)
                }
                _ => self.write_shared(ready).map_err(|_| Refused::Full),
            };
            let reason = match outcome {
                Ok(()) => break,
                Err(Refused::For(reason)) => reason,
                Err(Refused::Full) => match self.wait_for_room(&mut wait) {
                    Ok(()) => continue,
                    Err(reason) => reason,
                },
            };
            self.dropped.count(reason);
            return false;
        }
        if severity >= Severity::WARN {
            self.wake.now();
        }
        true
    }

    fn is_too_long(&self, ready: &Ready) -> bool {
        self.spool.rings.is_empty() || ready.words() + 1 > self.spool.ring(0).record_words_max()
    }

    /// Looks at the tail and writes, or says that the ring is full. Every quarter of a ring a thread comes here.
    pub(super) fn write_ring(
        &self,
        number: usize,
        ring: Ring<'_, AtomicU64>,
        writer: &mut Writer,
        payload: &impl Payload,
    ) -> Result<(), Full> {
        let tail = self.tails[number].0.load(Ordering::Acquire);
        // A record longer than a quarter of the ring does not come here, and the fast way takes none beyond `notice`.
        let notice = ring.record_words_max();
        let written = writer.write(ring, payload, tail, notice);
        self.heads[number].0.store(writer.head, Ordering::Relaxed);
        // The drainer comes by itself when a ring is half full. Waking it costs microseconds, so only if it is late.
        if written.is_err() || writer.head - tail > ring.words() / 4 * 3 {
            self.wake.now();
        }
        written
    }

    /// The largest part of a ring that waits, of its size, and the words that were written in all, as far as told.
    pub(super) fn fill(&self) -> (f64, u64) {
        let mut fullest = 0.0_f64;
        let mut written = 0;
        for (number, ring) in self.spool.rings.iter().enumerate() {
            let head = self.heads[number].0.load(Ordering::Relaxed);
            let waits = head.saturating_sub(self.tails[number].0.load(Ordering::Relaxed));
            fullest = fullest.max(waits as f64 / ring.words().len() as f64);
            written += head;
        }
        (fullest, written)
    }

    fn write_shared(&self, ready: &Ready) -> Result<(), Full> {
        let which = ready.thread as usize % RINGS_SHARED;
        let number = self.spool.rings.len() - RINGS_SHARED + which;
        let mut writer = locked(&self.writers_in_common[which]);
        self.write_ring(number, self.spool.ring(number), &mut writer, ready)
    }

    fn spill(&self, ready: &Ready) -> Result<(), Refused> {
        let Some(spill) = &self.spool.spill else { return Err(Refused::For(DropReason::TooLarge)) };
        spill.write(ready).map_err(|error| match error {
            NotSpilled::Full => {
                self.wake.now();
                Refused::Full
            }
            NotSpilled::Failed(error) => {
                self.failed(&error);
                Refused::For(DropReason::of_error(&error))
            }
        })
    }

    /// Waits until the drainer gave some room back, by the policy.
    fn wait_for_room(&self, wait: &mut Wait) -> Result<(), DropReason> {
        if self.disk_full.load(Ordering::Relaxed) {
            return Err(DropReason::DiskFull);
        }
        if self.full == FullPolicy::Drop {
            return Err(DropReason::RingFull);
        }
        if self.wake.is_own_thread() {
            return Err(DropReason::Reentrant);
        }
        if self.stalled.load(Ordering::Relaxed) {
            return Err(DropReason::Stalled);
        }
        if GENERATION.load(Ordering::Acquire) != self.generation {
            return Err(DropReason::Stopped);
        }
        let progress = self.progress.load(Ordering::Acquire);
        if wait.progress != Some(progress) {
            *wait = Wait { progress: Some(progress), since: Some(Instant::now()), spins: wait.spins };
        }
        wait.spins += 1;
        if wait.spins < SPINS {
            std::hint::spin_loop();
            return Ok(());
        }
        if wait.since.is_some_and(|since| since.elapsed() > STALL_MAX) {
            self.stalled.store(true, Ordering::Relaxed);
            return Err(DropReason::Stalled);
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let guard = locked(&self.room.0);
        if self.progress.load(Ordering::Acquire) == progress {
            drop(self.room.1.wait_timeout(guard, LOOK_EVERY));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    /// The drainer gave room back.
    pub(super) fn made_room(&self) {
        self.progress.fetch_add(1, Ordering::AcqRel);
        self.stalled.store(false, Ordering::Relaxed);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _guard = locked(&self.room.0);
            self.room.1.notify_all();
        }
    }

    /// Marks the spool: should nothing be heard of the program a second from now, it crashed.
    pub(crate) fn panicked(&self) {
        let now_ns = clock::wall_ns();
        self.panicked_ns.store(now_ns, Ordering::Release);
        self.spool.mark_panic(Some(now_ns));
    }

    /// Takes the mark back when the program has lived on.
    pub(super) fn outlive_panic(&self) {
        let at_ns = self.panicked_ns.load(Ordering::Acquire);
        if at_ns != 0 && clock::wall_ns().abs_diff(at_ns) > OUTLIVED_NS {
            self.spool.mark_panic(None);
            // A panic of just now keeps its mark, or gets it again from its own thread.
            if self.panicked_ns.compare_exchange(at_ns, 0, Ordering::AcqRel, Ordering::Acquire).is_err() {
                self.spool.mark_panic(Some(self.panicked_ns.load(Ordering::Acquire)));
            }
        }
    }

    /// It panicked less than a second ago.
    pub(crate) fn panics(&self) -> bool {
        let at_ns = self.panicked_ns.load(Ordering::Acquire);
        at_ns != 0 && clock::wall_ns().abs_diff(at_ns) <= OUTLIVED_NS
    }

    pub(super) fn failed(&self, error: &io::Error) {
        *locked(&self.last_error) = Some(error.to_string());
    }

    pub(crate) fn flush(&self) -> bool {
        if GENERATION.load(Ordering::Acquire) != self.generation {
            return false;
        }
        let (start, mut last) = (self.passes.load(Ordering::Acquire), self.progress.load(Ordering::Acquire));
        let (mut since, failures) = (Instant::now(), self.failures.load(Ordering::Acquire));
        // The pass that is under way may have passed a ring by; the one after it has not.
        while self.passes.load(Ordering::Acquire) < start + 2 {
            self.wake.now();
            let progress = self.progress.load(Ordering::Acquire);
            if progress != last {
                (last, since) = (progress, Instant::now());
            }
            if self.failures.load(Ordering::Acquire) != failures || since.elapsed() > STALL_MAX {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// The drainer is done: everything is framed, or not.
    pub(super) fn ended(&self, is_whole: bool) {
        *locked(&self.end.0) = Some(is_whole);
        self.end.1.notify_all();
    }

    /// Waits for that as long as a call waits for room.
    pub(super) fn wait_for_end(&self) -> bool {
        let end = locked(&self.end.0);
        let waited = self.end.1.wait_timeout_while(end, STALL_MAX, |end| end.is_none());
        waited.is_ok_and(|(end, _)| end.is_some())
    }

    pub(super) fn is_whole(&self) -> bool {
        *locked(&self.end.0) == Some(true)
    }

    /// Longest time from a call to its frame, as of now.
    #[cfg(feature = "live")]
    pub(super) fn flush_every(&self, usual: Duration) -> Duration {
        match self.followers.load(Ordering::Relaxed) {
            0 => usual,
            _ => usual.min(super::FOLLOWED_FLUSH_EVERY),
        }
    }

    /// Longest time from a call to its frame.
    #[cfg(not(feature = "live"))]
    #[expect(clippy::unused_self, reason = "it is of use with live")]
    pub(super) fn flush_every(&self, usual: Duration) -> Duration {
        usual
    }

    /// Somebody follows from now on: the drainer is quick.
    #[cfg(feature = "live")]
    pub(crate) fn follow(&self) {
        self.followers.fetch_add(1, Ordering::Relaxed);
        self.wake.now();
    }

    /// One follower less.
    #[cfg(feature = "live")]
    pub(crate) fn unfollow(&self) {
        self.followers.fetch_sub(1, Ordering::Relaxed);
    }

    /// The sink said so when it was last asked.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Acquire)
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            spool: self.spool.kind,
            degraded: self.spool.degraded.clone(),
            framed: self.framed.load(Ordering::Relaxed),
            dropped: self.dropped.now(),
            last_error: locked(&self.last_error).clone(),
            counter: clock::is_counter_trusted(),
        }
    }
}

enum Refused {
    Full,
    For(DropReason),
}

/// How long a call has been waiting, and since when nothing has moved.
#[derive(Debug, Default)]
struct Wait {
    progress: Option<u64>,
    since: Option<Instant>,
    spins: u32,
}

/// Wakes the drainer.
#[derive(Debug, Default)]
pub(super) struct Wake {
    wanted: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Wake {
    pub(super) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    /// Now rather than at the next flush. Cheap when that was said already.
    pub(super) fn now(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    pub(super) fn take(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    fn is_own_thread(&self) -> bool {
        self.thread.get().is_some_and(|thread| thread.id() == std::thread::current().id())
    }
}

#[cfg(target_os = "linux")]
fn os_thread_id() -> u64 {
    u64::from(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs())
}

#[cfg(not(target_os = "linux"))]
fn os_thread_id() -> u64 {
    0
}
