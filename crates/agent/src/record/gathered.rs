//! Values whose number and kinds are known at the call only: those of `tracing` and `log`.

use std::cell::RefCell;

#[cfg(feature = "tracing")]
use super::Parts;
#[cfg(feature = "tracing")]
use super::field::Field;
use super::field::{self, FIELDS_MAX, FieldKind, Fields, TEXT_BYTES_MAX};

thread_local! {
    static GATHERED: RefCell<Gathered> = const { RefCell::new(Gathered::new()) };
}

/// Runs `with` with this thread's buffer, empty; or with a new one, for what a value's `Debug` records itself.
pub(crate) fn with_gathered(with: impl FnOnce(&mut Gathered)) {
    let mut with = Some(with);
    let _ = GATHERED.try_with(|gathered| {
        if let Ok(mut gathered) = gathered.try_borrow_mut()
            && let Some(with) = with.take()
        {
            gathered.clear();
            with(&mut gathered);
        }
    });
    if let Some(with) = with {
        with(&mut Gathered::new());
    }
}

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
        let bytes = &bytes[..bytes.len().min(TEXT_BYTES_MAX)];
        let start = self.texts.len();
        self.texts.resize(start + bytes.len().div_ceil(8), 0);
        // All places at once: a `push` each would ask for room each time.
        let mut places = self.texts[start..].iter_mut();
        field::put_text(bytes, &mut |word| {
            if let Some(place) = places.next() {
                *place = word;
            }
        });
        true
    }

    /// A text.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &str) -> bool {
        self.push_bytes(FieldKind::Text, text.as_bytes())
    }
}

#[cfg(feature = "tracing")]
impl Gathered {
    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// What most messages do not have.
    pub(crate) fn push_parts(&mut self, parts: &Parts) -> bool {
        self.push_bytes(FieldKind::Parts, parts.text())
    }

    /// What is written; what was before it failed is kept.
    pub(crate) fn push_written(
        &mut self,
        kind: FieldKind,
        write: impl FnOnce(&mut String) -> std::fmt::Result,
    ) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        // A value whose `Display` fails is not our failure.
        let _ = write(&mut scratch);
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
