//! The few hundred bytes that draw a session's life.
//!
//! Events are counted in buckets of a power-of-two width, aligned to the epoch, and only
//! non-empty buckets are kept. When there would be more than [`BUCKETS_MAX`] of them, or their
//! bytes would exceed [`BYTES_MAX`], neighbours are merged in pairs and the width doubles:
//!
//! ```text
//! width 8 s   |3|.|1|4|.|.|2|      numbers of events, '.' is not stored
//! width 16 s  | 3 | 5 | . | 2 |    merged in pairs, aligned at multiples of 16 s
//! ```
//!
//! The result depends on the set of events only, never on the order they came in: the number of
//! non-empty buckets at a width can only grow with the set, so the final width is the same.

use crate::severity::Severity;
use crate::time::Timestamp;

/// Most buckets kept. A list draws 120 pixels: two to a bucket.
pub const BUCKETS_MAX: usize = 64;
/// Most bytes of [`Kymogram::to_bytes`]: a session row stays within a few hundred bytes.
pub const BYTES_MAX: usize = 200;

/// Width exponent a new kymogram starts with: 2^20 ns, about a millisecond, which is what most
/// agents' clocks resolve.
const WIDTH_LOG2_MIN: u8 = 20;
/// 2^62 ns are 146 years: two buckets span all representable time.
const WIDTH_LOG2_MAX: u8 = 62;
const FORMAT: u8 = 1;

/// Events over time, coarse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kymogram {
    width_log2: u8,
    /// Sorted by index, indexes unique.
    buckets: Vec<Bucket>,
}

/// The events of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Start of the stretch divided by its width.
    pub index: i64,
    /// Events in it.
    pub count: u32,
    /// The worst of them: [`Severity::level`].
    pub worst_level: u8,
}

impl Default for Kymogram {
    fn default() -> Self {
        Self { width_log2: WIDTH_LOG2_MIN, buckets: Vec::new() }
    }
}

impl Kymogram {
    /// Counts an event.
    pub fn add(&mut self, time: Timestamp, severity: Severity) {
        self.insert(Bucket {
            index: time.as_unix_nanos() >> self.width_log2,
            count: 1,
            worst_level: severity.level(),
        });
        self.shrink();
    }

    /// Adds the events of another: the same as if each had been added here.
    pub fn merge(&mut self, other: &Self) {
        while self.width_log2 < other.width_log2 {
            self.coarsen();
        }
        let narrower_by = self.width_log2 - other.width_log2;
        for &bucket in &other.buckets {
            self.insert(Bucket { index: bucket.index >> narrower_by, ..bucket });
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.width_log2 < WIDTH_LOG2_MAX
            && (self.buckets.len() > BUCKETS_MAX || self.encoded_len() > BYTES_MAX)
        {
            self.coarsen();
        }
    }

    /// Width of a bucket in nanoseconds.
    pub const fn width_nanos(&self) -> u64 {
        1 << self.width_log2
    }

    /// The non-empty buckets in order of time.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Start of a bucket.
    pub fn start_of(&self, bucket: Bucket) -> Timestamp {
        Timestamp::from_unix_nanos(bucket.index << self.width_log2)
    }

    fn insert(&mut self, new: Bucket) {
        match self.buckets.binary_search_by_key(&new.index, |bucket| bucket.index) {
            Ok(at) => self.buckets[at].absorb(new),
            Err(at) => self.buckets.insert(at, new),
        }
    }

    fn coarsen(&mut self) {
        self.width_log2 += 1;
        let mut merged: Vec<Bucket> = Vec::with_capacity(self.buckets.len());
        for &bucket in &self.buckets {
            let moved = Bucket { index: bucket.index >> 1, ..bucket };
            match merged.last_mut() {
                Some(last) if last.index == moved.index => last.absorb(moved),
                _ => merged.push(moved),
            }
        }
        self.buckets = merged;
    }

    fn encoded_len(&self) -> usize {
        let mut previous = self.buckets.first().map_or(0, |bucket| bucket.index);
        let body: usize = self
            .buckets
            .iter()
            .map(|bucket| {
                let gap = bucket.index.abs_diff(previous);
                previous = bucket.index;
                varint_len(gap) + varint_len(bucket.packed())
            })
            .sum();
        HEADER_BYTES + body
    }

    /// Storage form: format, width exponent, first index (8 bytes little-endian), then for each
    /// bucket the distance from the one before and `count * 8 + worst level`, both LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES_MAX);
        let mut previous = self.buckets.first().map_or(0, |bucket| bucket.index);
        bytes.extend([FORMAT, self.width_log2]);
        bytes.extend(previous.to_le_bytes());
        for bucket in &self.buckets {
            write_varint(&mut bytes, bucket.index.abs_diff(previous));
            write_varint(&mut bytes, bucket.packed());
            previous = bucket.index;
        }
        bytes
    }

    /// Reads [`Kymogram::to_bytes`]; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let width_log2 = header[1];
        if header[0] != FORMAT || !(WIDTH_LOG2_MIN..=WIDTH_LOG2_MAX).contains(&width_log2) {
            return None;
        }
        let mut index = i64::from_le_bytes(header[2..].try_into().ok()?);
        let mut buckets = Vec::new();
        while !rest.is_empty() {
            let gap = read_varint(&mut rest)?;
            let packed = read_varint(&mut rest)?;
            let in_order = buckets.is_empty() == (gap == 0);
            if !in_order || buckets.len() == BUCKETS_MAX {
                return None;
            }
            index = index.checked_add_unsigned(gap)?;
            buckets.push(Bucket {
                index,
                count: u32::try_from(packed >> 3).ok()?,
                worst_level: (packed & 7) as u8,
            });
        }
        Some(Self { width_log2, buckets })
    }
}

const HEADER_BYTES: usize = 10;

impl Bucket {
    fn absorb(&mut self, other: Bucket) {
        self.count = self.count.saturating_add(other.count);
        self.worst_level = self.worst_level.max(other.worst_level);
    }

    fn packed(self) -> u64 {
        u64::from(self.count) << 3 | u64::from(self.worst_level)
    }
}

fn varint_len(value: u64) -> usize {
    (64 - value.leading_zeros() as usize).div_ceil(7).max(1)
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_unix_nanos(nanos)
    }

    /// A small deterministic generator; the seed is in the failing message.
    fn times(seed: u64, count: usize) -> Vec<i64> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 20) % 3_600_000_000_000) as i64 + 1_790_000_000_000_000_000
            })
            .collect()
    }

    #[test]
    fn order_does_not_matter_and_limits_hold() {
        for seed in 0..200 {
            let mut moments = times(seed, 1 + (seed as usize * 7) % 400);
            let draw = |moments: &[i64]| {
                let mut drawing = Kymogram::default();
                for &nanos in moments {
                    let severity = if nanos % 17 == 0 { Severity::ERROR } else { Severity::INFO };
                    drawing.add(at(nanos), severity);
                    assert!(
                        drawing.to_bytes().len() <= BYTES_MAX && drawing.buckets().len() <= BUCKETS_MAX,
                        "seed {seed}"
                    );
                }
                drawing
            };
            let forward = draw(&moments);
            moments.reverse();
            assert_eq!(forward, draw(&moments), "seed {seed}");
            assert_eq!(Kymogram::from_bytes(&forward.to_bytes()), Some(forward.clone()), "seed {seed}");
            let total: u32 = forward.buckets().iter().map(|bucket| bucket.count).sum();
            assert_eq!(total as usize, moments.len(), "seed {seed}");
        }
    }

    #[test]
    fn merging_is_adding_each() {
        for seed in 0..200 {
            let moments = times(seed, 2 + (seed as usize * 5) % 300);
            let draw = |moments: &[i64]| {
                let mut drawing = Kymogram::default();
                for &nanos in moments {
                    drawing.add(at(nanos), Severity::INFO);
                }
                drawing
            };
            let (one, other) = moments.split_at(seed as usize % moments.len());
            let mut merged = draw(one);
            merged.merge(&draw(other));
            assert_eq!(merged, draw(&moments), "seed {seed}");
        }
    }

    #[test]
    fn the_ends_of_time_fit() {
        let mut drawing = Kymogram::default();
        drawing.add(Timestamp::MIN, Severity::INFO);
        drawing.add(Timestamp::MAX, Severity::FATAL);
        assert_eq!(drawing.buckets().len(), 2);
        assert_eq!(Kymogram::from_bytes(&drawing.to_bytes()), Some(drawing));
    }

    #[test]
    fn foreign_bytes_are_refused() {
        for bad in [
            &b""[..],
            b"\x01",
            b"\x02\x14\0\0\0\0\0\0\0\0",
            b"\x01\x14\0\0\0\0\0\0\0\0\x00",
            b"\x01\x14\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(Kymogram::from_bytes(bad), None);
        }
    }
}
