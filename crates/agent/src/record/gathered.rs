//! Values whose number and kinds are known at the call only: those of `tracing` and `log`.

use std::fmt::{Display, Write};

use super::field::{self, FIELDS_MAX, FieldKind, Fields, TEXT_BYTES_MAX};

/// What is kept of a buffer between calls.
const KEPT_BYTES: usize = 4096;

/// Values one after the other. Made once a thread and used again, so that a call does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    count: usize,
    kinds: u64,
    words: [u64; FIELDS_MAX],
    texts: Vec<u64>,
    /// What is being formatted.
    scratch: String,
}

impl Gathered {
    pub(crate) const fn new() -> Self {
        Self { count: 0, kinds: 0, words: [0; FIELDS_MAX], texts: Vec::new(), scratch: String::new() }
    }

    pub(crate) fn clear(&mut self) {
        (self.count, self.kinds) = (0, 0);
        self.texts.clear();
        self.texts.shrink_to(KEPT_BYTES / 8);
        self.scratch.shrink_to(KEPT_BYTES);
    }

    /// How many more values there is room for.
    pub(crate) fn room(&self) -> usize {
        FIELDS_MAX - self.count
    }

    /// A value of one word. False if there is no room.
    #[inline]
    pub(crate) fn push(&mut self, kind: FieldKind, word: u64) -> bool {
        let Some(place) = self.words.get_mut(self.count) else { return false };
        *place = word;
        self.kinds |= (kind as u64) << (4 * self.count);
        self.count += 1;
        true
    }

    /// A value with bytes; those beyond the limit are cut off.
    #[inline]
    pub(crate) fn push_bytes(&mut self, kind: FieldKind, bytes: &[u8]) -> bool {
        if !self.push(kind, field::text_word(bytes.len())) {
            return false;
        }
        let texts = &mut self.texts;
        field::put_text(&bytes[..bytes.len().min(TEXT_BYTES_MAX)], &mut |word| texts.push(word));
        true
    }

    /// A text.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &str) -> bool {
        self.push_bytes(FieldKind::Text, text.as_bytes())
    }

    /// What `Display` makes of a value; what it said before it failed is kept.
    pub(crate) fn push_displayed(&mut self, kind: FieldKind, value: &dyn Display) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        // A value whose `Display` fails is not our failure.
        let _ = write!(scratch, "{value}");
        let done = self.push_bytes(kind, scratch.as_bytes());
        self.scratch = scratch;
        done
    }
}

impl Fields for Gathered {
    #[inline]
    fn count(&self) -> u64 {
        self.count as u64
    }

    #[inline]
    fn kinds(&self) -> u64 {
        self.kinds
    }

    #[inline]
    fn text_words(&self) -> u64 {
        self.texts.len() as u64
    }

    #[inline]
    fn put_words(&self, put: &mut impl FnMut(u64)) {
        self.words[..self.count].iter().for_each(|&word| put(word));
    }

    #[inline]
    fn put_texts(&self, put: &mut impl FnMut(u64)) {
        self.texts.iter().for_each(|&word| put(word));
    }
}
