//! Numbers and fields as bytes: varints, zigzag, and messages whose fields carry numbers.
//!
//! A field is `number << 2 | type` as a varint, then its value: type 0 a varint, 1 eight bytes little-endian,
//! 2 a length and that many bytes. So a reader can step over fields that it does not know.

use crate::error::Malformed;

/// Bytes of the longest varint.
const VARINT_BYTES_MAX: usize = 10;

/// Appends `value`, seven bits a byte, lowest first. Hot; one, two and three bytes go in one piece.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost as much as what it does; 5 ns a message")]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value < 1 << 7 {
        out.push(value as u8);
    } else if value < 1 << 14 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    } else if value < 1 << 21 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8 | 0x80, (value >> 14) as u8]);
    } else {
        put_long_varint(out, value);
    }
}

fn put_long_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers of either sign become small numbers.
#[inline]
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The other way.
#[inline]
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a length and the bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

const VARINT: u64 = 0;
const FIXED: u64 = 1;
const BYTES: u64 = 2;

/// Appends a field with a number.
pub(crate) fn put_number_field(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 2 | VARINT);
    put_varint(out, value);
}

/// Appends a field of eight bytes.
pub(crate) fn put_fixed_field(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 2 | FIXED);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a field with bytes.
pub(crate) fn put_bytes_field(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 2 | BYTES);
    put_bytes(out, bytes);
}

/// Appends a field with a text, unless there is none.
pub(crate) fn put_text_field(out: &mut Vec<u8>, field: u64, text: Option<&str>) {
    if let Some(text) = text {
        put_bytes_field(out, field, text.as_bytes());
    }
}

/// Reads from a slice; every step checks that the bytes are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed("one more byte"))?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for at in 0..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a varint of at most ten bytes"))
    }

    /// A varint that is a count, an index or a length, at most `max`.
    #[inline]
    pub(crate) fn bounded(&mut self, max: usize) -> Result<usize, Malformed> {
        let value = self.varint()?;
        usize::try_from(value)
            .ok()
            .filter(|value| *value <= max)
            .ok_or(Malformed("a number within its limit"))
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        if length > self.rest.len() {
            return Err(Malformed("as many bytes as announced"));
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    /// A length and that many bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.bounded(self.rest.len())?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        text(self.bytes()?)
    }

    /// The next field with its number; `None` at the end.
    pub(crate) fn field(&mut self) -> Result<Option<(u64, Field<'a>)>, Malformed> {
        if self.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 3 {
            VARINT => Field::Number(self.varint()?),
            FIXED => {
                let mut eight = [0; 8];
                eight.copy_from_slice(self.take(8)?);
                Field::Number(u64::from_le_bytes(eight))
            }
            BYTES => Field::Bytes(self.bytes()?),
            _ => return Err(Malformed("a field of type 0, 1 or 2")),
        };
        Ok(Some((key >> 2, value)))
    }
}

impl<'a> Field<'a> {
    pub(crate) fn number(self) -> Result<u64, Malformed> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(Malformed("a field with a number")),
        }
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Malformed("a field with bytes")),
        }
    }

    pub(crate) fn text(self) -> Result<&'a str, Malformed> {
        text(self.bytes()?)
    }

    pub(crate) fn string(self) -> Result<String, Malformed> {
        Ok(self.text()?.to_owned())
    }
}

pub(crate) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(Cursor::new(&bytes).varint(), Ok(value));
            for length in 0..bytes.len() {
                assert!(Cursor::new(&bytes[..length]).varint().is_err(), "{value} cut to {length}");
            }
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn lengths_are_not_believed() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert!(Cursor::new(&bytes).bytes().is_err());
        assert!(Cursor::new(&[0xff; 11]).varint().is_err());
    }

    #[test]
    fn fields_are_stepped_over() {
        let mut bytes = Vec::new();
        put_number_field(&mut bytes, 900, 7);
        put_fixed_field(&mut bytes, 1, u64::MAX);
        put_bytes_field(&mut bytes, 2, b"xy");
        let mut cursor = Cursor::new(&bytes);
        let mut numbers = Vec::new();
        while let Some((number, _)) = cursor.field().unwrap() {
            numbers.push(number);
        }
        assert_eq!(numbers, [900, 1, 2]);
        assert!(Cursor::new(&[3]).field().is_err(), "type 3 does not exist");
    }
}
