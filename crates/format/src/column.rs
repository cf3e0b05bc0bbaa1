//! Columns: the values of one field, or of one part, of many records, each predicted from one before it.
//!
//! Numbers are differences to the number before *of the same thread* (of [`LANES`] threads, by their number in
//! the frame): several threads at the same place in a program do not disturb each other. Texts are references
//! to those a column remembers, with the last number in them apart, so that `/api/items/41` and
//! `/api/items/42` differ by a byte.
//!
//! Hot: the writer's half runs for every argument of every record (`cargo xtask bench agent`, part `format`).
//! Nothing there may allocate once the buffers have grown.

use crate::error::Malformed;
use crate::limits::{TEXT_REMEMBERED_BYTES_MAX, TEXTS_REMEMBERED_MAX};
use crate::wire::{Cursor, put_bytes, put_varint, unzigzag, zigzag};

/// Threads that have a prediction of their own in each column.
pub(crate) const LANES: usize = 16;
/// Digits of a number in a text: as many as fit an i64 whatever they are.
const DIGITS_MAX: usize = 18;

/// How a text begins in its column: what follows, by `head`.
mod text_head {
    /// Length and bytes; remembered.
    pub(super) const NEW: u64 = 0;
    /// Length and bytes; not remembered.
    pub(super) const LONG: u64 = 1;
    /// Length and bytes of what stands before and after a number, the same for what stands before, and the
    /// number; both remembered.
    pub(super) const NEW_WITH_NUMBER: u64 = 2;
    /// `FIRST_KNOWN + n` refers to what is remembered in place n; a number follows where it has one.
    pub(super) const FIRST_KNOWN: u64 = 3;
}

/// Buckets by which the writer finds a text again: four for each that is remembered.
const BUCKETS: usize = TEXTS_REMEMBERED_MAX * 4;

/// A text that a column remembers. With a number in it, it stands for all texts that differ in that only.
#[derive(Clone, Debug, Default)]
struct Known {
    /// What stands before the number and after it, or the whole text.
    bytes: Vec<u8>,
    /// Where the number stands, if there is one.
    number_at: Option<u32>,
    /// Of what stands before the number; the reader has no use for it.
    print: Print,
}

/// What the writer finds a text by: its length and 24 of its bytes, which are all that most texts have. Three loads
/// without a loop: texts of changing length would have the processor guess wrong at each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Print {
    length: u32,
    words: [u64; 3],
}

/// Texts up to here are the same if their prints are.
const PRINT_BYTES: usize = 24;

impl Print {
    #[inline]
    fn of(text: &[u8]) -> Self {
        let long = |eight: Option<&[u8; 8]>| eight.map_or(0, |eight| u64::from_le_bytes(*eight));
        let words = if text.len() >= 8 {
            let middle = text.len() / 2 - 4;
            [long(text.first_chunk()), long(text[middle..].first_chunk()), long(text.last_chunk())]
        } else {
            [tail_of(text), 0, 0]
        };
        Self { length: text.len() as u32, words }
    }

    /// A number below [`BUCKETS`]. Any hash would do: it is not part of the format.
    #[inline]
    fn bucket(&self) -> usize {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let [first, middle, last] = self.words;
        let sum = (first ^ last.rotate_left(29) ^ u64::from(self.length)).wrapping_mul(MIX);
        let sum = (sum ^ (sum >> 32) ^ middle).wrapping_mul(MIX);
        (sum >> (u64::BITS - BUCKETS.trailing_zeros())) as usize
    }
}

/// The last eight bytes of a text, the last one highest; zeros before them.
#[inline]
fn tail_of(text: &[u8]) -> u64 {
    if let Some(eight) = text.last_chunk() {
        u64::from_le_bytes(*eight)
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        // Bytes that are in both halves come to lie on each other.
        let first = u64::from(u32::from_le_bytes(*first)) << (8 * (8 - text.len()));
        u64::from(u32::from_le_bytes(*last)) << 32 | first
    } else {
        text.iter().fold(0, |sum, &byte| sum >> 8 | u64::from(byte) << 56)
    }
}

/// The writer's half of a column.
#[derive(Debug)]
pub(crate) struct ColumnWriter {
    pub(crate) bytes: Vec<u8>,
    last: [i64; LANES],
    texts: Option<Box<Texts>>,
}

#[derive(Debug)]
struct Texts {
    known: Vec<Known>,
    /// The place that is used next; wraps.
    next: usize,
    /// Place + 1 in `known` by hash; a bucket may be out of date.
    buckets: [u8; BUCKETS],
}

impl ColumnWriter {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), last: [0; LANES], texts: None }
    }

    /// As new, with the memory it has.
    pub(crate) fn restart(&mut self) {
        self.bytes.clear();
        self.last = [0; LANES];
        if let Some(texts) = &mut self.texts {
            texts.known.clear();
            texts.next = 0;
            texts.buckets = [0; BUCKETS];
        }
    }

    /// Bytes that it keeps allocated for a block.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(crate) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    #[inline]
    pub(crate) fn number(&mut self, lane: usize, value: i64) {
        let last = &mut self.last[lane % LANES];
        put_varint(&mut self.bytes, zigzag(value.wrapping_sub(*last)));
        *last = value;
    }

    /// Floats near one another share sign, exponent and the end of the mantissa: both become leading zeros.
    #[inline]
    pub(crate) fn float(&mut self, lane: usize, value: f64) {
        let bits = value.to_bits() as i64;
        let last = &mut self.last[lane % LANES];
        put_varint(&mut self.bytes, ((bits ^ *last) as u64).swap_bytes());
        *last = bits;
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        put_bytes(&mut self.bytes, bytes);
    }

    #[inline]
    pub(crate) fn text(&mut self, lane: usize, text: &str) {
        let text = text.as_bytes();
        if text.len() > TEXT_REMEMBERED_BYTES_MAX {
            put_varint(&mut self.bytes, text_head::LONG);
            put_bytes(&mut self.bytes, text);
            return;
        }
        let texts = self
            .texts
            .get_or_insert_with(|| Box::new(Texts { known: Vec::new(), next: 0, buckets: [0; BUCKETS] }));
        let number = last_number(text);
        let (before, after) =
            number.map_or((text, &[][..]), |(start, end, _)| (&text[..start], &text[end..]));
        let print = Print::of(before);
        let number_at = number.map(|(start, ..)| start as u32);
        if let Some(place) = texts.find(&print, before, after, number_at) {
            put_varint(&mut self.bytes, text_head::FIRST_KNOWN + place as u64);
        } else {
            texts.remember(print, before, after, number_at);
            if number_at.is_some() {
                put_varint(&mut self.bytes, text_head::NEW_WITH_NUMBER);
                put_varint(&mut self.bytes, (before.len() + after.len()) as u64);
                put_varint(&mut self.bytes, before.len() as u64);
                self.bytes.extend_from_slice(before);
                self.bytes.extend_from_slice(after);
            } else {
                put_varint(&mut self.bytes, text_head::NEW);
                put_bytes(&mut self.bytes, text);
            }
        }
        if let Some((_, _, number)) = number {
            self.number(lane, number);
        }
    }
}

impl Texts {
    #[inline]
    fn find(&self, print: &Print, before: &[u8], after: &[u8], number_at: Option<u32>) -> Option<usize> {
        let place = usize::from(self.buckets[print.bucket()]).checked_sub(1)?;
        let known = self.known.get(place)?;
        if known.print != *print || known.number_at != number_at {
            return None;
        }
        let is_whole = before.len() <= PRINT_BYTES && after.is_empty() && known.bytes.len() == before.len();
        (is_whole || known.bytes.strip_prefix(before) == Some(after)).then_some(place)
    }

    fn remember(&mut self, print: Print, before: &[u8], after: &[u8], number_at: Option<u32>) {
        let place = self.next;
        self.next = (self.next + 1) % TEXTS_REMEMBERED_MAX;
        if place == self.known.len() {
            self.known.push(Known::default());
        }
        let known = &mut self.known[place];
        known.bytes.clear();
        known.bytes.extend_from_slice(before);
        known.bytes.extend_from_slice(after);
        known.number_at = number_at;
        known.print = print;
        self.buckets[print.bucket()] = place as u8 + 1;
    }
}

/// Start, end and value of the last run of digits that ends in the last eight bytes, as in `id=17"/>`, if it can be made again from its value.
#[inline]
fn last_number(text: &[u8]) -> Option<(usize, usize, i64)> {
    let end = text.len() - bytes_after_digits(tail_of(text))?;
    let digits = text[..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let start = end - digits;
    if digits > DIGITS_MAX || digits > 1 && text[start] == b'0' {
        return None;
    }
    let number = text[start..end].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((start, end, number))
}

/// How many of eight bytes come after the last digit; the highest byte is the last one.
#[inline]
const fn bytes_after_digits(tail: u64) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let distance = tail ^ (EACH * b'0' as u64);
    // A digit is at most 9 away from '0': adding 0x76 leaves its high bit clear.
    let others = ((distance & (EACH * 0x7f)) + EACH * 0x76) | distance;
    let digits = !others & (EACH * 0x80);
    if digits == 0 { None } else { Some(digits.leading_zeros() as usize / 8) }
}

/// The reader's half of a column.
#[derive(Debug, Default)]
pub(crate) struct ColumnReader {
    last: [i64; LANES],
    known: Vec<Known>,
    next: usize,
}

impl ColumnReader {
    pub(crate) fn number(&mut self, cursor: &mut Cursor<'_>, lane: usize) -> Result<i64, Malformed> {
        let last = &mut self.last[lane % LANES];
        *last = last.wrapping_add(unzigzag(cursor.varint()?));
        Ok(*last)
    }

    pub(crate) fn float(&mut self, cursor: &mut Cursor<'_>, lane: usize) -> Result<f64, Malformed> {
        let last = &mut self.last[lane % LANES];
        *last ^= cursor.varint()?.swap_bytes() as i64;
        Ok(f64::from_bits(*last as u64))
    }

    pub(crate) fn text(&mut self, cursor: &mut Cursor<'_>, lane: usize) -> Result<String, Malformed> {
        let head = cursor.varint()?;
        let place = match head {
            text_head::LONG => return Ok(cursor.text()?.to_owned()),
            text_head::NEW => {
                let bytes = cursor.text()?.as_bytes();
                self.remember(bytes, None)?
            }
            text_head::NEW_WITH_NUMBER => {
                let length = cursor.bounded(TEXT_REMEMBERED_BYTES_MAX)?;
                let number_at = cursor.bounded(length)?;
                let bytes = cursor.take(length)?;
                self.remember(bytes, Some(number_at as u32))?
            }
            known => usize::try_from(known - text_head::FIRST_KNOWN).unwrap_or(usize::MAX),
        };
        let known = self.known.get(place).ok_or(Malformed("a text that was remembered"))?;
        let number_at = known.number_at;
        let mut bytes = known.bytes.clone();
        if let Some(at) = number_at {
            let number = self.number(cursor, lane)?;
            bytes.splice(at as usize..at as usize, number.to_string().into_bytes());
        }
        String::from_utf8(bytes).map_err(|_| Malformed("text in UTF-8"))
    }

    fn remember(&mut self, bytes: &[u8], number_at: Option<u32>) -> Result<usize, Malformed> {
        if bytes.len() > TEXT_REMEMBERED_BYTES_MAX {
            return Err(Malformed("a text short enough to be remembered"));
        }
        let known = Known { bytes: bytes.to_vec(), number_at, print: Print::default() };
        let place = self.next;
        self.next = (self.next + 1) % TEXTS_REMEMBERED_MAX;
        if place == self.known.len() {
            self.known.push(known);
        } else {
            self.known[place] = known;
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts() {
        let rows = [
            ("", None),
            ("abc", None),
            ("/api/items/41", Some((11, 13, 41))),
            ("<row id=\"50\"/>", Some((9, 11, 50))),
            ("a007", None),
            ("0", Some((0, 1, 0))),
            ("a12", Some((1, 3, 12))),
            ("ab12c", Some((2, 4, 12))),
            ("abc123d", Some((3, 6, 123))),
            ("9999999999999999999", None),
            ("1 and a long end", None),
            ("/api/items/0/children", None),
            ("x9abcdefg", Some((1, 2, 9))),
            ("//:a\u{b0}\u{b9}", None),
            ("v1.2é", Some((3, 4, 2))),
        ];
        for (text, expected) in rows {
            assert_eq!(last_number(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn texts_come_back() {
        let long = "x".repeat(TEXT_REMEMBERED_BYTES_MAX + 1);
        let mut texts: Vec<String> = (0..300).map(|n| format!("user{} of {}", n % 7, n)).collect();
        texts.extend((0..300).map(|n| format!("{n}text without number at its end {}", "é".repeat(n % 9))));
        texts.extend(["", "", "a", "a", "007", "-5", "5", &long, &long].map(str::to_owned));
        let mut writer = ColumnWriter::new();
        for (at, text) in texts.iter().enumerate() {
            writer.text(at % 20, text);
        }
        let mut reader = ColumnReader::default();
        let mut cursor = Cursor::new(&writer.bytes);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(reader.text(&mut cursor, at % 20).as_ref(), Ok(text));
        }
        assert!(cursor.is_empty());
    }

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, -1, i64::MAX, i64::MIN, i64::MIN + 1, 7];
        let floats = [0.0, 1.5, 1.25, f64::INFINITY, -0.0, f64::MIN_POSITIVE, f64::NAN];
        let mut writer = ColumnWriter::new();
        let mut float_writer = ColumnWriter::new();
        for (at, (&number, &float)) in numbers.iter().zip(&floats).enumerate() {
            writer.number(at % 3, number);
            float_writer.float(at % 3, float);
        }
        let (mut reader, mut float_reader) = (ColumnReader::default(), ColumnReader::default());
        let (mut cursor, mut float_cursor) = (Cursor::new(&writer.bytes), Cursor::new(&float_writer.bytes));
        for (at, (&number, &float)) in numbers.iter().zip(&floats).enumerate() {
            assert_eq!(reader.number(&mut cursor, at % 3), Ok(number));
            let found = float_reader.float(&mut float_cursor, at % 3).unwrap();
            assert_eq!(found.to_bits(), float.to_bits());
        }
    }
}
