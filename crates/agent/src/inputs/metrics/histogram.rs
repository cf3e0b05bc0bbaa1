//! Many values in little room: how many lie in each of some ranges that grow by the same factor.

use std::collections::BTreeMap;

use super::super::samples::{Number, SUMMARY};

/// Ranges of an octave: each is 4.4 % wide, so a quantile is off by 2.2 % at most.
const RANGES_OF_OCTAVE: f64 = 16.0;
/// Octaves below and above 1; values beyond count to the outermost range. 1,024 ranges in all.
const OCTAVES: f64 = 32.0;

#[derive(Debug, Default)]
pub(super) struct Values {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
    ranges: BTreeMap<i16, u64>,
}

/// For zero and what is below it, of which only the least is known.
const NOT_POSITIVE: i16 = i16::MIN;

impl Values {
    /// What is no number is not counted.
    pub(super) fn add(&mut self, value: f64, many: u64) {
        if value.is_nan() || many == 0 {
            return;
        }
        let first = self.count == 0;
        self.least = if first { value } else { self.least.min(value) };
        self.most = if first { value } else { self.most.max(value) };
        self.count += many;
        self.sum += value * many as f64;
        *self.ranges.entry(range(value)).or_insert(0) += many;
    }

    /// The figures of [`SUMMARY`]; `None` if there were no values.
    pub(super) fn summary(&self) -> Option<[Number; SUMMARY.len()]> {
        (self.count > 0).then(|| {
            [
                self.count.into(),
                self.sum.into(),
                self.least.into(),
                self.most.into(),
                self.quantile(0.5).into(),
                self.quantile(0.9).into(),
                self.quantile(0.99).into(),
            ]
        })
    }

    fn quantile(&self, share: f64) -> f64 {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut below = 0;
        for (range, many) in &self.ranges {
            below += many;
            if below >= rank {
                let middle = match *range {
                    NOT_POSITIVE => self.least,
                    range => ((f64::from(range) + 0.5) / RANGES_OF_OCTAVE).exp2(),
                };
                return middle.clamp(self.least, self.most);
            }
        }
        self.most
    }
}

fn range(value: f64) -> i16 {
    if value <= 0.0 {
        return NOT_POSITIVE;
    }
    (value.log2().clamp(-OCTAVES, OCTAVES) * RANGES_OF_OCTAVE).floor() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_the_true_ones() {
        let mut values = Values::default();
        assert!(values.summary().is_none());
        for number in 1..=1_000 {
            values.add(f64::from(number) / 7.0, 1);
        }
        for (share, expected) in [(0.5, 500.0 / 7.0), (0.9, 900.0 / 7.0), (0.99, 990.0 / 7.0)] {
            let found = values.quantile(share);
            assert!((found / expected - 1.0).abs() < 0.03, "{share}: {found} for {expected}");
        }
        assert_eq!((values.least, values.most, values.count), (1.0 / 7.0, 1_000.0 / 7.0, 1_000));
    }

    #[test]
    fn odd_values_take_no_more_room() {
        let mut values = Values::default();
        for value in [0.0, -3.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300] {
            values.add(value, 1);
        }
        values.add(2.0, 0);
        assert_eq!((values.count, values.ranges.len()), (5, 3));
        assert!(values.quantile(0.1) <= -3.0);
        assert!(values.quantile(1.0) > 4e9, "in the outermost range");
    }
}
