//! The index at the end of a fragment that was closed: where its frames begin.
//!
//! The last four bytes of its payload are the length of the whole chunk, so that a reader finds it from the end
//! of the file. A file without one is read from the beginning; nothing is missing.

use kymo_model::Timestamp;

use crate::chunk::{self, Parsed, kind};
use crate::error::Malformed;
use crate::limits::INDEX_FRAMES_MAX;
use crate::wire::{Cursor, put_bytes_field, put_number_field, put_varint, unzigzag, zigzag};

/// A frame of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// Sequence of its first record.
    pub first_sequence: u64,
    /// Time of its first record.
    pub time: Timestamp,
}

/// The frames of a fragment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// In the order of the file.
    pub frames: Vec<IndexEntry>,
    /// One more than the sequence of the last record.
    pub next_sequence: u64,
}

mod index_field {
    /// Offset, first sequence and time of each frame, each less that of the frame before.
    pub(super) const FRAMES: u64 = 1;
    pub(super) const NEXT_SEQUENCE: u64 = 2;
    /// The chunk's own length; its bytes are the last ones of the payload.
    pub(super) const LENGTH: u64 = 3;
}

/// Bytes of the length at the end.
const LENGTH_BYTES: usize = 4;
/// Bytes after the length: the chunk's checksum.
const CRC_BYTES: usize = 4;

/// The payload in two pieces, the second being the length.
pub(crate) fn index_bytes(frames: &[IndexEntry], next_sequence: u64) -> (Vec<u8>, [u8; LENGTH_BYTES]) {
    let mut entries = Vec::new();
    let (mut offset, mut sequence, mut time) = (0, 0, 0);
    for frame in frames {
        put_varint(&mut entries, frame.offset.wrapping_sub(offset));
        put_varint(&mut entries, frame.first_sequence.wrapping_sub(sequence));
        put_varint(&mut entries, zigzag(frame.time.as_unix_nanos().wrapping_sub(time)));
        (offset, sequence, time) = (frame.offset, frame.first_sequence, frame.time.as_unix_nanos());
    }
    let mut head = Vec::new();
    put_bytes_field(&mut head, index_field::FRAMES, &entries);
    put_number_field(&mut head, index_field::NEXT_SEQUENCE, next_sequence);
    // The key and the length of a field of four bytes, which come last.
    put_varint(&mut head, index_field::LENGTH << 2 | 2);
    put_varint(&mut head, LENGTH_BYTES as u64);
    let payload = head.len() + LENGTH_BYTES;
    let mut prefix = Vec::new();
    put_varint(&mut prefix, payload as u64);
    let total = 1 + chunk::MARK.len() + prefix.len() + payload + CRC_BYTES;
    (head, (total as u32).to_le_bytes())
}

/// The other way.
pub(crate) fn index(payload: &[u8], unknown: &mut u64) -> Result<Index, Malformed> {
    let mut index = Index::default();
    let mut cursor = Cursor::new(payload);
    while let Some((which, field)) = cursor.field()? {
        match which {
            index_field::FRAMES => index.frames = entries(field.bytes()?)?,
            index_field::NEXT_SEQUENCE => index.next_sequence = field.number()?,
            index_field::LENGTH => {}
            _ => *unknown += 1,
        }
    }
    Ok(index)
}

fn entries(bytes: &[u8]) -> Result<Vec<IndexEntry>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let mut frames = Vec::new();
    let (mut offset, mut first_sequence, mut time) = (0u64, 0u64, 0i64);
    while !cursor.is_empty() {
        if frames.len() == INDEX_FRAMES_MAX {
            return Err(Malformed("an index of fewer frames"));
        }
        offset = offset.wrapping_add(cursor.varint()?);
        first_sequence = first_sequence.wrapping_add(cursor.varint()?);
        time = time.wrapping_add(unzigzag(cursor.varint()?));
        frames.push(IndexEntry { offset, first_sequence, time: Timestamp::from_unix_nanos(time) });
    }
    Ok(frames)
}

/// How many bytes before the end of a file its index may begin, by the file's last eight bytes.
pub fn index_length(last_eight: [u8; 8]) -> usize {
    u32::from_le_bytes([last_eight[0], last_eight[1], last_eight[2], last_eight[3]]) as usize
}

impl Index {
    /// Reads the index from the last [`index_length`] bytes of a file; `None` where there is none, as in a file
    /// that grows or was left by a crash.
    pub fn from_tail(tail: &[u8]) -> Option<Self> {
        let Parsed::Chunk(found) = chunk::parse(tail, 0) else { return None };
        if found.kind != kind::INDEX || found.total != tail.len() {
            return None;
        }
        index(&tail[found.payload], &mut 0).ok()
    }

    /// The frame in which a sequence is, or would be.
    pub fn frame_of(&self, sequence: u64) -> Option<&IndexEntry> {
        let after = self.frames.partition_point(|frame| frame.first_sequence <= sequence);
        after.checked_sub(1).map(|at| &self.frames[at])
    }
}
