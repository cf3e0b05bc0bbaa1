//! Content encodings.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// Most bytes out of one byte in. Fifty events that share their environment compress to a
/// thirtieth; deflate cannot do better than 1032, which only padding reaches.
const RATIO_MAX: usize = 200;
/// Output that is always allowed: below this a ratio says nothing.
const RATIO_FREE_BYTES: usize = 64 * 1024;

/// Why a body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InflateError {
    /// Not an encoding we know; the client must send another one.
    #[error("expected content encoding gzip, deflate or identity, found {found:?}")]
    UnknownEncoding {
        /// The header's text.
        found: String,
    },
    /// Longer than allowed; the client must send less.
    #[error("expected at most {expected_max} bytes")]
    TooLarge {
        /// How many bytes may come out of this body.
        expected_max: usize,
    },
    /// Not what the header says it is.
    #[error("after {position} bytes: expected {expected}, found: {found}")]
    Corrupt {
        /// How many bytes had come out before.
        position: usize,
        /// What was to be read.
        expected: &'static str,
        /// What the decompressor says.
        found: String,
    },
}

/// The body without its `Content-Encoding`: `gzip` (of any number of members), `deflate` (raw, as
/// the reference reads it, or in the zlib wrapper that HTTP means) or none. At most `limit` bytes
/// come out, and at most 200 times the body's length.
pub fn inflate<'a>(
    body: &'a [u8],
    content_encoding: Option<&str>,
    limit: usize,
) -> Result<Cow<'a, [u8]>, InflateError> {
    let encoding = content_encoding.unwrap_or_default().trim();
    let is = |word: &str| encoding.eq_ignore_ascii_case(word);
    if encoding.is_empty() || is("identity") {
        return if body.len() > limit {
            Err(InflateError::TooLarge { expected_max: limit })
        } else {
            Ok(Cow::Borrowed(body))
        };
    }
    let max = limit.min(body.len().saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES));
    if is("gzip") || is("x-gzip") {
        read_all(MultiGzDecoder::new(body), max, "gzip").map(Cow::Owned)
    } else if is("deflate") {
        read_deflate(body, max).map(Cow::Owned)
    } else {
        Err(InflateError::UnknownEncoding { found: encoding.to_owned() })
    }
}

/// Two formats go by this name. A raw stream can look like a wrapped one by chance, so what fails
/// as wrapped is tried as raw.
fn read_deflate(body: &[u8], max: usize) -> Result<Vec<u8>, InflateError> {
    if is_zlib(body) {
        let wrapped = read_all(ZlibDecoder::new(body), max, "zlib");
        if !matches!(wrapped, Err(InflateError::Corrupt { .. })) {
            return wrapped;
        }
        return read_all(DeflateDecoder::new(body), max, "deflate").or(wrapped);
    }
    read_all(DeflateDecoder::new(body), max, "deflate")
}

/// RFC 1950: method 8 in the low bits of the first byte, the first two divisible by 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..]
        if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31))
}

fn read_all(decoder: impl Read, max: usize, expected: &'static str) -> Result<Vec<u8>, InflateError> {
    let mut inflated = Vec::new();
    // One more than allowed tells "just fits" from "too large".
    let outcome = decoder.take(max as u64 + 1).read_to_end(&mut inflated);
    if inflated.len() > max {
        return Err(InflateError::TooLarge { expected_max: max });
    }
    match outcome {
        Ok(_) => Ok(inflated),
        Err(error) => {
            Err(InflateError::Corrupt { position: inflated.len(), expected, found: error.to_string() })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"[{\"type\":\"log\"}]";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn known_encodings() {
        let check = |body: &[u8], encoding: Option<&str>| {
            assert_eq!(inflate(body, encoding, 1000).as_deref(), Ok(TEXT), "{encoding:?}");
        };
        check(TEXT, None);
        check(TEXT, Some(""));
        check(TEXT, Some("identity"));
        check(&gzip(TEXT), Some("gzip"));
        check(&gzip(TEXT), Some(" GZip "));
        check(&gzip(TEXT), Some("x-gzip"));
        check(&deflate(TEXT), Some("deflate"));
        check(&zlib(TEXT), Some("deflate"));
        check(&[gzip(&TEXT[..5]), gzip(&TEXT[5..])].concat(), Some("gzip"));
    }

    #[test]
    fn a_raw_stream_that_looks_wrapped() {
        // A stored block of one byte whose padding bits make it a zlib header, then an empty one.
        let body = b"\x78\x01\x00\xfe\xffa\x01\x00\x00\xff\xff";
        assert!(is_zlib(body));
        assert_eq!(inflate(body, Some("deflate"), 1000).as_deref(), Ok(b"a".as_slice()));
    }

    #[test]
    fn limits_hold() {
        let check = |body: &[u8], encoding: Option<&str>, limit: usize, expected: Option<usize>| {
            let found = match inflate(body, encoding, limit) {
                Err(InflateError::TooLarge { expected_max }) => Some(expected_max),
                Err(other) => panic!("{other}"),
                Ok(_) => None,
            };
            assert_eq!(found, expected, "{encoding:?} {limit}");
        };
        check(TEXT, None, TEXT.len(), None);
        check(TEXT, None, TEXT.len() - 1, Some(TEXT.len() - 1));
        check(&gzip(TEXT), Some("gzip"), TEXT.len(), None);
        check(&gzip(TEXT), Some("gzip"), TEXT.len() - 1, Some(TEXT.len() - 1));
        let zeros = gzip(&vec![0; 10_000_000]);
        check(&zeros, Some("gzip"), 2_000_000, Some(zeros.len() * RATIO_MAX));
        check(&zlib(&vec![0; 10_000_000]), Some("deflate"), 1_000_000, Some(1_000_000));
        // A short body may grow by more than the ratio.
        check(&gzip(&vec![0; 60_000]), Some("gzip"), 2_000_000, None);
    }

    #[test]
    fn bad_bodies_say_where() {
        let check = |body: &[u8], encoding: &str| {
            let error = inflate(body, Some(encoding), 1000).unwrap_err();
            assert!(matches!(error, InflateError::Corrupt { .. }), "{encoding}: {error}");
        };
        check(TEXT, "gzip");
        check(b"", "gzip");
        let whole = gzip(TEXT);
        check(&whole[..whole.len() - 5], "gzip");
        check(b"\xff\xff\xff", "deflate");
        let unknown = InflateError::UnknownEncoding { found: "br".into() };
        assert_eq!(inflate(TEXT, Some("br"), 1000), Err(unknown));
    }
}
