//! Chunks: what a file is a row of, each with its kind, its length and a checksum.
//!
//! ```text
//! kind 1 | mark 3, anchors only | length varint | payload | CRC-32C 4, little-endian, of all before it
//! ```
//!
//! A reader that lost its way looks for the next *anchor* (kind 128 and more): it carries a mark and stands for
//! itself. Any other chunk goes on from the one before it, whose checksum its own begins with: so a chunk that
//! was moved, or follows one that is missing, does not pass.

use std::ops::Range;

use crate::limits::CHUNK_BYTES_MAX;

/// The first bytes of a file. Like PNG's: a byte that is not ASCII, and the line ends that transfers spoil.
pub const MAGIC: [u8; 8] = *b"\x89KYMO\r\n\x1a";
/// After an anchor's kind. Rare in text and in what zstd makes.
pub(crate) const MARK: [u8; 3] = [0xd7, 0x4b, 0x59];
/// Kinds from here on are anchors.
pub(crate) const ANCHOR: u8 = 0x80;

/// Kinds of chunks.
pub(crate) mod kind {
    /// Goes on with the frame.
    pub(crate) const BLOCK: u8 = 0x02;
    pub(crate) const HEADER: u8 = 0x81;
    /// Begins a frame, with its first block.
    pub(crate) const FRAME: u8 = 0x82;
    pub(crate) const INDEX: u8 = 0x83;
}

const CRC_BYTES: usize = 4;
/// A length of four bytes could be 256 MB; the limit is far below.
const LENGTH_BYTES_MAX: usize = 4;

/// Appends a chunk whose payload has two pieces; `before` is the checksum of the chunk before it. Returns its own.
pub(crate) fn put_chunk(out: &mut Vec<u8>, kind: u8, before: u32, head: &[u8], body: &[u8]) -> u32 {
    let start = out.len();
    out.push(kind);
    if kind >= ANCHOR {
        out.extend_from_slice(&MARK);
    }
    crate::wire::put_varint(out, (head.len() + body.len()) as u64);
    out.extend_from_slice(head);
    out.extend_from_slice(body);
    let crc = crc32c::crc32c_append(seed(kind, before), &out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    crc
}

const fn seed(kind: u8, before: u32) -> u32 {
    if kind >= ANCHOR { 0 } else { before }
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A chunk, if more bytes follow.
    Incomplete,
    /// No chunk: what was expected.
    Not(&'static str),
    Chunk(Chunk),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) kind: u8,
    pub(crate) payload: Range<usize>,
    pub(crate) total: usize,
    pub(crate) crc: u32,
}

/// Reads the chunk at the beginning of `bytes`; costs as much time as it is long.
pub(crate) fn parse(bytes: &[u8], before: u32) -> Parsed {
    let (kind, payload) = match measure(bytes) {
        Ok(measured) => measured,
        Err(not) => return not,
    };
    let Some(crc) = bytes.get(payload.end..payload.end + CRC_BYTES) else { return Parsed::Incomplete };
    let crc = u32::from_le_bytes([crc[0], crc[1], crc[2], crc[3]]);
    if crc32c::crc32c_append(seed(kind, before), &bytes[..payload.end]) != crc {
        return Parsed::Not("a chunk with its checksum");
    }
    Parsed::Chunk(Chunk { kind, total: payload.end + CRC_BYTES, payload, crc })
}

/// The kind of the chunk at the beginning of `bytes` and where its payload is, by its own word.
pub(crate) fn measure(bytes: &[u8]) -> Result<(u8, Range<usize>), Parsed> {
    let Some(&kind) = bytes.first() else { return Err(Parsed::Incomplete) };
    if kind == 0 {
        return Err(Parsed::Not("a chunk's kind"));
    }
    let mut at = 1;
    if kind >= ANCHOR {
        let there = &bytes[1..bytes.len().min(1 + MARK.len())];
        if !MARK.starts_with(there) {
            return Err(Parsed::Not("an anchor's mark"));
        }
        at += MARK.len();
    }
    let mut length = 0;
    for step in 0..LENGTH_BYTES_MAX {
        let Some(&byte) = bytes.get(at) else { return Err(Parsed::Incomplete) };
        at += 1;
        length |= usize::from(byte & 0x7f) << (7 * step);
        if byte < 0x80 {
            break;
        }
        if step + 1 == LENGTH_BYTES_MAX {
            return Err(Parsed::Not("a chunk's length"));
        }
    }
    if length > CHUNK_BYTES_MAX {
        return Err(Parsed::Not("a chunk within its limit"));
    }
    Ok((kind, at..at + length))
}

/// Where the next anchor may begin; without one, how many bytes certainly hold none.
pub(crate) fn find_anchor(bytes: &[u8]) -> Result<usize, usize> {
    for (at, window) in bytes.windows(1 + MARK.len()).enumerate() {
        if window[0] >= ANCHOR && window[1..] == MARK {
            return Ok(at);
        }
    }
    Err(bytes.len().saturating_sub(MARK.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_whole_or_not_at_all() {
        for kind in [kind::BLOCK, kind::FRAME] {
            let mut bytes = vec![];
            let crc = put_chunk(&mut bytes, kind, 77, b"head", &[9; 300]);
            let Parsed::Chunk(chunk) = parse(&bytes, 77) else { panic!("expected a chunk") };
            assert_eq!((chunk.kind, chunk.total, chunk.crc), (kind, bytes.len(), crc));
            assert!(bytes[chunk.payload].starts_with(b"head\x09"));
            for length in 0..bytes.len() {
                assert_eq!(parse(&bytes[..length], 77), Parsed::Incomplete, "cut to {length}");
            }
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x10;
                assert!(!matches!(parse(&damaged, 77), Parsed::Chunk(_)), "byte {at}");
            }
        }
    }

    #[test]
    fn chunks_that_go_on_know_the_one_before() {
        let mut bytes = vec![];
        put_chunk(&mut bytes, kind::BLOCK, 1, b"", b"x");
        assert_eq!(parse(&bytes, 2), Parsed::Not("a chunk with its checksum"));
        bytes.clear();
        put_chunk(&mut bytes, kind::FRAME, 1, b"", b"x");
        assert!(matches!(parse(&bytes, 2), Parsed::Chunk(_)), "anchors stand for themselves");
    }

    #[test]
    fn anchors_are_found() {
        let mut bytes = vec![0xd7, 0x4b, 0x59, 0x82, 0xd7];
        let at = bytes.len();
        put_chunk(&mut bytes, kind::FRAME, 0, b"", b"x");
        assert_eq!(find_anchor(&bytes), Ok(at));
        assert_eq!(find_anchor(&bytes[..at + 3]), Err(at), "its beginning is kept");
    }
}
