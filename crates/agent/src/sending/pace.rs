//! How fast: pieces that fit the line, a limit that people set, and how often something is asked again.

use std::time::{Duration, Instant};

/// Bytes of a piece at most: what a broken connection costs, and what is in memory of what is sent.
const PIECE_BYTES_MAX: u64 = 256 * 1024;
/// At least: with their heads, pieces of this size pass a line that breaks every ten kilobytes.
const PIECE_BYTES_MIN: u64 = 4 * 1024;
/// A piece that takes longer is too large for the line: as long as it takes, a *no* is not heard.
const PIECE_TIME_MAX: Duration = Duration::from_secs(2);
/// A piece that takes less may be larger.
const PIECE_TIME_MIN: Duration = Duration::from_millis(500);
/// How often a wait looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The size of pieces, and when the next may go.
#[derive(Debug)]
pub(super) struct Pace {
    piece_bytes: u64,
    bytes_per_second: Option<u64>,
    free_at: Instant,
}

impl Pace {
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        let bytes_per_second = bytes_per_second.filter(|bytes| *bytes > 0);
        Self { piece_bytes: PIECE_BYTES_MAX, bytes_per_second, free_at: Instant::now() }
    }

    /// Bytes of the next piece, of which the server takes so many.
    pub(super) fn piece_bytes(&self, bytes_max: u64) -> u64 {
        // Half a second of what is allowed: the limit is one of each second, not of an hour.
        let allowed = self.bytes_per_second.map_or(u64::MAX, |bytes| (bytes / 2).max(1));
        self.piece_bytes.min(allowed).min(bytes_max.max(1))
    }

    /// Waits until a piece of that many bytes may go, or `stop`.
    pub(super) fn wait(&mut self, bytes: usize, stop: &dyn Fn() -> bool) {
        let Some(rate) = self.bytes_per_second else { return };
        sleep(self.free_at.saturating_duration_since(Instant::now()), stop);
        self.free_at = Instant::now() + Duration::from_secs_f64(bytes as f64 / rate as f64);
    }

    /// A piece arrived.
    pub(super) fn took(&mut self, time: Duration) {
        if time > PIECE_TIME_MAX {
            self.piece_bytes = (self.piece_bytes / 2).max(PIECE_BYTES_MIN);
        } else if time < PIECE_TIME_MIN {
            self.piece_bytes = (self.piece_bytes * 2).min(PIECE_BYTES_MAX);
        }
    }

    /// A piece did not arrive: less of it is lost the next time.
    pub(super) fn failed(&mut self) {
        self.piece_bytes = (self.piece_bytes / 4).max(PIECE_BYTES_MIN);
    }
}

/// Waits that long, or until `stop` says so.
pub(super) fn sleep(time: Duration, stop: &dyn Fn() -> bool) {
    let until = Instant::now() + time;
    while !stop() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}

/// How often a request is asked again within a pass, and after which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    tries_max: u32,
    first: Duration,
    max: Duration,
}

impl Patience {
    /// Of a pass that is the only one: with the waits between them a minute, in which a server is started again.
    pub(super) const ONCE: Self =
        Self { tries_max: 10, first: Duration::from_millis(100), max: Duration::from_secs(15) };
    /// Of a pass that others follow: what a connection that broke needs.
    pub(super) const OFTEN: Self =
        Self { tries_max: 4, first: Duration::from_millis(50), max: Duration::from_secs(1) };

    /// Before the next try, the first being 1. `None`: not now.
    pub(super) fn wait(self, tried: u32, said: Option<Duration>) -> Option<Duration> {
        let doubled = self.first * 2_u32.pow(tried.saturating_sub(1).min(16));
        let wait = said.unwrap_or(doubled.min(self.max));
        (tried < self.tries_max && wait <= self.max).then_some(wait)
    }
}

/// When a server that had trouble is tried again: twice the time before, with chance, so that many programs do not come
/// back at once.
#[derive(Debug)]
pub(crate) struct BackOff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl BackOff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, failures: 0 }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure; `chance` is of 0 to 1. What the server said holds, if it is longer.
    pub(crate) fn failed(&mut self, said: Option<Duration>, chance: f64) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.pow(self.failures.min(16)));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(self.max).mul_f64(0.5 + chance / 2.0);
        wait.max(said.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}

/// What a server may ask to wait at most: a slip of its administrator's costs an afternoon, not a year.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_the_line_and_the_limit() {
        let mut pace = Pace::new(None);
        assert_eq!((pace.piece_bytes(1 << 20), pace.piece_bytes(1000)), (PIECE_BYTES_MAX, 1000));
        pace.took(Duration::from_secs(3));
        assert_eq!(pace.piece_bytes(1 << 20), PIECE_BYTES_MAX / 2);
        (0..9).for_each(|_| pace.failed());
        assert_eq!(pace.piece_bytes(1 << 20), PIECE_BYTES_MIN);
        (0..9).for_each(|_| pace.took(Duration::ZERO));
        assert_eq!(pace.piece_bytes(1 << 20), PIECE_BYTES_MAX);
        assert_eq!(Pace::new(Some(10_000)).piece_bytes(1 << 20), 5_000);
        assert_eq!(Pace::new(Some(0)).piece_bytes(1 << 20), PIECE_BYTES_MAX, "no limit");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_the_server_is_heard() {
        let mut back_off = BackOff::new(Duration::from_secs(1), Duration::from_mins(1));
        let waits: Vec<u64> = (0..9).map(|_| back_off.failed(None, 1.0).as_secs()).collect();
        assert_eq!((waits, back_off.failures()), (vec![1, 2, 4, 8, 16, 32, 60, 60, 60], 9));
        assert_eq!(back_off.failed(Some(Duration::from_secs(90)), 0.0), Duration::from_secs(90));
        assert_eq!(back_off.failed(Some(Duration::from_hours(9999)), 0.0), RETRY_AFTER_MAX);
        back_off.succeeded();
        assert_eq!(back_off.failed(None, 0.0), Duration::from_millis(500));
    }

    #[test]
    fn a_request_is_asked_again_a_few_times() {
        let tries = (1..).take_while(|tried| Patience::ONCE.wait(*tried, None).is_some());
        assert_eq!(tries.count(), 9);
        assert_eq!(Patience::OFTEN.wait(1, Some(Duration::from_secs(30))), None, "not within this pass");
        assert_eq!(Patience::ONCE.wait(1, Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
    }
}
