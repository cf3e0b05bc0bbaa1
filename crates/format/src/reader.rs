//! Bytes to records.
//!
//! A state machine that asks for bytes and gives items: feed it pieces of any size, take items until there are
//! none, and tell it when no more bytes will come. It keeps a chunk and a block in memory, never the file.
//!
//! ```text
//!            magic, header          frame                 bad chunk
//!  start ------------------> between ------> in a frame -----------> lost --(next anchor that is whole)--> …
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use kymo_model::{SessionId, Timestamp};

use crate::chunk::{self, Chunk, MAGIC, Parsed, find_anchor, kind};
use crate::error::Malformed;
use crate::header::{End, Header, header};
use crate::index::{Index, index};
use crate::limits::HEADER_BYTES_MAX;
use crate::record::RingPosition;

mod frame;
mod parts;
mod record;

pub(crate) use frame::FrameHead;
use frame::FrameReader;
pub use parts::{Part, Plan, Splitter, Standing};
pub use record::ReadRecord;

/// Bytes of chunks that are checked for each byte that is skipped while looking for an anchor: false anchors
/// are rare unless somebody made them, and then they must not cost time beyond proportion.
const CHECKED_PER_SKIPPED: usize = 64;
/// What may be checked before anything was skipped: some largest chunks.
const CHECKED_AT_FIRST: usize = 64 << 20;

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Whose session it is.
    Header(Arc<Header>),
    /// A frame begins: a place where reading may begin.
    Frame {
        /// In bytes from the beginning of the file.
        offset: u64,
        /// Of its first record.
        first_sequence: u64,
        /// Of its first record.
        time: Timestamp,
    },
    /// A record.
    Record(Box<ReadRecord>),
    /// So many were dropped for this reason since the session began.
    Loss {
        /// The agent's word for it.
        reason: String,
        /// Since the session began.
        total: u64,
    },
    /// Everything before this position of a ring is in the file.
    Ring(RingPosition),
    /// How the session ended.
    End(End),
    /// The fragment was closed; nothing follows.
    Index(Index),
    /// Bytes that could not be read. What is intact after them follows.
    Damage(Damage),
}

/// A part of a file that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// What should have been there.
    pub expected: &'static str,
}

/// What was stepped over because it is newer than this reader, and what was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were read.
    pub records: u64,
    /// Frames that were read, if only in part.
    pub frames: u64,
    /// Blocks that were read.
    pub blocks: u64,
    /// Fields of definitions, headers and exceptions.
    pub unknown_fields: u64,
    /// Definitions of a kind that is not known.
    pub unknown_definitions: u64,
    /// Sections of blocks.
    pub unknown_sections: u64,
    /// Parts and arguments of records whose type is not known: one for each record.
    pub unknown_parts: u64,
    /// Whole chunks.
    pub unknown_chunks: u64,
    /// Parts of the file that could not be read.
    pub damages: u64,
    /// How many bytes that is.
    pub damaged_bytes: u64,
}

impl Counts {
    /// Everything that was stepped over because it is newer.
    pub fn unknown(&self) -> u64 {
        self.unknown_fields
            + self.unknown_definitions
            + self.unknown_sections
            + self.unknown_parts
            + self.unknown_chunks
    }
}

/// Reads a file from its beginning, or from the beginning of any frame.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    /// What of the buffer is done.
    at: usize,
    /// Where in the file the buffer begins.
    offset: u64,
    state: State,
    session: Option<SessionId>,
    crc: u32,
    frame: Option<FrameReader>,
    /// A block is being told, record by record.
    in_block: bool,
    news: Vec<Item>,
    ready: VecDeque<Item>,
    /// Where damage began and what was expected.
    lost: Option<(u64, &'static str)>,
    budget: usize,
    is_over: bool,
    /// Blocks are passed over.
    is_outline: bool,
    /// Where the chunk begins that was read last.
    chunk_at: u64,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Magic,
    /// A chunk begins here.
    Chunks,
    /// Somewhere; the next anchor is looked for.
    Lost,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Reads a file from its beginning.
    pub fn new() -> Self {
        Self::starting(State::Magic, 0)
    }

    /// Reads on from `offset` of a file, from the first frame that begins there or later. Where the offset is not
    /// the beginning of a frame, what lies before the next one is told as damage.
    pub fn from_the_middle(offset: u64) -> Self {
        Self::starting(State::Chunks, offset)
    }

    /// Reads on behind `offset` in a file of that session, from the first frame or header that begins there or later: what
    /// lies before it is passed over without a word.
    pub fn searching_from(offset: u64, session: SessionId) -> Self {
        Self { session: Some(session), ..Self::starting(State::Lost, offset) }
    }

    /// Tells where headers, frames and indexes are, and damage, without looking into the blocks: as fast as their
    /// checksums are compared. [`Self::position`] is then the end of the last chunk that is whole.
    #[must_use]
    pub fn outline(self) -> Self {
        Self { is_outline: true, ..self }
    }

    fn starting(state: State, offset: u64) -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            offset,
            state,
            session: None,
            crc: 0,
            frame: None,
            in_block: false,
            news: Vec::new(),
            ready: VecDeque::new(),
            lost: None,
            budget: CHECKED_AT_FIRST,
            is_over: false,
            is_outline: false,
            chunk_at: offset,
            counts: Counts::default(),
        }
    }

    /// The next bytes of the file. They are copied; give pieces of some 64 KiB, and take all items between them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.offset += self.at as u64;
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// No more bytes will come: what waits for more is damage.
    pub fn finish(&mut self) {
        self.is_over = true;
    }

    /// Bytes of the file that are done. After an item of a block that is the block's end, after a header the header's.
    pub fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// Where the damage began whose end was not found yet.
    pub fn damaged_from(&self) -> Option<u64> {
        self.lost.map(|(offset, _)| offset)
    }

    /// Whether it looks for something to read on from, before which nothing can be read.
    pub fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// After a header: where its chunk begins.
    pub fn item_offset(&self) -> u64 {
        self.chunk_at
    }

    /// What was read and what was not, so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The next item; `None` when more bytes are needed, or none are left.
    #[expect(clippy::should_implement_trait, reason = "after `None` it goes on when there are more bytes")]
    pub fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.in_block {
                if let Some(item) = self.next_in_block() {
                    return Some(item);
                }
                continue;
            }
            let goes_on = match self.state {
                State::Magic => self.magic(),
                State::Chunks => self.chunk(),
                State::Lost => self.search(),
            };
            if !goes_on && self.ready.is_empty() {
                return None;
            }
        }
    }

    fn next_in_block(&mut self) -> Option<Item> {
        let result = match &mut self.frame {
            Some(frame) => frame.next(&mut self.counts),
            None => Ok(None),
        };
        match result {
            Ok(Some(record)) => {
                self.counts.records += 1;
                return Some(Item::Record(Box::new(record)));
            }
            Ok(None) => self.ready.extend(self.news.drain(..)),
            Err(malformed) => {
                // Its checksum was right: whoever wrote it did it wrong.
                self.news.clear();
                self.frame = None;
                self.counts.damages += 1;
                let offset = self.offset + self.at as u64;
                self.ready.push_back(Item::Damage(Damage {
                    offset,
                    bytes: 0,
                    expected: malformed.expected(),
                }));
            }
        }
        self.in_block = false;
        None
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    fn magic(&mut self) -> bool {
        let there = &self.rest()[..self.rest().len().min(MAGIC.len())];
        if there == MAGIC {
            self.at += MAGIC.len();
            self.state = State::Chunks;
        } else if there.is_empty() || MAGIC.starts_with(there) && !self.is_over {
            return false;
        } else {
            self.lose("the first bytes of a session file");
        }
        true
    }

    /// From here on bytes are damage.
    fn lose(&mut self, expected: &'static str) {
        self.frame = None;
        self.news.clear();
        self.state = State::Lost;
        self.lost.get_or_insert((self.offset + self.at as u64, expected));
    }

    /// Tells the damage that ends here.
    fn found(&mut self) {
        if let Some((offset, expected)) = self.lost.take() {
            let bytes = self.offset + self.at as u64 - offset;
            self.counts.damages += 1;
            self.counts.damaged_bytes += bytes;
            self.ready.push_back(Item::Damage(Damage { offset, bytes, expected }));
        }
    }

    fn chunk(&mut self) -> bool {
        if self.rest().is_empty() {
            return false;
        }
        match chunk::parse(self.rest(), self.crc) {
            Parsed::Chunk(found) => self.take(&found),
            Parsed::Incomplete if !self.is_over => return false,
            Parsed::Incomplete => self.lose("a whole chunk"),
            Parsed::Not(expected) => self.lose(expected),
        }
        true
    }

    /// Looks for the next whole anchor.
    fn search(&mut self) -> bool {
        let skip = match find_anchor(self.rest()) {
            // The place where it got lost is not where it goes on.
            Ok(0) if self.lost.is_some_and(|(offset, _)| offset == self.offset + self.at as u64) => 1,
            Ok(at) => {
                self.skip(at);
                return self.candidate();
            }
            Err(clear) if self.is_over => {
                self.skip(clear.max(self.rest().len()));
                self.found();
                return false;
            }
            Err(clear) => {
                self.skip(clear);
                return false;
            }
        };
        self.skip(skip);
        true
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.budget = self.budget.saturating_add(bytes.saturating_mul(CHECKED_PER_SKIPPED));
    }

    /// There is a mark here; is there a chunk?
    fn candidate(&mut self) -> bool {
        let bytes = chunk::measure(self.rest()).map_or(0, |(_, payload)| payload.end);
        if bytes > self.budget {
            self.skip(1);
            return true;
        }
        let parsed = chunk::parse(self.rest(), 0);
        if parsed == Parsed::Incomplete && !self.is_over {
            return false;
        }
        self.budget -= bytes;
        if let Parsed::Chunk(found) = parsed
            && self.is_ours(&found)
        {
            self.found();
            self.state = State::Chunks;
            self.take(&found);
        } else {
            self.skip(1);
        }
        true
    }

    /// Text that somebody logged could hold a chunk; it does not know the session.
    fn is_ours(&self, found: &Chunk) -> bool {
        let (Some(session), kind::FRAME) = (self.session, found.kind) else { return true };
        let payload = &self.rest()[found.payload.clone()];
        FrameHead::split(payload, &mut 0).is_ok_and(|(head, _)| head.session == session)
    }

    fn take(&mut self, found: &Chunk) {
        let result = self.understand(found);
        match result {
            Ok(()) => {
                self.chunk_at = self.offset + self.at as u64;
                self.at += found.total;
                self.crc = found.crc;
            }
            Err(malformed) => self.lose(malformed.expected()),
        }
    }

    fn understand(&mut self, found: &Chunk) -> Result<(), Malformed> {
        let offset = self.offset + self.at as u64;
        let payload = &self.buffer[self.at..][found.payload.clone()];
        match found.kind {
            kind::HEADER => {
                if payload.len() > HEADER_BYTES_MAX {
                    return Err(Malformed("a header within its limit"));
                }
                let header = header(payload, &mut self.counts.unknown_fields)?;
                self.session = Some(header.session);
                self.ready.push_back(Item::Header(Arc::new(header)));
            }
            kind::FRAME => {
                let (head, block) = FrameHead::split(payload, &mut self.counts.unknown_fields)?;
                if *self.session.get_or_insert(head.session) != head.session {
                    return Err(Malformed("a frame of this session"));
                }
                let (first_sequence, time) = (head.first_sequence, head.time());
                if self.is_outline {
                    self.ready.push_back(Item::Frame { offset, first_sequence, time });
                    return Ok(());
                }
                let mut frame = FrameReader::begin(&head, self.frame.take())?;
                frame.block(block, &mut self.news, &mut self.counts)?;
                self.frame = Some(frame);
                self.in_block = true;
                self.counts.frames += 1;
                self.counts.blocks += 1;
                self.ready.push_back(Item::Frame { offset, first_sequence, time });
            }
            kind::BLOCK if self.is_outline => {}
            kind::BLOCK => {
                let frame = self.frame.as_mut().ok_or(Malformed("a frame before a block"))?;
                frame.block(payload, &mut self.news, &mut self.counts)?;
                self.in_block = true;
                self.counts.blocks += 1;
            }
            kind::INDEX => {
                self.ready.push_back(Item::Index(index(payload, &mut self.counts.unknown_fields)?));
            }
            _ => self.counts.unknown_chunks += 1,
        }
        Ok(())
    }
}
