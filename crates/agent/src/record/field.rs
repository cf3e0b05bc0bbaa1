//! What a message can say besides its template: values with a binary form, and texts of those without.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use crate::ring::Put;

/// Longest text of one value. What a person reads is far shorter; larger things are documents. The rest is cut off,
/// and the reader is told how long it was.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Values of a message: their kinds have four bits each in one word, beside their number.
pub(crate) const FIELDS_MAX: usize = 15;

/// How a value lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldKind {
    /// An unsigned whole number of up to 64 bits.
    Unsigned = 1,
    /// A signed one.
    Signed = 2,
    /// A float of 32 or 64 bits.
    Float = 3,
    /// A truth value.
    Bool = 4,
    /// Text.
    Text = 5,
    /// Text that `Display` made when it was recorded.
    Displayed = 6,
    /// Text that `Debug` made when it was recorded.
    Debugged = 7,
    /// What most messages do not have, see `parts`. After all values that the callsite names.
    Parts = 8,
    /// The number of a span. After all values that the callsite names.
    Span = 9,
    /// No value: the callsite names one that this call does not have.
    Absent = 10,
}

impl FieldKind {
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == bits)
    }

    const ALL: [Self; 10] = [
        Self::Unsigned,
        Self::Signed,
        Self::Float,
        Self::Bool,
        Self::Text,
        Self::Displayed,
        Self::Debugged,
        Self::Parts,
        Self::Span,
        Self::Absent,
    ];

    /// It has bytes behind the words of the values.
    pub(crate) fn has_bytes(self) -> bool {
        matches!(self, Self::Text | Self::Displayed | Self::Debugged | Self::Parts)
    }
}

/// A value that can be recorded as it is. For others say `?value` (`Debug`) or `%value` (`Display`) in the macro.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no binary form in a record",
    note = "write `?value` to record what `Debug` makes of it, or `%value` for `Display`"
)]
pub trait Field {
    /// How it lies in a record.
    const KIND: FieldKind;
    /// The value's bits; for texts the bytes kept, and above 32 bits the bytes it has.
    fn word(&self) -> u64;
    /// The text's bytes; of other values none.
    #[inline]
    fn text(&self) -> &[u8] {
        &[]
    }
}

/// The word of a text: how many of its bytes are kept, and above that how many it had.
#[inline]
pub(crate) fn text_word(bytes: usize) -> u64 {
    let had = u32::try_from(bytes).unwrap_or(u32::MAX);
    bytes.min(TEXT_BYTES_MAX) as u64 | u64::from(had) << 32
}

macro_rules! numbers {
    ($kind:ident $wide:ty: $($number:ty)*) => {$(
        impl Field for $number {
            const KIND: FieldKind = FieldKind::$kind;
            #[inline]
            fn word(&self) -> u64 {
                // Widened with its sign, if it has one; then the bits.
                (*self as $wide) as u64
            }
        }
    )*};
}
numbers!(Unsigned u64: u8 u16 u32 u64 usize);
numbers!(Signed i64: i8 i16 i32 i64 isize);

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Field for $float {
            const KIND: FieldKind = FieldKind::Float;
            #[inline]
            fn word(&self) -> u64 {
                f64::from(*self).to_bits()
            }
        }
    )*};
}
floats!(f32 f64);

impl Field for bool {
    const KIND: FieldKind = FieldKind::Bool;
    #[inline]
    fn word(&self) -> u64 {
        u64::from(*self)
    }
}

macro_rules! texts {
    ($($text:ty)*) => {$(
        impl Field for $text {
            const KIND: FieldKind = FieldKind::Text;
            #[inline]
            fn word(&self) -> u64 {
                text_word(self.len())
            }
            #[inline]
            fn text(&self) -> &[u8] {
                kept(self.as_bytes())
            }
        }
    )*};
}
texts!(str String Cow<'_, str> Box<str>);

#[inline]
fn kept(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(TEXT_BYTES_MAX)]
}

impl<F: Field + ?Sized> Field for &F {
    const KIND: FieldKind = F::KIND;
    #[inline]
    fn word(&self) -> u64 {
        (**self).word()
    }
    #[inline]
    fn text(&self) -> &[u8] {
        (**self).text()
    }
}

macro_rules! formatted {
    ($($name:ident $bound:ident $form:literal;)*) => {$(
        #[doc = concat!("What `", stringify!($bound), "` made of a value, at the call.")]
        #[derive(Debug)]
        pub struct $name(String);

        impl $name {
            /// Formats it now.
            pub fn new(value: &(impl $bound + ?Sized)) -> Self {
                Self(format!($form, value))
            }
        }

        impl Field for $name {
            const KIND: FieldKind = FieldKind::$name;
            fn word(&self) -> u64 {
                text_word(self.0.len())
            }
            fn text(&self) -> &[u8] {
                kept(self.0.as_bytes())
            }
        }
    )*};
}
formatted! {
    Displayed Display "{}";
    Debugged Debug "{:?}";
}

/// The values of a message: `(first, (second, ()))`.
pub trait Fields {
    /// How many.
    fn count(&self) -> u64;
    /// Their kinds, four bits each, the first lowest.
    fn kinds(&self) -> u64;
    /// Words of all texts, each filled up to whole words.
    fn text_words(&self) -> u64;
    #[doc(hidden)]
    fn put_words(&self, put: &mut impl FnMut(u64));
    #[doc(hidden)]
    fn put_texts(&self, put: &mut impl FnMut(u64));
}

impl Fields for () {
    #[inline]
    fn count(&self) -> u64 {
        0
    }
    #[inline]
    fn kinds(&self) -> u64 {
        0
    }
    #[inline]
    fn text_words(&self) -> u64 {
        0
    }
    #[inline]
    fn put_words(&self, _: &mut impl FnMut(u64)) {}
    #[inline]
    fn put_texts(&self, _: &mut impl FnMut(u64)) {}
}

impl<F: Field, R: Fields> Fields for (F, R) {
    #[inline]
    fn count(&self) -> u64 {
        1 + self.1.count()
    }
    #[inline]
    fn kinds(&self) -> u64 {
        F::KIND as u64 | self.1.kinds() << 4
    }
    #[inline]
    fn text_words(&self) -> u64 {
        self.0.text().len().div_ceil(8) as u64 + self.1.text_words()
    }
    #[inline]
    fn put_words(&self, put: &mut impl FnMut(u64)) {
        put(self.0.word());
        self.1.put_words(put);
    }
    #[inline]
    fn put_texts(&self, put: &mut impl FnMut(u64)) {
        put_text(self.0.text(), put);
        self.1.put_texts(put);
    }
}

/// Puts the bytes so that they lie in memory in their order. Hot: short texts, so no call of `memcpy`.
#[inline]
pub(crate) fn put_text(text: &[u8], put: &mut impl FnMut(u64)) {
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        put(u64::from_le_bytes(*word).to_le());
    }
    if rest.is_empty() {
        return;
    }
    let last = match text.last_chunk::<8>() {
        // The last eight bytes, without those that went with the word before.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
        None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    put(last.to_le());
}

#[inline]
pub(crate) fn put_all<F: Fields>(fields: &F, put: &mut impl Put) {
    fields.put_words(&mut |word| put.put(word));
    fields.put_texts(&mut |word| put.put(word));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lie_in_memory_as_they_are() {
        for length in 0..40 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let mut words: Vec<u64> = Vec::new();
            put_text(text.as_bytes(), &mut |word| words.push(word));
            assert_eq!(words.len(), length.div_ceil(8));
            let bytes = crate::raw::text::bytes(&words);
            assert_eq!(&bytes[..length], text.as_bytes());
            assert!(bytes[length..].iter().all(|&byte| byte == 0));
        }
    }
}
