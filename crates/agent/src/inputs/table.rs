//! A table that is only added to: found by a hash, without a lock. For callsites, of which a program has a few thousand.

use std::sync::OnceLock;

/// Those of the macros of a large program. Some 40 bytes each, of which only what is used becomes memory.
const SLOTS: usize = 4096;
/// Slots that are looked at: with half of them taken one in a hundred finds no place among so many.
const PROBES: usize = 8;

#[derive(Debug)]
pub(super) struct Table<K: 'static, V: 'static>([OnceLock<(K, V)>; SLOTS]);

impl<K: Copy + Eq, V: Copy> Table<K, V> {
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; SLOTS])
    }

    /// Hot: a multiplication, a load and a comparison.
    #[inline]
    pub(super) fn get(&self, number: usize, key: K) -> Option<V> {
        let first = slot(number);
        for at in first..first + PROBES {
            match self.0[at % SLOTS].get() {
                Some((known, value)) if *known == key => return Some(*value),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// What the key stands for from now on; by another thread's word perhaps. Without a place it is not kept.
    pub(super) fn put(&self, number: usize, key: K, value: V) -> V {
        let first = slot(number);
        for at in first..first + PROBES {
            let (taken_by, taken) = self.0[at % SLOTS].get_or_init(|| (key, value));
            if *taken_by == key {
                return *taken;
            }
        }
        value
    }
}

/// Fibonacci's: the high bits depend on all.
#[inline]
fn slot(number: usize) -> usize {
    (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> (usize::BITS - SLOTS.ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Table<usize, usize> = Table::new();

    #[test]
    fn what_was_put_is_found_and_what_has_no_place_is_not() {
        assert_eq!(TABLE.get(8, 8), None);
        for key in (0..20_000).map(|number| number * 8) {
            assert_eq!(TABLE.put(key, key, key + 1), key + 1);
        }
        let kept = (0..20_000)
            .map(|number| number * 8)
            .filter_map(|key| TABLE.get(key, key).inspect(|value| assert_eq!(*value, key + 1)));
        let kept = kept.count();
        assert!((SLOTS / 2..=SLOTS).contains(&kept), "{kept}");
        assert_eq!(TABLE.put(8, 8, 77), 9, "the first word holds");
    }
}
