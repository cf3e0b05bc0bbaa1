//! A session file on its way, cut into chunks for who passes it on: where somebody may begin to read, without
//! unpacking it.

use super::Broken;
use crate::chunk::{self, MAGIC, Parsed, kind};
use crate::error::Malformed;
use crate::header::{self, Header};
use crate::limits::HEADER_BYTES_MAX;
use crate::reader::FrameHead;

/// A whole chunk of a session file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileChunk {
    /// As it is in the file.
    pub bytes: Vec<u8>,
    /// What it is.
    pub what: ChunkKind,
}

/// What a chunk is.
#[derive(Clone, Debug, PartialEq)]
pub enum ChunkKind {
    /// A fragment begins.
    Header(Box<Header>),
    /// Reading can begin here, behind a header.
    Frame {
        /// Sequence of its first record.
        first_sequence: u64,
    },
    /// Goes on with the frame.
    Block,
    /// An index, or what a newer version knows.
    Other,
}

/// Takes a session file in pieces of any size, gives its chunks. Of a connection nothing may be missing or damaged: then
/// it is [`Broken`], and the rest is asked for again.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    buffer: Vec<u8>,
    taken: usize,
    offset: u64,
    before: u32,
    has_magic: bool,
}

impl Chunks {
    /// Adds what came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next chunk; `None` until more came.
    #[expect(clippy::should_implement_trait, reason = "as `Reader::next`: more may come after `None`")]
    pub fn next(&mut self) -> Result<Option<FileChunk>, Broken> {
        let rest = &self.buffer[self.taken..];
        if !self.has_magic {
            let known = rest.len().min(MAGIC.len());
            if rest[..known] != MAGIC[..known] {
                return Err(self.broken("the first bytes of a session file"));
            }
            if known < MAGIC.len() {
                return Ok(None);
            }
            self.has_magic = true;
            self.take(MAGIC.len());
            return self.next();
        }
        let found = match chunk::parse(rest, self.before) {
            Parsed::Incomplete => return Ok(None),
            Parsed::Not(expected) => return Err(self.broken(expected)),
            Parsed::Chunk(found) => found,
        };
        let what = kind_of(found.kind, &rest[found.payload.clone()])
            .map_err(|error| self.broken(error.expected()))?;
        let bytes = rest[..found.total].to_vec();
        self.before = found.crc;
        self.take(found.total);
        Ok(Some(FileChunk { bytes, what }))
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        self.offset += count as u64;
    }

    fn broken(&self, expected: &str) -> Broken {
        Broken { offset: self.offset, expected: expected.to_owned() }
    }
}

fn kind_of(kind: u8, payload: &[u8]) -> Result<ChunkKind, Malformed> {
    Ok(match kind {
        kind::HEADER if payload.len() > HEADER_BYTES_MAX => {
            return Err(Malformed("a header within its limit"));
        }
        kind::HEADER => ChunkKind::Header(Box::new(header::header(payload, &mut 0)?)),
        kind::FRAME => {
            let (head, _) = FrameHead::split(payload, &mut 0)?;
            ChunkKind::Frame { first_sequence: head.first_sequence }
        }
        kind::BLOCK => ChunkKind::Block,
        _ => ChunkKind::Other,
    })
}

/// The header in the payload of a `register`.
///
/// Errors: what was expected.
pub fn header_of(payload: &[u8]) -> Result<Header, Broken> {
    header::header(payload, &mut 0)
        .map_err(|error| Broken { offset: 0, expected: error.expected().to_owned() })
}

/// The payload of a `register` for a header.
///
/// Errors: one that is longer than it may be.
pub fn header_payload(header: &Header) -> Result<Vec<u8>, crate::WriteError> {
    header::header_bytes(header)
}
