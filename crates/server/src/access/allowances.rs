//! How often something may be done: an allowance for each key that is used up and comes back with time.
//!
//! For each key one moment is kept, at which its allowance is whole again; a key whose moment has come
//! is forgotten. So memory is that of the keys that did something lately, and it is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kymo_model::Timestamp;

/// Keys remembered: some 100 bytes each. Beyond it, keys that are not among them share one allowance.
const KEYS_MAX: usize = 10_000;

/// An allowance: so many at once, and then one more each time `every` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many at once, at least 1.
    pub burst: u32,
    /// How long one takes to come back.
    pub every: Duration,
}

impl Allowance {
    fn every_nanos(self) -> i64 {
        i64::try_from(self.every.as_nanos()).unwrap_or(i64::MAX / 2)
    }

    fn whole_nanos(self) -> i64 {
        self.every_nanos().saturating_mul(i64::from(self.burst.max(1)))
    }
}

#[derive(Debug)]
pub(crate) struct Allowances<K> {
    allowance: Allowance,
    // Locked for a look-up, or for a walk through all keys when they are too many.
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    whole_at: HashMap<K, i64>,
    /// Of all keys that found no room.
    shared_whole_at: i64,
}

impl<K: Eq + Hash> Allowances<K> {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, table: Mutex::new(Table { whole_at: HashMap::new(), shared_whole_at: 0 }) }
    }

    /// Takes one of the key's allowance; else how long it is until there is one.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let (now, every, whole) =
            (now.as_unix_nanos(), self.allowance.every_nanos(), self.allowance.whole_nanos());
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = table.slot(key, now);
        // A clock that was set back must not shut anybody out for longer than an empty allowance does.
        let at = (*whole_at).clamp(now, now.saturating_add(whole));
        let after = at.saturating_add(every);
        let over = after.saturating_sub(now.saturating_add(whole));
        if over > 0 {
            return Err(Duration::from_nanos(over as u64));
        }
        *whole_at = after;
        Ok(())
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, key: &K) {
        let every = self.allowance.every_nanos();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let table = &mut *table;
        let whole_at = table.whole_at.get_mut(key).unwrap_or(&mut table.shared_whole_at);
        *whole_at = whole_at.saturating_sub(every);
    }
}

impl<K: Eq + Hash> Table<K> {
    fn slot(&mut self, key: K, now: i64) -> &mut i64 {
        if self.whole_at.len() >= KEYS_MAX && !self.whole_at.contains_key(&key) {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            if self.whole_at.len() >= KEYS_MAX {
                return &mut self.shared_whole_at;
            }
        }
        self.whole_at.entry(key).or_insert(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Allowance = Allowance { burst: 3, every: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + seconds * 1_000_000_000)
    }

    #[test]
    fn it_is_used_up_and_comes_back() {
        let allowances = Allowances::new(THREE);
        // Seconds, and how long to wait.
        let rows = [(0, 0), (0, 0), (1, 0), (1, 9), (9, 1), (10, 0), (10, 10), (30, 0), (30, 0), (30, 10)];
        for (row, (seconds, wait)) in rows.into_iter().enumerate() {
            let found = allowances.take("a", at(seconds)).err().unwrap_or_default();
            assert_eq!(found, Duration::from_secs(wait), "row {row}");
        }
        assert_eq!(allowances.take("b", at(30)), Ok(()), "each key has its own");
        allowances.give_back(&"a");
        assert_eq!(allowances.take("a", at(30)), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out_for_long() {
        let allowances = Allowances::new(THREE);
        for _ in 0..3 {
            allowances.take("a", at(1_000_000)).unwrap();
        }
        assert_eq!(allowances.take("a", at(0)), Err(Duration::from_secs(10)));
        assert_eq!(allowances.take("a", at(0)), Err(Duration::from_secs(10)));
    }

    #[test]
    fn keys_without_room_share_one_and_idle_ones_are_forgotten() {
        let allowances = Allowances::new(THREE);
        for key in 0..KEYS_MAX {
            allowances.take(key, at(0)).unwrap();
        }
        let late =
            |seconds| (0..4).map(|more| allowances.take(KEYS_MAX + more, at(seconds))).collect::<Vec<_>>();
        assert_eq!(late(0), [Ok(()), Ok(()), Ok(()), Err(Duration::from_secs(10))]);
        assert_eq!(allowances.table.lock().unwrap().whole_at.len(), KEYS_MAX);
        assert_eq!(late(10), [Ok(()); 4], "the others are whole again, so there is room");
        assert_eq!(allowances.table.lock().unwrap().whole_at.len(), 4);
    }
}
