//! The first page of a spool: the header, and the state in two slots.

use std::hash::{BuildHasher, Hasher};

use crate::clock::{self, Reading};
use crate::outcome::{DropCounts, DropReason};
use crate::raw::checksum;
use crate::ring::seed;
use crate::spool::{RINGS, RINGS_AT};

const MAGIC: u64 = u64::from_le_bytes(*b"KYMOSPL\x01");
const HEADER_WORDS: usize = 10;
/// Before the checksum: generation, tails with that of the spill file, sequence, two readings, drops.
const STATE_WORDS: usize = 1 + RINGS + 1 + 1 + 6 + DropReason::ALL.len();
const STATE_AT: [u64; 2] = [1024, 2048];
/// The largest ring a header may speak of; more is damage.
const RING_BYTES_MAX: u32 = 64 << 20;

/// What does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) session: u128,
    pub(crate) boot_id: u128,
    pub(crate) pid: u32,
    pub(crate) rings: u32,
    pub(crate) ring_bytes: u32,
    pub(crate) salt: u32,
    /// Nanoseconds since the Unix epoch.
    pub(crate) started_ns: i64,
}

impl Header {
    pub(crate) fn new(session: u128, rings: u32, ring_bytes: u32, salt: u32) -> Self {
        Self {
            session,
            boot_id: boot_id(),
            pid: std::process::id(),
            rings,
            ring_bytes,
            salt,
            started_ns: clock::wall_ns(),
        }
    }

    pub(crate) fn dictionary_at(&self) -> u64 {
        RINGS_AT + u64::from(self.rings) * u64::from(self.ring_bytes)
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let words = [
            MAGIC,
            u64::from(self.rings) | u64::from(self.ring_bytes) << 32,
            u64::from(self.salt) | u64::from(self.pid) << 32,
            self.session as u64,
            (self.session >> 64) as u64,
            self.boot_id as u64,
            (self.boot_id >> 64) as u64,
            self.started_ns as u64,
            0,
        ];
        with_checksum(&words, 0)
    }

    pub(crate) fn read(page: &[u8]) -> Option<Self> {
        let words = checked::<HEADER_WORDS>(page, 0)?;
        let wide = |at: usize| u128::from(words[at]) | u128::from(words[at + 1]) << 64;
        let header = Self {
            rings: words[1] as u32,
            ring_bytes: (words[1] >> 32) as u32,
            salt: words[2] as u32,
            pid: (words[2] >> 32) as u32,
            session: wide(3),
            boot_id: wide(5),
            started_ns: words[7] as i64,
        };
        let sound = header.rings == 0 && header.ring_bytes == 0
            || header.rings as usize <= RINGS
                && header.ring_bytes.is_power_of_two()
                && (4096..=RING_BYTES_MAX).contains(&header.ring_bytes);
        (words[0] == MAGIC && sound).then_some(header)
    }
}

/// What changes with every batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) generation: u64,
    /// In words; that of the spill file in bytes.
    pub(crate) tails: [u64; RINGS],
    pub(crate) spill_tail: u64,
    pub(crate) next_sequence: u64,
    pub(crate) readings: [Reading; 2],
    pub(crate) dropped: DropCounts,
}

impl State {
    pub(crate) fn place(generation: u64) -> u64 {
        STATE_AT[(generation % 2) as usize]
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut words = vec![self.generation];
        words.extend(self.tails);
        words.extend([self.spill_tail, self.next_sequence]);
        for reading in self.readings {
            words.extend([reading.counter, reading.monotonic_ns as u64, reading.wall_ns as u64]);
        }
        words.extend(self.dropped.0);
        with_checksum(&words, Self::place(self.generation))
    }

    /// The newest whole one of the two.
    pub(crate) fn read(page: &[u8]) -> Option<Self> {
        STATE_AT.into_iter().filter_map(|at| Self::at(page, at)).max_by_key(|state| state.generation)
    }

    fn at(page: &[u8], at: u64) -> Option<Self> {
        let words = checked::<{ STATE_WORDS + 1 }>(page.get(at as usize..)?, at)?;
        let reading = |at: usize| Reading {
            counter: words[at],
            monotonic_ns: words[at + 1] as i64,
            wall_ns: words[at + 2] as i64,
        };
        let mut state = Self {
            generation: words[0],
            spill_tail: words[1 + RINGS],
            next_sequence: words[2 + RINGS],
            readings: [reading(3 + RINGS), reading(6 + RINGS)],
            ..Self::default()
        };
        state.tails.copy_from_slice(&words[1..=RINGS]);
        state.dropped.0.copy_from_slice(&words[9 + RINGS..STATE_WORDS]);
        Some(state)
    }
}

/// Where the mark of a panic stands: the moment, twice, the second time inverted.
pub(crate) const PANIC_AT: u64 = 3072;

/// The mark of a panic at that moment; of none, zeros.
pub(crate) fn panic_bytes(at_ns: Option<i64>) -> Vec<u8> {
    let words = at_ns.map_or([0, 0], |at_ns| [at_ns, !at_ns]);
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Whether the page has the mark of a panic.
pub(crate) fn read_panic(page: &[u8]) -> bool {
    let mut words = page.get(PANIC_AT as usize..).unwrap_or_default().as_chunks::<8>().0.iter();
    let mut word = || words.next().map(|bytes| i64::from_ne_bytes(*bytes));
    matches!((word(), word()), (Some(at), Some(inverted)) if at == !inverted)
}

fn with_checksum(words: &[u64], at: u64) -> Vec<u8> {
    let crc = checksum::of_words(seed(MAGIC as u32, at), words);
    words.iter().chain([&u64::from(crc)]).flat_map(|word| word.to_ne_bytes()).collect()
}

fn checked<const WORDS: usize>(bytes: &[u8], at: u64) -> Option<[u64; WORDS]> {
    let (found, _) = bytes.get(..WORDS * 8)?.as_chunks::<8>();
    let mut words = [0; WORDS];
    words.iter_mut().zip(found).for_each(|(word, bytes)| *word = u64::from_ne_bytes(*bytes));
    let (crc, rest) = words.split_last()?;
    (u64::from(checksum::of_words(seed(MAGIC as u32, at), rest)) == *crc).then_some(words)
}

/// A number that no text the program logs can know. The standard library seeds its hash maps from the system.
pub(crate) fn random_salt() -> u32 {
    std::hash::RandomState::new().build_hasher().finish() as u32
}

/// Which boot of the machine this is; 0 where the system does not say.
pub(crate) fn boot_id() -> u128 {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_panic_is_seen_and_taken_back() {
        let mut page = vec![0; 4096];
        let place = PANIC_AT as usize..PANIC_AT as usize + 16;
        assert!(!read_panic(&page));
        page[place.clone()].copy_from_slice(&panic_bytes(Some(1_790_000_000)));
        assert!(read_panic(&page));
        page[PANIC_AT as usize + 3] ^= 1;
        assert!(!read_panic(&page), "half of it");
        page[place].copy_from_slice(&panic_bytes(None));
        assert!(!read_panic(&page));
    }

    #[test]
    fn header_and_state_are_read_as_written_and_damage_is_seen() {
        let header = Header::new(7 << 100, 16, 1 << 18, 9);
        let bytes = header.to_bytes();
        assert_eq!(bytes.len(), HEADER_WORDS * 8);
        assert_eq!(Header::read(&bytes), Some(header));
        let mut page = vec![0; 4096];
        let mut states = Vec::new();
        for generation in 1..4 {
            let mut state = State { generation, next_sequence: generation * 10, ..State::default() };
            state.tails[15] = 3;
            state.dropped.0[7] = 5;
            state.readings[1].wall_ns = -1;
            let bytes = state.to_bytes();
            let at = State::place(generation) as usize;
            page[at..at + bytes.len()].copy_from_slice(&bytes);
            states.push(state);
        }
        assert_eq!(State::read(&page), Some(states[2]));
        page[State::place(3) as usize + 50] ^= 1;
        assert_eq!(State::read(&page), Some(states[1]), "the one before is still whole");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::read(&damaged), None, "bit {bit}");
        }
    }
}
