//! A record's payload: what the call put there, and reading it.
//!
//! ```text
//!   word 0   stamp                                    (see `clock`)
//!   word 1   callsite, 31 bits | control << 31 | thread << 32
//!   word 2   number of values, 4 bits | their kinds, 4 bits each
//!   then     a word for each value: its bits, or for a text the bytes kept | the bytes it had << 32
//!   then     the texts, each filled up with zeros to whole words
//! ```

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;
use crate::raw::text;
use crate::ring::{Payload, Put};

pub(crate) mod field;
mod gathered;
pub(crate) mod parts;

pub(crate) use field::{FIELDS_MAX, FieldKind, Fields, TEXT_BYTES_MAX};
#[cfg(feature = "tracing")]
pub(crate) use gathered::Gathered;
pub(crate) use gathered::with_gathered;
pub(crate) use parts::Parts;
#[cfg(feature = "tracing")]
pub(crate) use parts::ToldSpan;

/// Words before those of the values.
const HEAD_WORDS: usize = 3;
/// Set in the callsite of what is no message and has no sequence: a span that closes.
pub(crate) const CONTROL: u32 = 1 << 31;
/// Longest payload: every value a text of full length.
pub(crate) const PAYLOAD_WORDS_MAX: usize = HEAD_WORDS + FIELDS_MAX * (1 + TEXT_BYTES_MAX / 8);

/// Rises when spans that were told have to be told again.
static SPANS_VOID: AtomicU64 = AtomicU64::new(0);

/// What was told of spans is not to be relied on from now on.
pub(crate) fn void_spans() {
    SPANS_VOID.fetch_add(1, Ordering::AcqRel);
}

/// Differs from before when spans have to be told again.
#[cfg(feature = "tracing")]
#[inline]
pub(crate) fn spans_void() -> u64 {
    SPANS_VOID.load(Ordering::Acquire)
}

/// A message about to be recorded. It is stamped when it is filled in, that is when its place is sure.
pub(crate) struct Message<'a, F> {
    pub(crate) callsite: u32,
    pub(crate) thread: u32,
    pub(crate) fields: &'a F,
}

impl<F: Fields> Payload for Message<'_, F> {
    #[inline]
    fn words(&self) -> u64 {
        HEAD_WORDS as u64 + self.fields.count() + self.fields.text_words()
    }

    #[inline]
    fn fill(&self, put: &mut impl Put) {
        put.put(clock::stamp());
        put.put(u64::from(self.callsite) | u64::from(self.thread) << 32);
        put.put(self.fields.count() | self.fields.kinds() << 4);
        field::put_all(self.fields, put);
    }
}

/// A message whose values lie ready, for the unusual ways.
pub(crate) struct Ready {
    pub(crate) callsite: u32,
    pub(crate) thread: u32,
    /// Words 2 and on.
    pub(crate) rest: Vec<u64>,
}

impl Ready {
    pub(crate) fn new<F: Fields>(fields: &F) -> Self {
        let mut rest = vec![fields.count() | fields.kinds() << 4];
        field::put_all(fields, &mut rest);
        Self { callsite: 0, thread: 0, rest }
    }
}

impl Payload for Ready {
    fn words(&self) -> u64 {
        (HEAD_WORDS - 1 + self.rest.len()) as u64
    }

    fn fill(&self, put: &mut impl Put) {
        put.put(clock::stamp());
        put.put(u64::from(self.callsite) | u64::from(self.thread) << 32);
        for &word in &self.rest {
            put.put(word);
        }
    }
}

/// A payload that was checked: every value lies within it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parsed<'a>(&'a [u64]);

impl<'a> Parsed<'a> {
    /// `None` for words that no call puts there.
    pub(crate) fn check(payload: &'a [u64]) -> Option<Self> {
        let parsed = (payload.len() >= HEAD_WORDS).then_some(Self(payload))?;
        let mut words = HEAD_WORDS + parsed.count();
        for at in 0..parsed.count() {
            if parsed.kind(at)?.has_bytes() {
                words += (*payload.get(HEAD_WORDS + at)? as u32 as usize).div_ceil(8);
            }
        }
        (words == payload.len()).then_some(parsed)
    }

    pub(crate) fn words(self) -> &'a [u64] {
        self.0
    }

    pub(crate) fn stamp(self) -> u64 {
        self.0[0]
    }

    pub(crate) fn callsite(self) -> u32 {
        self.0[1] as u32 & !CONTROL
    }

    /// It is no message, but closes a span.
    pub(crate) fn is_control(self) -> bool {
        self.0[1] as u32 & CONTROL != 0
    }

    pub(crate) fn thread(self) -> u32 {
        (self.0[1] >> 32) as u32
    }

    fn count(self) -> usize {
        (self.0[2] & 15) as usize
    }

    fn kind(self, at: usize) -> Option<FieldKind> {
        FieldKind::from_bits(self.0[2] >> (4 + 4 * at) & 15)
    }

    pub(crate) fn values(self) -> Values<'a> {
        let texts = self.0.get(HEAD_WORDS + self.count()..).unwrap_or_default();
        Values { payload: self, at: 0, texts }
    }
}

/// A value as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// An unsigned whole number.
    Unsigned(u64),
    /// A signed one.
    Signed(i64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text, and how it was made. What is not UTF-8 was replaced (a text that was cut may end so).
    Text {
        /// `Text`, `Displayed` or `Debugged`.
        kind: FieldKind,
        /// The text, at most [`TEXT_BYTES_MAX`] bytes.
        text: Cow<'a, str>,
        /// Bytes that it had at the call.
        bytes: u32,
    },
    /// What most messages do not have: user, exception, details and so on.
    Parts(&'a [u8]),
    /// The span around it; in one that closes a span, that.
    Span(u64),
    /// The callsite names a value that this call does not have.
    Absent,
}

/// The values of a record in order.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    payload: Parsed<'a>,
    at: usize,
    texts: &'a [u64],
}

impl<'a> Iterator for Values<'a> {
    type Item = FieldValue<'a>;

    fn next(&mut self) -> Option<FieldValue<'a>> {
        if self.at >= self.payload.count() {
            return None;
        }
        let kind = self.payload.kind(self.at)?;
        let word = *self.payload.0.get(HEAD_WORDS + self.at)?;
        self.at += 1;
        Some(match kind {
            FieldKind::Unsigned => FieldValue::Unsigned(word),
            FieldKind::Signed => FieldValue::Signed(word as i64),
            FieldKind::Float => FieldValue::Float(f64::from_bits(word)),
            FieldKind::Bool => FieldValue::Bool(word != 0),
            FieldKind::Span => FieldValue::Span(word),
            FieldKind::Absent => FieldValue::Absent,
            FieldKind::Text | FieldKind::Displayed | FieldKind::Debugged => {
                let text = String::from_utf8_lossy(self.bytes(word)?);
                FieldValue::Text { kind, text, bytes: (word >> 32) as u32 }
            }
            FieldKind::Parts => FieldValue::Parts(self.bytes(word)?),
        })
    }
}

impl<'a> Values<'a> {
    fn bytes(&mut self, word: u64) -> Option<&'a [u8]> {
        let kept = word as u32 as usize;
        let (words, rest) = self.texts.split_at_checked(kept.div_ceil(8))?;
        self.texts = rest;
        text::bytes(words).get(..kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(payload: &impl Payload) -> Vec<u64> {
        let mut words = Vec::new();
        payload.fill(&mut words);
        assert_eq!(words.len() as u64, payload.words());
        words
    }

    #[test]
    fn what_was_put_is_read() {
        let long = "é".repeat(TEXT_BYTES_MAX);
        let fields = (7_u8, (-3_i32, (1.5_f32, (true, ("on späť", (long.as_str(), ()))))));
        let message = words(&Message { callsite: 9, thread: 4, fields: &fields });
        let parsed = Parsed::check(&message).expect("it is whole");
        assert_eq!((parsed.callsite(), parsed.thread()), (9, 4));
        let values: Vec<FieldValue<'_>> = parsed.values().collect();
        let text = |text: &'static str| FieldValue::Text {
            kind: FieldKind::Text,
            text: text.into(),
            bytes: text.len() as u32,
        };
        assert_eq!(
            values[..5],
            [
                FieldValue::Unsigned(7),
                FieldValue::Signed(-3),
                FieldValue::Float(1.5),
                FieldValue::Bool(true),
                text("on späť")
            ]
        );
        let FieldValue::Text { text, bytes, .. } = &values[5] else { panic!("a text") };
        assert_eq!((text.len(), *bytes as usize), (TEXT_BYTES_MAX, 2 * TEXT_BYTES_MAX), "cut, and told so");

        let ready = Ready { callsite: 9, thread: 4, ..Ready::new(&fields) };
        assert_eq!(words(&ready)[1..], message[1..]);
    }

    #[test]
    fn damaged_payloads_are_refused_or_read_without_panic() {
        let good = words(&Message { callsite: 1, thread: 1, fields: &(1_u64, ("some text here", ())) });
        for length in 0..good.len() {
            assert!(Parsed::check(&good[..length]).is_none(), "{length} words");
        }
        for word in 0..good.len() {
            for bit in 0..64 {
                let mut damaged = good.clone();
                damaged[word] ^= 1 << bit;
                if let Some(parsed) = Parsed::check(&damaged) {
                    assert!(parsed.values().count() <= FIELDS_MAX);
                }
            }
        }
    }
}
