//! A small seeded generator (SplitMix64): the same seed gives the same numbers for ever.

/// Pseudo-random numbers from a seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of the seed in `KYMO_SEED`, or else of `default`; the seed is printed, so that a
    /// run can be had again.
    pub fn seeded(default: u64) -> Self {
        let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
        println!("KYMO_SEED={seed}");
        Self::new(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// Any order of the same items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let place = self.below(end as u64 + 1) as usize;
            items.swap(place, end);
        }
    }
}
