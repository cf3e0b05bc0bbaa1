//! How many different values: exact up to a bound, then estimated.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use cardinality_estimator::CardinalityEstimator;

/// Different values that are counted exactly (D15): as hashes of 8 bytes, some 160 KiB.
const EXACT_MAX: usize = 10_000;

/// Different values, by their hashes. Beyond [`EXACT_MAX`] a `HyperLogLog` of 4096 registers in at most 4 KiB, which is
/// off by 1.6 % on average.
pub(super) struct Distinct {
    hasher: RandomState,
    counted: Counted,
}

enum Counted {
    Exact(HashSet<u64>),
    Estimated(Box<CardinalityEstimator<u64>>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self { hasher: RandomState::new(), counted: Counted::Exact(HashSet::new()) }
    }
}

impl Distinct {
    /// `left`: how many more values all counts of the question may keep.
    pub(super) fn add(&mut self, value: &str, left: &mut usize) {
        let hash = self.hasher.hash_one(value);
        match &mut self.counted {
            Counted::Exact(seen) => {
                *left = left.saturating_sub(usize::from(seen.insert(hash)));
                if seen.len() > EXACT_MAX || *left == 0 {
                    *left += seen.len();
                    let mut estimator = CardinalityEstimator::new();
                    for hash in seen.iter() {
                        estimator.insert_hash(*hash);
                    }
                    self.counted = Counted::Estimated(Box::new(estimator));
                }
            }
            Counted::Estimated(estimator) => estimator.insert_hash(hash),
        }
    }

    pub(super) fn count(&self) -> usize {
        match &self.counted {
            Counted::Exact(seen) => seen.len(),
            Counted::Estimated(estimator) => estimator.estimate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        let count = |different: usize| {
            let (mut distinct, mut left) = (Distinct::default(), EXACT_MAX * 2);
            for value in (0..different).chain(0..different) {
                distinct.add(&value.to_string(), &mut left);
            }
            distinct.count()
        };
        assert_eq!(count(0), 0);
        assert_eq!(count(EXACT_MAX), EXACT_MAX);
        let many = count(200_000);
        // Four times the standard error.
        assert!((187_000..=213_000).contains(&many), "{many}");
    }
}
