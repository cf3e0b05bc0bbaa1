//! Events over time, as finely as a wide terminal can draw.

use kymo_model::{Severity, Timestamp};

/// Most buckets: two for each column of a very wide terminal, after merging in pairs.
const BUCKETS_MAX: usize = 1024;
/// About a millisecond, as in the kymogram of a list.
const WIDTH_LOG2_MIN: u32 = 20;
const WIDTH_LOG2_MAX: u32 = 62;

/// Events of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) count: u64,
    /// Of these, those that are worth a notch.
    pub(crate) severe: u64,
    /// The worst: [`Severity::level`].
    pub(crate) worst_level: u8,
}

impl Cell {
    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.severe += other.severe;
        self.worst_level = self.worst_level.max(other.worst_level);
    }
}

/// Counts in a row of buckets of equal width. When the times do not fit, the width doubles.
#[derive(Clone, Debug)]
pub(crate) struct Density {
    width_log2: u32,
    /// Start of the first bucket divided by the width.
    first: i64,
    buckets: Vec<Cell>,
}

impl Default for Density {
    fn default() -> Self {
        Self { width_log2: WIDTH_LOG2_MIN, first: 0, buckets: Vec::new() }
    }
}

impl Density {
    /// Counts an event.
    pub(crate) fn add(&mut self, time: Timestamp, severity: Severity, is_severe: bool) {
        let nanos = time.as_unix_nanos();
        if self.buckets.is_empty() {
            self.first = nanos >> self.width_log2;
        }
        loop {
            let index = nanos >> self.width_log2;
            let first = self.first.min(index);
            let last = (self.first + self.buckets.len() as i64 - 1).max(index);
            if last.abs_diff(first) < BUCKETS_MAX as u64 {
                let missing = self.first.abs_diff(first) as usize;
                self.buckets.splice(0..0, std::iter::repeat_n(Cell::default(), missing));
                self.first = first;
                let at = index.abs_diff(first) as usize;
                if at >= self.buckets.len() {
                    self.buckets.resize(at + 1, Cell::default());
                }
                let severe = u64::from(is_severe);
                self.buckets[at].absorb(Cell { count: 1, severe, worst_level: severity.level() });
                return;
            }
            if self.width_log2 >= WIDTH_LOG2_MAX {
                return;
            }
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        let first = self.first >> 1;
        let mut merged: Vec<Cell> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        for (at, bucket) in self.buckets.iter().enumerate() {
            let index = ((self.first + at as i64) >> 1).abs_diff(first) as usize;
            if index >= merged.len() {
                merged.resize(index + 1, Cell::default());
            }
            merged[index].absorb(*bucket);
        }
        (self.first, self.buckets) = (first, merged);
        self.width_log2 += 1;
    }

    /// What lies between two moments, in columns of equal width. A bucket wider than a column fills all that it covers.
    pub(crate) fn columns(&self, (from, to): (Timestamp, Timestamp), columns: usize) -> Vec<Cell> {
        let mut cells = vec![Cell::default(); columns];
        let start = i128::from(from.as_unix_nanos());
        let span = (i128::from(to.as_unix_nanos()) - start).max(1);
        let column = |nanos: i128| ((nanos - start) * columns as i128 / span).clamp(0, columns as i128 - 1);
        for (at, bucket) in self.buckets.iter().enumerate().filter(|(_, bucket)| bucket.count > 0) {
            let begin = i128::from(self.first + at as i64) << self.width_log2;
            let end = begin + (1i128 << self.width_log2) - 1;
            if end < start || begin > start + span || columns == 0 {
                continue;
            }
            let covered = column(begin.max(start)) as usize..=column(end.min(start + span)) as usize;
            // Where columns are wide a bucket belongs to one, the one it begins in.
            let is_narrow = (1i128 << self.width_log2) * (columns as i128) < span;
            let covered = if is_narrow { *covered.start()..=*covered.start() } else { covered };
            cells[covered].iter_mut().for_each(|cell| cell.absorb(*bucket));
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use kymo_testkit::Random;

    use super::*;

    #[test]
    fn every_event_is_counted_in_any_order_and_distance() {
        let mut random = Random::seeded(9);
        for shift in [22, 34, 44, 60] {
            let mut density = Density::default();
            for _ in 0..3000 {
                let nanos =
                    1_790_000_000_000_000_000i64.wrapping_sub((random.number() >> (63 - shift)) as i64);
                density.add(Timestamp::from_unix_nanos(nanos), Severity::INFO, false);
                assert!(density.buckets.len() <= BUCKETS_MAX);
            }
            assert_eq!(density.buckets.iter().map(|cell| cell.count).sum::<u64>(), 3000, "{shift}");
            let all = (Timestamp::MIN, Timestamp::MAX);
            assert_eq!(density.columns(all, 7).iter().map(|cell| cell.count).sum::<u64>(), 3000, "{shift}");
        }
    }

    #[test]
    fn columns_are_stretches_of_time() {
        let mut density = Density::default();
        let at = |second: i64| Timestamp::from_unix_nanos(second * 1_000_000_000);
        for second in 0..100 {
            density.add(
                at(second),
                if second == 42 { Severity::FATAL } else { Severity::INFO },
                second == 42,
            );
        }
        let cells = density.columns((at(0), at(100)), 10);
        assert_eq!(cells.iter().map(|cell| cell.count).sum::<u64>(), 100);
        assert!(cells.iter().all(|cell| (8..=12).contains(&cell.count)), "{cells:?}");
        let severe: Vec<usize> = (0..10).filter(|at| cells[*at].severe > 0).collect();
        assert_eq!((severe, cells[4].worst_level), (vec![4], 5));
    }
}
