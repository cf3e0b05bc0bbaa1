//! A ring of records with one writer and one reader, in words of eight bytes that may outlive the process.
//!
//! A record is a *commit word*, then its payload. Positions count words since the ring was made and never go back;
//! the word of a position is the position modulo the ring's size:
//!
//! ```text
//!          tail                        head
//!   ........|C|payload.|C|payload....|0|.............
//!     free    taken out by the reader  ^ always zero: nothing committed here
//!
//!   commit word   63      48 47 46          32 31            0
//!                +----------+--+--------------+---------------+
//!                |   lap    |P |    words     |    CRC32C     |
//!                +----------+--+--------------+---------------+
//! ```
//!
//! *lap* is how often the ring was gone round, plus one; *P* marks padding up to the ring's end, since no record
//! crosses it; *words* counts the commit word too; the CRC goes over the payload and is seeded with the spool's salt
//! and the position, so that no text a program logs, and no rest of an earlier lap, passes for a record.
//!
//! The writer stores the payload, makes the word behind it zero, and then stores the commit word with release order.
//! So whoever reads a commit word with acquire order, or finds it after the process was killed, has the whole record,
//! and behind it either zero or the next one. The reader copies records out and lets the writer have their room by
//! moving the tail; it does that only when they are safe elsewhere.
//!
//! The functions here know nothing of threads, files or what a payload means. `tests` holds the loom model.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::raw::checksum;

/// Bytes of a word.
pub(crate) const WORD_BYTES: u64 = 8;
/// Longest record, as words with the commit word: the field has 15 bits.
const WORDS_MAX: u64 = (1 << 15) - 1;
const PAD: u64 = 1 << 47;

/// A word of a ring: an atomic of the standard library, or loom's.
pub(crate) trait Slot {
    fn load(&self) -> u64;
    fn store(&self, word: u64);
    fn load_acquire(&self) -> u64;
    fn store_release(&self, word: u64);
    fn checksum(seed: u32, slots: &[Self]) -> u32
    where
        Self: Sized,
    {
        slots.iter().fold(seed, |crc, slot| checksum::portable(crc, slot.load()))
    }
}

impl Slot for AtomicU64 {
    #[inline]
    fn load(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
    #[inline]
    fn store(&self, word: u64) {
        self.store(word, Ordering::Relaxed);
    }
    #[inline]
    fn load_acquire(&self) -> u64 {
        self.load(Ordering::Acquire)
    }
    #[inline]
    fn store_release(&self, word: u64) {
        self.store(word, Ordering::Release);
    }
    #[inline]
    fn checksum(seed: u32, slots: &[Self]) -> u32 {
        checksum::of_slots(seed, slots)
    }
}

/// The words of one ring and the salt of its spool. The number of words is a power of two.
#[derive(Debug)]
pub(crate) struct Ring<'a, S> {
    slots: &'a [S],
    salt: u32,
}

impl<S> Clone for Ring<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Ring<'_, S> {}

impl<'a, S: Slot> Ring<'a, S> {
    #[inline]
    pub(crate) fn new(slots: &'a [S], salt: u32) -> Self {
        debug_assert!(slots.len().is_power_of_two());
        Self { slots, salt }
    }

    #[inline]
    pub(crate) fn words(&self) -> u64 {
        self.slots.len() as u64
    }

    /// The longest record that this ring takes: a quarter of it, and what the field of the commit word can say.
    #[inline]
    pub(crate) fn record_words_max(&self) -> u64 {
        (self.words() / 4).min(WORDS_MAX)
    }

    #[inline]
    fn index(&self, position: u64) -> usize {
        (position & (self.words() - 1)) as usize
    }

    #[inline]
    fn seed(&self, position: u64) -> u32 {
        seed(self.salt, position)
    }

    #[inline]
    fn lap(&self, position: u64) -> u64 {
        ((position >> self.words().trailing_zeros()) + 1) & 0xffff
    }

    #[inline]
    fn commit_word(&self, position: u64, words: u64, crc: u32) -> u64 {
        self.lap(position) << 48 | words << 32 | u64::from(crc)
    }
}

/// What the checksum of a record at that position begins with.
#[inline]
pub(crate) fn seed(salt: u32, position: u64) -> u32 {
    salt ^ (position as u32) ^ ((position >> 32) as u32).rotate_left(16)
}

/// Takes the words of a payload one after the other.
pub(crate) trait Put {
    fn put(&mut self, word: u64);
}

impl Put for Vec<u64> {
    #[inline]
    fn put(&mut self, word: u64) {
        self.push(word);
    }
}

struct Filler<'a, S>(std::slice::Iter<'a, S>);

impl<S: Slot> Put for Filler<'_, S> {
    #[inline]
    fn put(&mut self, word: u64) {
        if let Some(slot) = self.0.next() {
            slot.store(word);
        }
    }
}

/// There is no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The one who writes. It lives outside the ring's memory and is handed on with the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writer {
    /// Where the next record goes.
    pub(crate) head: u64,
    /// Records may be written up to here without looking at the tail.
    limit: u64,
}

impl Writer {
    pub(crate) fn at(head: u64) -> Self {
        Self { head, limit: head }
    }

    /// Writes a record if there is room known of: without looking at the tail, without crossing the ring's end. Hot;
    /// false rather than do anything unusual.
    #[inline]
    pub(crate) fn try_write<S: Slot>(&mut self, ring: Ring<'_, S>, payload: &impl Payload) -> bool {
        let words = payload.words() + 1;
        let at = ring.index(self.head);
        // One more word than the record: the zero behind it.
        if self.head + words >= self.limit || at as u64 + words > ring.words() {
            return false;
        }
        self.commit(ring, at, words, payload);
        true
    }

    /// Writes a record, with padding where it would cross the ring's end. `tail` is where the reader is; `notice` is
    /// the number of words after which [`Writer::try_write`] gives up, so that this is called again. The record has
    /// at most [`Ring::record_words_max`] words.
    pub(crate) fn write<S: Slot>(
        &mut self,
        ring: Ring<'_, S>,
        payload: &impl Payload,
        tail: u64,
        notice: u64,
    ) -> Result<(), Full> {
        let words = payload.words() + 1;
        debug_assert!(words <= ring.record_words_max());
        let end = tail + ring.words();
        let at = ring.index(self.head);
        let rest = ring.words() - at as u64;
        let padding = if words > rest { rest } else { 0 };
        if self.head + padding + words >= end {
            return Err(Full);
        }
        if padding > 0 {
            ring.slots[0].store(0);
            let crc = ring.seed(self.head);
            ring.slots[at].store_release(ring.commit_word(self.head, padding, crc) | PAD);
            self.head += padding;
        }
        self.commit(ring, ring.index(self.head), words, payload);
        self.limit = end.min(self.head + notice);
        Ok(())
    }

    #[inline]
    fn commit<S: Slot>(&mut self, ring: Ring<'_, S>, at: usize, words: u64, payload: &impl Payload) {
        let (commit, slots) = (&ring.slots[at], &ring.slots[at + 1..at + words as usize]);
        payload.fill(&mut Filler(slots.iter()));
        let crc = S::checksum(ring.seed(self.head), slots);
        ring.slots[ring.index(self.head + words)].store(0);
        commit.store_release(ring.commit_word(self.head, words, crc));
        self.head += words;
    }
}

/// What a record holds behind its commit word.
pub(crate) trait Payload {
    /// How many words [`Payload::fill`] puts.
    fn words(&self) -> u64;
    fn fill(&self, put: &mut impl Put);
}

impl Payload for [u64] {
    fn words(&self) -> u64 {
        self.len() as u64
    }
    fn fill(&self, put: &mut impl Put) {
        for &word in self {
            put.put(word);
        }
    }
}

impl<P: Payload + ?Sized> Payload for &P {
    #[inline]
    fn words(&self) -> u64 {
        (**self).words()
    }
    #[inline]
    fn fill(&self, put: &mut impl Put) {
        (**self).fill(put);
    }
}

/// What a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record; its payload was appended.
    Record,
    /// Nothing more is committed.
    Nothing,
}

/// The one who reads, in order. Reading moves no tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// Where the next record is looked for: the end of the last one.
    pub(crate) next: u64,
    /// Words that were passed over since they hold no record that is whole.
    pub(crate) damaged_words: u64,
}

impl Reader {
    pub(crate) fn at(tail: u64) -> Self {
        Self { next: tail, damaged_words: 0 }
    }

    /// Appends the next record's payload to `payload` and goes behind it. Where something else than a record or zero
    /// lies - the program wrote into our memory, or a page was lost with the power - it looks for the next record
    /// that is whole; there may be none yet.
    pub(crate) fn read<S: Slot>(&mut self, ring: Ring<'_, S>, payload: &mut Vec<u64>) -> Found {
        loop {
            let word = ring.slots[ring.index(self.next)].load_acquire();
            if word == 0 {
                return Found::Nothing;
            }
            match Self::check(ring, self.next, word, payload) {
                Some(Checked::Record { end }) => {
                    self.next = end;
                    return Found::Record;
                }
                Some(Checked::Padding { end }) => self.next = end,
                None => {
                    let Some(next) = Self::search(ring, self.next) else { return Found::Nothing };
                    self.damaged_words += next - self.next;
                    self.next = next;
                }
            }
        }
    }

    /// Something other than a record or zero lies where the next record would.
    pub(crate) fn is_torn<S: Slot>(&self, ring: Ring<'_, S>) -> bool {
        let commit = ring.slots[ring.index(self.next)].load_acquire();
        commit != 0 && Self::check(ring, self.next, commit, &mut Vec::new()).is_none()
    }

    fn check<S: Slot>(
        ring: Ring<'_, S>,
        position: u64,
        commit: u64,
        payload: &mut Vec<u64>,
    ) -> Option<Checked> {
        let (words, at) = (commit >> 32 & WORDS_MAX, ring.index(position));
        let fits = words > 0 && at as u64 + words <= ring.words();
        if commit >> 48 != ring.lap(position) || !fits {
            return None;
        }
        if commit & PAD != 0 {
            let is_whole = commit as u32 == ring.seed(position) && at as u64 + words == ring.words();
            return is_whole.then_some(Checked::Padding { end: position + words });
        }
        let slots = &ring.slots[at + 1..at + words as usize];
        let start = payload.len();
        payload.extend(slots.iter().map(Slot::load));
        // Of the copy, not of the ring, which another hand might be changing.
        let crc = checksum::of_words(ring.seed(position), &payload[start..]);
        if commit as u32 != crc {
            payload.truncate(start);
            return None;
        }
        Some(Checked::Record { end: position + words })
    }

    /// The next position behind `from`, within one lap, at which a whole record lies.
    fn search<S: Slot>(ring: Ring<'_, S>, from: u64) -> Option<u64> {
        let mut scratch = Vec::new();
        (from + 1..from + ring.words()).find(|&position| {
            scratch.clear();
            let word = ring.slots[ring.index(position)].load_acquire();
            word != 0
                && matches!(Self::check(ring, position, word, &mut scratch), Some(Checked::Record { .. }))
        })
    }
}

enum Checked {
    Record { end: u64 },
    Padding { end: u64 },
}

#[cfg(test)]
mod tests;
