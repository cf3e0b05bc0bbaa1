//! Which clock stamps a record, and what a stamp means.
//!
//! A record is stamped by the processor's counter where that counts evenly, else by the system's monotonic clock
//! (17 against 31 ns a record). The drainer turns stamps into times by a [`Timeline`], which it sets against the
//! system's clocks about each second: a counter that goes wrong is given up, a step of the wall clock is told.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use kymo_model::Timestamp;

use crate::raw::tsc;

/// Set in stamps that are nanoseconds of the monotonic clock. A counter of 5 GHz reaches this bit after 58 years.
const OF_SYSTEM: u64 = 1 << 63;
/// How far the wall clock may move against the monotonic one without being called a step.
const STEP_NS_MIN: i64 = 1_000_000_000;
/// How far a stamp's time may be off after a second: a thousandth is ten times what a clock that is being slewed does,
/// and far less than what a counter does whose rate changed.
const OFF_SHARE_MAX: f64 = 0.001;
/// Below this a pair of readings a moment apart may differ on a busy machine.
const OFF_NS_MIN: f64 = 1_000_000.0;
/// After so many checks in a row that were off the counter is not trusted any more.
const OFF_CHECKS_MAX: u32 = 3;
/// The first estimate of the rate: two readings 0.1 ms apart, each good to some 30 ns, are good to a thousandth.
const FIRST_SPAN_NS: i64 = 100_000;

static COUNTER_TRUSTED: AtomicBool = AtomicBool::new(false);

/// Looks what the processor offers. Once, before the first stamp.
pub(crate) fn choose() {
    COUNTER_TRUSTED.store(tsc::is_invariant(), Ordering::Relaxed);
}

/// Records are stamped by the processor's counter.
pub(crate) fn is_counter_trusted() -> bool {
    COUNTER_TRUSTED.load(Ordering::Relaxed)
}

/// Now, as a record says it. Hot.
#[inline]
pub(crate) fn stamp() -> u64 {
    if COUNTER_TRUSTED.load(Ordering::Relaxed) { tsc::now() & !OF_SYSTEM } else { system_stamp() }
}

#[cold]
fn system_stamp() -> u64 {
    monotonic_ns() as u64 | OF_SYSTEM
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> i64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(unix)]
fn monotonic_ns() -> i64 {
    read(rustix::time::ClockId::Monotonic)
}

/// What a test moved the wall clock by.
static SHIFTED_NS: AtomicI64 = AtomicI64::new(0);

/// For tests: from now on the agent's wall clock is so many nanoseconds off.
pub fn shift_wall_clock(by_ns: i64) {
    SHIFTED_NS.store(by_ns, Ordering::Relaxed);
}

#[cfg(unix)]
pub(crate) fn wall_ns() -> i64 {
    read(rustix::time::ClockId::Realtime).saturating_add(SHIFTED_NS.load(Ordering::Relaxed))
}

#[cfg(not(unix))]
fn monotonic_ns() -> i64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    i64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "this is the module that reads the system's clock")]
pub(crate) fn wall_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_nanos(wall_ns())
}

/// All clocks at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) counter: u64,
    /// Nanoseconds of the monotonic clock.
    pub(crate) monotonic_ns: i64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) wall_ns: i64,
}

impl Reading {
    /// Reads them, the counter on both sides; of three the one with the least between.
    pub(crate) fn now() -> Self {
        let (mut best, mut width) = (Self::default(), u64::MAX);
        for _ in 0..3 {
            let before = tsc::now();
            let monotonic_ns = monotonic_ns();
            let after = tsc::now();
            if after.wrapping_sub(before) < width {
                width = after.wrapping_sub(before);
                best = Self { counter: before.wrapping_add(width / 2), monotonic_ns, wall_ns: wall_ns() };
            }
        }
        best
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Good,
    /// The wall clock was moved by so many nanoseconds.
    Stepped(i64),
}

/// Turns stamps into times.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// The rate is that from here to `latest`.
    first: Reading,
    latest: Reading,
    ns_per_count: f64,
    /// What the wall clock is ahead of the monotonic one.
    wall_offset_ns: i64,
    checks_off: u32,
}

impl Timeline {
    /// Begins now; takes a tenth of a millisecond.
    pub(crate) fn start() -> Self {
        let first = Reading::now();
        let mut latest = first;
        while latest.monotonic_ns - first.monotonic_ns < FIRST_SPAN_NS {
            std::hint::spin_loop();
            latest = Reading::now();
        }
        Self::between(first, latest)
    }

    /// From two readings of one boot.
    pub(crate) fn between(first: Reading, latest: Reading) -> Self {
        let counts = latest.counter.wrapping_sub(first.counter);
        let span_ns = latest.monotonic_ns.saturating_sub(first.monotonic_ns);
        let ns_per_count = if counts == 0 { 0.0 } else { span_ns as f64 / counts as f64 };
        let wall_offset_ns = latest.wall_ns.saturating_sub(latest.monotonic_ns);
        Self { first, latest, ns_per_count, wall_offset_ns, checks_off: 0 }
    }

    /// Nanoseconds of the monotonic clock. Exact at the latest reading, and about as exact as the clock near it.
    pub(crate) fn monotonic_ns(&self, stamp: u64) -> i64 {
        if stamp & OF_SYSTEM != 0 {
            return (stamp & !OF_SYSTEM) as i64;
        }
        let counts = stamp.wrapping_sub(self.latest.counter) as i64;
        self.latest.monotonic_ns.saturating_add((counts as f64 * self.ns_per_count) as i64)
    }

    /// Nanoseconds since the Unix epoch, of a time of the monotonic clock.
    pub(crate) fn wall_ns(&self, monotonic_ns: i64) -> i64 {
        monotonic_ns.saturating_add(self.wall_offset_ns)
    }

    /// The readings that a later process needs to read the stamps.
    pub(crate) fn readings(&self) -> [Reading; 2] {
        [self.first, self.latest]
    }

    /// Takes a new reading in. Where the counter is off, times go on from here at the old rate; when it happens again
    /// and again, [`Timeline::is_counter_bad`].
    pub(crate) fn check(&mut self, now: Reading) -> Checked {
        let passed_ns = now.monotonic_ns.saturating_sub(self.latest.monotonic_ns) as f64;
        let counts = now.counter.wrapping_sub(self.latest.counter) as i64;
        let off_ns = (counts as f64 * self.ns_per_count - passed_ns).abs();
        if off_ns > (passed_ns * OFF_SHARE_MAX).max(OFF_NS_MIN) {
            self.checks_off += 1;
            (self.first, self.latest) = (now, now);
        } else {
            self.checks_off = 0;
            self.latest = now;
            let span_ns = now.monotonic_ns.saturating_sub(self.first.monotonic_ns);
            let counts = now.counter.wrapping_sub(self.first.counter);
            if span_ns > FIRST_SPAN_NS && counts > 0 {
                self.ns_per_count = span_ns as f64 / counts as f64;
            }
        }
        let offset_ns = now.wall_ns.saturating_sub(now.monotonic_ns);
        let moved_ns = offset_ns.saturating_sub(self.wall_offset_ns);
        self.wall_offset_ns = offset_ns;
        if moved_ns.saturating_abs() > STEP_NS_MIN { Checked::Stepped(moved_ns) } else { Checked::Good }
    }

    pub(crate) fn is_counter_bad(&self) -> bool {
        self.checks_off >= OFF_CHECKS_MAX
    }
}

/// From now on the system's clock stamps.
pub(crate) fn give_counter_up() {
    COUNTER_TRUSTED.store(false, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// A counter of 2.5 GHz that was at 1,000 when the monotonic clock was at 5 s.
    fn at(ns: i64) -> Reading {
        Reading {
            counter: 1_000 + (ns * 5 / 2) as u64,
            monotonic_ns: 5 * SECOND + ns,
            wall_ns: 1_790_000_000 * SECOND + ns,
        }
    }

    #[test]
    fn stamps_become_times() {
        let mut timeline = Timeline::between(at(0), at(FIRST_SPAN_NS));
        for second in 1..10 {
            assert_eq!(timeline.check(at(second * SECOND)), Checked::Good);
            for ns in [-SECOND / 2, 0, 700_000_000] {
                let expected = at(second * SECOND + ns);
                let time = timeline.monotonic_ns(expected.counter);
                assert!((time - expected.monotonic_ns).abs() < 5, "{time} for {expected:?}");
                assert_eq!(timeline.wall_ns(expected.monotonic_ns), expected.wall_ns);
            }
        }
        assert_eq!(timeline.monotonic_ns(0x4d | OF_SYSTEM), 77, "of the system's clock: as it is");
    }

    #[test]
    fn a_step_of_the_wall_clock_is_told_once() {
        for by in [-3_600 * SECOND, -2 * SECOND, 2 * SECOND, 31_536_000 * SECOND] {
            let mut timeline = Timeline::between(at(0), at(FIRST_SPAN_NS));
            assert_eq!(timeline.check(at(SECOND)), Checked::Good);
            let stepped = |ns| Reading { wall_ns: at(ns).wall_ns + by, ..at(ns) };
            assert_eq!(timeline.check(stepped(2 * SECOND)), Checked::Stepped(by));
            assert_eq!(timeline.check(stepped(3 * SECOND)), Checked::Good);
            let time = timeline.wall_ns(timeline.monotonic_ns(at(3 * SECOND).counter));
            assert!((time - stepped(3 * SECOND).wall_ns).abs() < 5, "times follow the wall clock");
        }
        let mut timeline = Timeline::between(at(0), at(FIRST_SPAN_NS));
        let slewed = Reading { wall_ns: at(SECOND).wall_ns + 400_000_000, ..at(SECOND) };
        assert_eq!(timeline.check(slewed), Checked::Good, "less than a second is no step");
    }

    #[test]
    fn a_counter_that_goes_wrong_is_given_up_and_one_that_jumps_once_is_not() {
        let mut timeline = Timeline::between(at(0), at(FIRST_SPAN_NS));
        // The machine slept: the counter was set back, once.
        let after = |ns| Reading { counter: at(ns).counter - 900, ..at(ns) };
        let jumped =
            |ns: i64| Reading { counter: (ns * 5 / 2) as u64 % 7 + (ns * 5 / 2) as u64 / 2, ..at(ns) };
        timeline.check(at(SECOND));
        timeline.check(Reading { counter: 17, ..at(2 * SECOND) });
        assert_eq!(timeline.monotonic_ns(17), at(2 * SECOND).monotonic_ns, "times go on from there");
        assert!(!timeline.is_counter_bad());
        timeline = Timeline::between(at(0), at(FIRST_SPAN_NS));
        timeline.check(after(SECOND));
        assert!(!timeline.is_counter_bad());
        for second in 2..8 {
            timeline.check(jumped(second * SECOND * (second % 2 + 1)));
        }
        assert!(timeline.is_counter_bad());
    }

    #[test]
    fn this_machine_keeps_time() {
        choose();
        let timeline = Timeline::start();
        let (before, stamp, after) = (monotonic_ns(), stamp(), monotonic_ns());
        let time = timeline.monotonic_ns(stamp);
        // A thousandth of what passed since the start, and the width of a reading.
        let slack = 1_000_000;
        assert!(before - slack <= time && time <= after + slack, "{before} {time} {after}");
    }
}
