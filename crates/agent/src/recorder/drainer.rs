//! The recorder's own thread: takes records out of the spool and hands them to the sink.
//!
//! Sleeps a second at a time when nothing happens (some 20 us of CPU each), and less the faster the rings fill, so that
//! it finds them half full by itself. It is woken by a warning or worse, by a ring that is three quarters full, by who
//! waits for room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kymo_model::Severity;

use super::shared::Shared;
use super::{Config, lease};
use crate::clock::{self, Checked, Reading, Timeline};
use crate::outcome::DropReason;
use crate::sink::FrameSink;
use crate::spool::collect::{Collector, Context, Feed};
use crate::spool::header::State;
use crate::spool::{RINGS_SHARED, Spool};

/// How often the clocks are compared.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Shortest sleep: at this a ring of default size fills by an eighth at 33 MB/s; who is faster wakes.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// It sleeps until so much of a ring is filled, by the speed of late.
const SLEEP_SHARE: f64 = 0.125;
/// A ring that is so full is emptied.
const FLUSH_SHARE: f64 = 0.5;
/// After the sink failed it is tried again after so long, also when somebody wakes.
const RETRY_AFTER: Duration = Duration::from_millis(100);

pub(super) struct Drainer {
    shared: Arc<Shared>,
    sink: Box<dyn FrameSink>,
    timeline: Timeline,
    collector: Collector,
    context: Context,
    state: State,
    flush_every: Duration,
    flushed: Instant,
    checked: Instant,
    /// Words written when it last looked, and when that was.
    looked: (u64, Instant),
    words_per_second: f64,
    /// Rings whose pages are ready.
    populated: usize,
    damaged_counted: u64,
}

impl Drainer {
    pub(super) fn new(
        shared: Arc<Shared>,
        sink: Box<dyn FrameSink>,
        timeline: Timeline,
        config: &Config,
    ) -> Self {
        let next_sequence = config.first_sequence;
        let state = State { next_sequence, readings: timeline.readings(), ..State::default() };
        let mut drainer = Self {
            collector: Collector::new([0; _], 0, shared.spool.salt),
            context: Context { next_sequence, ..Context::default() },
            shared,
            sink,
            timeline,
            state,
            flush_every: config.flush_every,
            flushed: Instant::now(),
            checked: Instant::now(),
            looked: (0, Instant::now()),
            words_per_second: 0.0,
            populated: 0,
            damaged_counted: 0,
        };
        // Before the first record: recovery needs the readings of the clocks.
        keep(&drainer.shared, &mut drainer.state);
        drainer
    }

    pub(super) fn run(mut self) {
        self.populate();
        loop {
            let stopping = self.shared.stopping.load(Ordering::Acquire);
            let (fullest, written) = self.shared.fill();
            let flush_every = self.shared.flush_every(self.flush_every);
            let failed = self.shared.sink_failed.load(Ordering::Relaxed);
            // Who follows is in a hurry; a disk that refuses is not asked more often for that.
            let due_after = if failed { flush_every.max(RETRY_AFTER) } else { flush_every };
            let is_due = fullest >= FLUSH_SHARE || self.flushed.elapsed() >= due_after;
            if self.shared.wake.take() || stopping || is_due {
                // A sink that panics is a sink that failed: the records stay in the spool.
                let flushed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.flush()));
                let failed = flushed.unwrap_or_else(|_| Err(std::io::Error::other("the sink panicked")));
                self.finish_flush(failed);
            }
            if stopping {
                break;
            }
            if self.checked.elapsed() >= CHECK_EVERY {
                self.check_clocks();
            }
            self.populate();
            let failed = self.shared.sink_failed.load(Ordering::Relaxed);
            let flush_every = self.shared.flush_every(self.flush_every);
            let wait = if failed { RETRY_AFTER } else { self.pace(written).min(flush_every) };
            std::thread::park_timeout(wait);
        }
        let mut is_whole = !self.shared.sink_failed.load(Ordering::Relaxed);
        if is_whole {
            let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.sink.finish()));
            let finished = finished.unwrap_or_else(|_| Err(std::io::Error::other("the sink panicked")));
            if let Err(error) = finished.and_then(|()| self.shared.spool.remove()) {
                is_whole = false;
                self.shared.failed(&error);
            }
        }
        // Threads keep their leases, and with them the spool, until they end. If it stays, it is free to be recovered.
        self.shared.spool.disown();
        self.shared.ended(is_whole);
    }

    /// How long to sleep. The speed is that of late, or half of what it was thought to be: writers tell of each quarter
    /// of a ring only, and whoever paused may go on.
    fn pace(&mut self, written: u64) -> Duration {
        let (before, when) = std::mem::replace(&mut self.looked, (written, Instant::now()));
        let seconds = when.elapsed().as_secs_f64().max(SLEEP_MIN.as_secs_f64());
        let of_late = written.saturating_sub(before) as f64 / seconds;
        self.words_per_second = of_late.max(self.words_per_second / 2.0);
        let ring_words = self.shared.spool.rings.first().map_or(0, |ring| ring.words().len());
        let seconds = SLEEP_SHARE * ring_words as f64 / self.words_per_second;
        if seconds.is_finite() && seconds < CHECK_EVERY.as_secs_f64() {
            SLEEP_MIN.max(Duration::from_secs_f64(seconds))
        } else {
            CHECK_EVERY
        }
    }

    fn finish_flush(&mut self, flushed: std::io::Result<()>) {
        self.flushed = Instant::now();
        let is_full =
            flushed.as_ref().is_err_and(|error| DropReason::of_error(error) == DropReason::DiskFull);
        self.shared.disk_full.store(is_full, Ordering::Release);
        self.shared.sink_failed.store(flushed.is_err(), Ordering::Release);
        match flushed {
            Ok(()) => {
                self.shared.passes.fetch_add(1, Ordering::AcqRel);
            }
            Err(error) => {
                self.shared.failures.fetch_add(1, Ordering::AcqRel);
                self.shared.failed(&error);
            }
        }
    }

    /// Everything that is committed by now.
    fn flush(&mut self) -> std::io::Result<()> {
        loop {
            let horizon_ns = self.horizon_ns();
            let shared = Arc::clone(&self.shared);
            let feed = feed(&shared.spool);
            let more = self.collector.collect(&feed, &self.timeline, horizon_ns)?;
            self.count_damage();
            // After the records: whatever they refer to was told before they were committed.
            let (callsites, threads) = self.shared.take_news();
            self.context.callsites.extend(callsites);
            self.context.threads.extend(threads);
            self.context.dropped = self.shared.dropped.now();
            self.deliver()?;
            if !more {
                return self.sink.flushed();
            }
        }
    }

    /// Records of later than this wait for the next pass, so that those of one thread that went to two rings come in
    /// their order: whatever it recorded before one that is taken was committed before this moment.
    fn horizon_ns(&self) -> i64 {
        let stamp = clock::stamp();
        std::sync::atomic::fence(Ordering::SeqCst);
        self.timeline.monotonic_ns(stamp)
    }

    fn deliver(&mut self) -> std::io::Result<()> {
        let (shared, state, timeline) = (&self.shared, &mut self.state, &self.timeline);
        let (sink, collector, context) = (&mut *self.sink, &mut self.collector, &mut self.context);
        lease::muted(|| {
            collector.deliver(sink, timeline, context, |collector, context| {
                shared.framed.fetch_add(context.next_sequence - state.next_sequence, Ordering::Relaxed);
                state.tails = collector.tails;
                state.spill_tail = collector.spill_tail;
                state.next_sequence = context.next_sequence;
                state.readings = timeline.readings();
                state.dropped = context.dropped;
                // On disk first: once a ring is written over, its old tail would point into the middle of a record.
                keep(shared, state);
                for (tail, end) in shared.tails.iter().zip(state.tails) {
                    tail.0.store(end, Ordering::Release);
                }
                if let Some(spill) = &shared.spool.spill {
                    spill.release(state.spill_tail);
                }
                shared.made_room();
            })
        })
    }

    fn count_damage(&mut self) {
        let new = self.collector.damaged_places - self.damaged_counted;
        self.damaged_counted += new;
        self.shared.dropped.add(DropReason::Damaged, new);
    }

    fn check_clocks(&mut self) {
        self.checked = Instant::now();
        self.shared.outlive_panic();
        let found = self.timeline.check(Reading::now());
        if self.timeline.is_counter_bad() {
            clock::give_counter_up();
        }
        if let Checked::Stepped(by_ns) = found {
            crate::event!(Severity::WARN, "wall clock stepped by {by_ms} ms", by_ms = by_ns / 1_000_000);
        }
    }

    /// Has the pages of rings ready before they are needed: those in use, one more, and the shared ones when the
    /// others are used up.
    fn populate(&mut self) {
        let rings = &self.shared.spool.rings;
        let own = rings.len().saturating_sub(RINGS_SHARED);
        let wanted = self.shared.rings_used() + 1;
        let wanted = if wanted > own { rings.len() } else { wanted };
        for ring in rings.iter().take(wanted).skip(self.populated) {
            ring.populate();
        }
        self.populated = self.populated.max(wanted);
    }
}

fn feed(spool: &Spool) -> Feed<'_> {
    let rings = (0..spool.rings.len()).map(|ring| spool.ring(ring)).collect();
    Feed { rings, spill: spool.spill.as_ref().map(crate::spool::spill::Spill::written) }
}

fn keep(shared: &Shared, state: &mut State) {
    if let Err(error) = shared.spool.keep(state) {
        // The frames carry the positions too, so recovery still knows what is framed.
        shared.failed(&error);
    }
}
