//! What arrived: how late, what is missing, what came twice.

/// Buckets of a tenth of a millisecond, up to ten seconds; what is later counts as that late.
const BUCKETS: usize = 100_000;
const BUCKETS_PER_MS: f64 = 10.0;

/// Nanoseconds since 1970.
pub(super) fn now_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// Of one receiver, or of all.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    late: Vec<u32>,
    pub(super) arrived: u64,
    pub(super) missing: u64,
    pub(super) twice: u64,
    last: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { late: vec![0; BUCKETS], arrived: 0, missing: 0, twice: 0, last: 0 }
    }
}

impl Tally {
    /// A message with that number, counted from 1, written at that time.
    pub(super) fn arrived(&mut self, number: u64, written_ns: i64, now_ns: i64) {
        if number <= self.last {
            self.twice += 1;
            return;
        }
        self.missing += number - self.last - 1;
        self.last = number;
        self.arrived += 1;
        let late_ms = (now_ns - written_ns).max(0) as f64 / 1e6;
        self.late[((late_ms * BUCKETS_PER_MS) as usize).min(BUCKETS - 1)] += 1;
    }

    /// The last number.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// That of another receiver, who should have everything up to `last`.
    pub(super) fn add(&mut self, other: &Self, last: u64) {
        for (sum, count) in self.late.iter_mut().zip(&other.late) {
            *sum += count;
        }
        self.arrived += other.arrived;
        self.missing += other.missing + last.saturating_sub(other.last);
        self.twice += other.twice;
    }

    /// How late that share of them was, in milliseconds.
    pub(super) fn late_ms(&self, share: f64) -> f64 {
        let rank = (self.arrived as f64 * share) as u64;
        let mut before = 0;
        for (bucket, count) in self.late.iter().enumerate() {
            before += u64::from(*count);
            if before > rank {
                return (bucket + 1) as f64 / BUCKETS_PER_MS;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_comes_twice_is_counted() {
        let mut tally = Tally::default();
        for (number, late_ms) in [(1, 1), (2, 2), (2, 9), (5, 3), (6, 4)] {
            tally.arrived(number, 0, late_ms * 1_000_000);
        }
        let mut all = Tally::default();
        all.add(&tally, 8);
        assert_eq!((all.arrived, all.missing, all.twice), (4, 2 + 2, 1));
        assert_eq!((all.late_ms(0.5), all.late_ms(0.99)), (3.1, 4.1));
    }
}
