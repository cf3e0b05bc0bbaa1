//! A set of events of a session, one bit for each.

/// Words that a count stands before: the distance of a search, and 3 % more memory.
const GROUP_WORDS: usize = 32;

/// Which events are in; grows by one event at a time. A million events take 130 KB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    words: Vec<u64>,
    /// Events that are in, before each group of words.
    before: Vec<u64>,
    len: u64,
    count: u64,
}

impl Selection {
    /// Says of the next event whether it is in.
    pub(crate) fn push(&mut self, is_in: bool) {
        let bit = self.len % 64;
        if bit == 0 {
            if self.words.len().is_multiple_of(GROUP_WORDS) {
                self.before.push(self.count);
            }
            self.words.push(0);
        }
        if let (Some(word), true) = (self.words.last_mut(), is_in) {
            *word |= 1 << bit;
            self.count += 1;
        }
        self.len += 1;
    }

    /// How many events were said something about.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How many are in.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// How many of those before `event` are in.
    pub(crate) fn rank(&self, event: u64) -> u64 {
        if event >= self.len {
            return self.count;
        }
        let word = (event / 64) as usize;
        let group = word / GROUP_WORDS;
        let whole: u64 =
            self.words[group * GROUP_WORDS..word].iter().map(|word| u64::from(word.count_ones())).sum();
        let part = self.words[word] & ((1 << (event % 64)) - 1);
        self.before[group] + whole + u64::from(part.count_ones())
    }

    /// The event that `rank` others that are in come before.
    pub(crate) fn nth(&self, rank: u64) -> Option<u64> {
        if rank >= self.count {
            return None;
        }
        let group = self.before.partition_point(|before| *before <= rank) - 1;
        let mut left = rank - self.before[group];
        for (at, &word) in self.words.iter().enumerate().skip(group * GROUP_WORDS) {
            let ones = u64::from(word.count_ones());
            if left < ones {
                let bit = (0..64).filter(|bit| word >> bit & 1 == 1).nth(left as usize)?;
                return Some(at as u64 * 64 + bit);
            }
            left -= ones;
        }
        None
    }

    /// Whether it is in.
    pub(crate) fn contains(&self, event: u64) -> bool {
        self.words.get((event / 64) as usize).is_some_and(|word| word >> (event % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use kymo_testkit::Random;

    use super::*;

    #[test]
    fn it_is_a_list_of_places() {
        let mut random = Random::seeded(12);
        for one_in in [1, 2, 50, 5000] {
            let (mut selection, mut places) = (Selection::default(), Vec::new());
            for event in 0..20_000 {
                let is_in = random.below(one_in) == 0;
                places.extend(is_in.then_some(event));
                selection.push(is_in);
            }
            assert_eq!((selection.len(), selection.count()), (20_000, places.len() as u64));
            for _ in 0..500 {
                let event = random.below(20_100);
                let rank = places.iter().filter(|place| **place < event).count() as u64;
                assert_eq!(selection.rank(event), rank);
                assert_eq!(selection.nth(rank), places.get(rank as usize).copied());
                assert_eq!(selection.contains(event), places.contains(&event));
            }
        }
        assert_eq!((Selection::default().nth(0), Selection::default().rank(0)), (None, 0));
    }
}
