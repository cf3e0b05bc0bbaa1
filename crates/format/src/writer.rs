//! Records to bytes.
//!
//! Hot: [`Writer::record`] runs on the agent's background thread for every record (`cargo xtask bench agent`,
//! part `format`). Once buffers have grown nothing on its usual path allocates, hashes or formats: a callsite
//! and a thread are looked up by index, the shape is the callsite's last one, values go to columns.

use std::collections::HashMap;

use kymo_model::Timestamp;

use crate::chunk::{self, kind, put_chunk};
use crate::compress::Compressor;
use crate::definitions::{
    Callsite, Thread, bounded, callsite_bytes, definition, span_args_bytes, span_field, thread_bytes,
};
use crate::error::WriteError;
use crate::header::{End, Header, end_bytes, header_bytes};
use crate::index::{IndexEntry, index_bytes};
use crate::limits::{
    BLOCK_RAW_BYTES_TARGET, BLOCK_RECORDS_MAX, FRAME_AGE_NANOS_MAX, FRAME_RAW_BYTES_TARGET,
    FRAME_RAW_BYTES_TARGET_MAX, INDEX_FRAMES_MAX, KEYS_MAX, RECORD_BYTES_MAX, RINGS_MAX, SPAN_DEPTH_MAX,
    SPANS_OPEN_MAX,
};
use crate::record::{Arg, Extra, Record, RingPosition};
use crate::wire::{put_bytes, put_bytes_field, put_fixed_field, put_number_field, put_varint, zigzag};

mod frame;
mod parts;

pub(crate) use frame::{ColumnKey, section, shape_field};
use frame::{FrameWriter, ShapeKey, Signature, put_section};

/// Bytes that columns may keep allocated from block to block: some ten blocks.
const COLUMN_MEMORY_MAX: usize = 1 << 20;
/// What shape, thread and time of a record take, about.
const HEAD_BYTES: usize = 4;
/// Reasons for dropping that are counted; a program has a dozen.
const LOSS_REASONS_MAX: usize = 64;
/// Longest name of a reason.
const LOSS_REASON_BYTES_MAX: usize = 64;

/// How to write. What is beyond a limit is brought within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// zstd's level; see ADR 0013 for what each costs and saves.
    pub level: i32,
    /// Nanoseconds to which times are rounded down.
    pub time_unit_nanos: u32,
    /// Bytes of a frame before compression after which the next begins.
    pub frame_raw_bytes: usize,
    /// Bytes of a block before compression at which it is closed without being asked.
    pub block_raw_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: 1,
            time_unit_nanos: 1000,
            frame_raw_bytes: FRAME_RAW_BYTES_TARGET,
            block_raw_bytes: BLOCK_RAW_BYTES_TARGET,
        }
    }
}

impl Settings {
    fn within_limits(self) -> Self {
        Self {
            level: self.level,
            time_unit_nanos: self.time_unit_nanos.max(1),
            frame_raw_bytes: self.frame_raw_bytes.min(FRAME_RAW_BYTES_TARGET_MAX),
            block_raw_bytes: self.block_raw_bytes.min(BLOCK_RAW_BYTES_TARGET),
        }
    }
}

/// Fields of a frame's head, which stands uncompressed before its first block.
pub(crate) mod head_field {
    pub(crate) const SESSION: u64 = 1;
    pub(crate) const NUMBER: u64 = 2;
    pub(crate) const FIRST_SEQUENCE: u64 = 3;
    /// In units, zigzag.
    pub(crate) const BASE_TIME: u64 = 4;
    pub(crate) const TIME_UNIT_NANOS: u64 = 5;
    pub(crate) const CODEC: u64 = 6;
}

/// Blocks of a frame are pieces of one zstd frame.
pub(crate) const CODEC_ZSTD: u64 = 1;

/// Writes one fragment into memory. It does no IO and reads no clock: take [`Writer::output`] from time to time.
#[derive(Debug)]
pub struct Writer {
    settings: Settings,
    session: [u8; 16],
    out: Vec<u8>,
    /// Bytes of the file before `out`.
    taken: u64,
    crc: u32,
    compressor: Compressor,
    frame: FrameWriter,
    /// Rises with each frame; what has another number is not defined in this one.
    frame_number: u32,
    /// Those of earlier fragments.
    frames_before: u32,
    in_frame: bool,
    /// Frames were written before by others: an index would be wrong.
    is_resumed: bool,
    blocks_in_frame: u32,
    frame_head: Vec<u8>,
    frame_raw_bytes: usize,
    block_raw_bytes: usize,
    records_in_block: usize,
    /// 2^64 divided by the unit, rounded up.
    unit_reciprocal: u64,
    base_units: i64,
    last_units: i64,
    /// The same in nanoseconds.
    last_nanos: i64,
    next_sequence: u64,
    callsites: Vec<CallsiteState>,
    threads: Vec<ThreadState>,
    spans: HashMap<u64, SpanState>,
    rings: Vec<RingState>,
    losses: Vec<Loss>,
    end: Option<End>,
    index: Vec<IndexEntry>,
    raw: Vec<u8>,
    packed: Vec<u8>,
    attributes: Vec<u8>,
    exception: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct CallsiteState {
    definition: Option<Box<[u8]>>,
    frame_number: u32,
    /// Its number in that frame.
    number: u32,
    /// The shape of its last record in that frame.
    last: Option<(ShapeKey, u32)>,
}

#[derive(Clone, Debug, Default)]
struct ThreadState {
    definition: Option<Box<[u8]>>,
    frame_number: u32,
    number: u32,
}

#[derive(Debug)]
struct SpanState {
    callsite: u32,
    parent: Option<u64>,
    args: Box<[u8]>,
    frame_number: u32,
    number: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct RingState {
    position: u64,
    /// What the frame has.
    written: u64,
    written_in: u32,
}

#[derive(Debug)]
struct Loss {
    reason: String,
    total: u64,
    written: u64,
}

impl Writer {
    /// Begins a fragment: the output holds its header.
    pub fn new(header: &Header, settings: Settings) -> Result<Self, WriteError> {
        let mut out = chunk::MAGIC.to_vec();
        let crc = put_chunk(&mut out, kind::HEADER, 0, &header_bytes(header)?, &[]);
        Ok(Self {
            settings: settings.within_limits(),
            session: header.session.as_u128().to_be_bytes(),
            out,
            taken: 0,
            crc,
            compressor: Compressor::new(settings.level)?,
            frame: FrameWriter::new(),
            frame_number: 0,
            frames_before: 0,
            in_frame: false,
            is_resumed: false,
            blocks_in_frame: 0,
            frame_head: Vec::new(),
            frame_raw_bytes: 0,
            block_raw_bytes: 0,
            records_in_block: 0,
            unit_reciprocal: u64::MAX / u64::from(settings.time_unit_nanos.max(2)) + 1,
            base_units: 0,
            last_units: 0,
            last_nanos: 0,
            next_sequence: header.first_sequence,
            callsites: Vec::new(),
            threads: Vec::new(),
            spans: HashMap::new(),
            rings: Vec::new(),
            losses: Vec::new(),
            end: None,
            index: Vec::new(),
            raw: Vec::new(),
            packed: Vec::new(),
            attributes: Vec::new(),
            exception: Vec::new(),
        })
    }

    /// Goes on with a fragment that somebody else began and did not close: what is written belongs behind its first
    /// `bytes` bytes, which end with a whole chunk. It begins a new frame; the fragment gets no index, since
    /// nobody knows its first frames.
    pub fn resume(
        header: &Header,
        settings: Settings,
        bytes: u64,
        next_sequence: u64,
    ) -> Result<Self, WriteError> {
        let mut writer = Self::new(header, settings)?;
        writer.out.clear();
        writer.taken = bytes;
        writer.next_sequence = next_sequence;
        writer.is_resumed = true;
        Ok(writer)
    }

    /// Says what `key` stands for from now on. Keys are the caller's, small and dense.
    pub fn define_callsite(&mut self, key: u32, callsite: &Callsite) -> Result<(), WriteError> {
        let definition = Some(callsite_bytes(callsite)?);
        *slot(&mut self.callsites, key, "callsite")? =
            CallsiteState { definition, ..CallsiteState::default() };
        Ok(())
    }

    /// Says what `key` stands for from now on. Keys are the caller's, small and dense.
    pub fn define_thread(&mut self, key: u32, thread: &Thread) -> Result<(), WriteError> {
        let definition = Some(thread_bytes(thread)?);
        *slot(&mut self.threads, key, "thread")? = ThreadState { definition, ..ThreadState::default() };
        Ok(())
    }

    /// Opens a span under the agent's id; records refer to it until it is closed.
    pub fn open_span(
        &mut self,
        id: u64,
        callsite: u32,
        parent: Option<u64>,
        args: &[Arg<'_>],
    ) -> Result<(), WriteError> {
        defined(&self.callsites, callsite, "callsite", |state| state.definition.is_some())?;
        if self.spans.len() >= SPANS_OPEN_MAX && !self.spans.contains_key(&id) {
            let found = self.spans.len() + 1;
            return Err(WriteError::TooLarge { what: "open spans", found, max: SPANS_OPEN_MAX });
        }
        let args = bounded("a span", span_args_bytes(args)?)?;
        self.spans.insert(id, SpanState { callsite, parent, args, frame_number: 0, number: 0 });
        Ok(())
    }

    /// Forgets a span. What was written about it stays.
    pub fn close_span(&mut self, id: u64) {
        self.spans.remove(&id);
    }

    /// Appends a record and returns its sequence. On an error nothing was taken. A full block is closed on the
    /// way; until then, or [`Writer::flush`], the record is not in the output.
    pub fn record(&mut self, record: &Record<'_>) -> Result<u64, WriteError> {
        let mut bytes = 0;
        let types = self.signature(record.args, &mut bytes)?;
        let parts = match record.extra {
            Some(extra) => self.parts(extra, &mut bytes)?,
            None => 0,
        };
        if bytes > RECORD_BYTES_MAX {
            return Err(WriteError::TooLarge { what: "a record", found: bytes, max: RECORD_BYTES_MAX });
        }
        defined(&self.callsites, record.callsite, "callsite", |state| state.definition.is_some())?;
        defined(&self.threads, record.thread, "thread", |state| state.definition.is_some())?;
        if !self.in_frame {
            self.begin_frame(record.time)?;
        }
        let shape = self.shape(record, parts, types)?;
        let thread = self.thread(record.thread);
        let span = match record.extra {
            Some(Extra { span: Some(id), .. }) => self.span(*id),
            _ => 0,
        };
        put_varint(&mut self.frame.shapes, shape.into());
        put_varint(&mut self.frame.threads, thread.into());
        self.put_time(record.time.as_unix_nanos());
        self.block_raw_bytes += HEAD_BYTES + self.put_values(record, shape, thread as usize, parts, span)?;
        self.records_in_block += 1;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        if let Some(origin) = record.origin {
            self.reached(origin)?;
        }
        let raw_bytes = self.block_raw_bytes + self.frame.definitions.len();
        if raw_bytes >= self.settings.block_raw_bytes || self.records_in_block >= BLOCK_RECORDS_MAX {
            self.end_block()?;
        }
        Ok(sequence)
    }

    /// Notes that everything of a ring before this position has been given to the writer, or dropped.
    pub fn reached(&mut self, origin: RingPosition) -> Result<(), WriteError> {
        if origin.ring >= RINGS_MAX {
            let (found, max) = (origin.ring as usize, RINGS_MAX as usize);
            return Err(WriteError::TooLarge { what: "a ring's number", found, max });
        }
        let at = origin.ring as usize;
        if at >= self.rings.len() {
            self.rings.resize(at + 1, RingState::default());
        }
        self.rings[at].position = origin.position;
        Ok(())
    }

    /// Says how many were dropped for this reason since the session began.
    pub fn lost(&mut self, reason: &str, total: u64) -> Result<(), WriteError> {
        if let Some(known) = self.losses.iter_mut().find(|known| known.reason == reason) {
            known.total = total;
            return Ok(());
        }
        let (found, max) = (reason.len(), LOSS_REASON_BYTES_MAX);
        if found > max {
            return Err(WriteError::TooLarge { what: "the name of a reason", found, max });
        }
        if self.losses.len() == LOSS_REASONS_MAX {
            let found = LOSS_REASONS_MAX + 1;
            return Err(WriteError::TooLarge { what: "reasons", found, max: LOSS_REASONS_MAX });
        }
        self.losses.push(Loss { reason: reason.to_owned(), total, written: 0 });
        Ok(())
    }

    /// Says how the session ended; goes out with the next flush.
    pub fn end(&mut self, end: End) {
        self.end = Some(end);
    }

    /// Sequence of the next record.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes that were written and not yet taken; they follow one another without gap.
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// Says that the output was taken.
    pub fn clear_output(&mut self) {
        self.taken += self.out.len() as u64;
        self.out.clear();
    }

    /// Bytes of the fragment so far, those of the output among them.
    pub fn bytes(&self) -> u64 {
        self.taken + self.out.len() as u64
    }

    /// Closes the block, if there is anything in it, so that the output holds everything that was given.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.end_block()?;
        let age = self.last_units.saturating_sub(self.base_units);
        if self.in_frame && age.saturating_mul(self.settings.time_unit_nanos.into()) >= FRAME_AGE_NANOS_MAX {
            self.in_frame = false;
        }
        Ok(())
    }

    /// Closes block and frame: a reader can begin with what comes next.
    pub fn end_frame(&mut self) -> Result<(), WriteError> {
        self.end_block()?;
        self.in_frame = false;
        Ok(())
    }

    /// Closes the fragment with an index of its frames. What is written afterwards would be of no use.
    pub fn close(&mut self) -> Result<(), WriteError> {
        self.end_frame()?;
        if self.is_resumed {
            return Ok(());
        }
        let (head, tail) = index_bytes(&self.index, self.next_sequence);
        self.crc = put_chunk(&mut self.out, kind::INDEX, self.crc, &head, &tail);
        Ok(())
    }

    /// Closes the fragment and begins the next of the session, with everything that is defined, open or counted.
    /// Returns what was left of the output; from now on it is that of the new fragment. On an error nothing was done
    /// but to flush.
    pub fn next_fragment(&mut self, header: &Header) -> Result<Vec<u8>, WriteError> {
        let header_bytes = header_bytes(header)?;
        self.close()?;
        let left = std::mem::replace(&mut self.out, chunk::MAGIC.to_vec());
        self.crc = put_chunk(&mut self.out, kind::HEADER, 0, &header_bytes, &[]);
        self.session = header.session.as_u128().to_be_bytes();
        self.next_sequence = header.first_sequence;
        self.taken = 0;
        self.index.clear();
        self.is_resumed = false;
        self.frames_before = self.frame_number;
        Ok(left)
    }

    /// The number of the record's shape in this frame, or in a new one if this one is full.
    #[inline]
    fn shape(&mut self, record: &Record<'_>, parts: u32, types: Signature) -> Result<u32, WriteError> {
        let state = &self.callsites[record.callsite as usize];
        if state.frame_number == self.frame_number
            && let Some((key, shape)) = state.last
            && key.types == types
            && key.parts == parts
        {
            return Ok(shape);
        }
        self.new_shape(record, parts, types)
    }

    fn new_shape(&mut self, record: &Record<'_>, parts: u32, types: Signature) -> Result<u32, WriteError> {
        if self.frame.is_full(record.args.len()) {
            self.end_frame()?;
            self.begin_frame(record.time)?;
        }
        let key = ShapeKey { callsite: self.callsite(record.callsite), parts, types };
        let shape = self.frame.shape(key);
        self.callsites[record.callsite as usize].last = Some((key, shape));
        Ok(shape)
    }

    /// The callsite's number in this frame.
    fn callsite(&mut self, key: u32) -> u32 {
        let state = &mut self.callsites[key as usize];
        if state.frame_number != self.frame_number {
            state.frame_number = self.frame_number;
            state.number = self.frame.callsites;
            state.last = None;
            self.frame.callsites += 1;
            self.frame.define(definition::CALLSITE, state.definition.as_deref().unwrap_or_default());
        }
        state.number
    }

    #[inline]
    fn thread(&mut self, key: u32) -> u32 {
        let state = &mut self.threads[key as usize];
        if state.frame_number != self.frame_number {
            state.frame_number = self.frame_number;
            state.number = self.frame.threads_defined;
            self.frame.threads_defined += 1;
            self.frame.define(definition::THREAD, state.definition.as_deref().unwrap_or_default());
        }
        state.number
    }

    /// The span's number in this frame; spans around it are defined first. Unknown ones have no part.
    fn span(&mut self, id: u64) -> u32 {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next
            && let Some(state) = self.spans.get(&id)
            && state.frame_number != self.frame_number
            && chain.len() < SPAN_DEPTH_MAX
            && !chain.contains(&id)
        {
            chain.push(id);
            next = state.parent;
        }
        for &id in chain.iter().rev() {
            self.define_span(id);
        }
        self.spans.get(&id).map_or(0, |state| state.number)
    }

    fn define_span(&mut self, id: u64) {
        let Some(state) = self.spans.get(&id) else { return };
        let (callsite, parent) = (state.callsite, state.parent);
        let callsite = self.callsite(callsite);
        let around = parent.and_then(|parent| self.spans.get(&parent));
        let parent =
            around.filter(|around| around.frame_number == self.frame_number).map(|around| around.number);
        let number = self.frame.spans;
        self.frame.spans += 1;
        let mut fields = Vec::new();
        put_fixed_field(&mut fields, span_field::ID, id);
        put_number_field(&mut fields, span_field::CALLSITE, callsite.into());
        put_number_field(&mut fields, span_field::PARENT, parent.map_or(0, |parent| u64::from(parent) + 1));
        if let Some(state) = self.spans.get_mut(&id) {
            state.frame_number = self.frame_number;
            state.number = number;
            fields.extend_from_slice(&state.args);
        }
        self.frame.define(definition::SPAN, &fields);
    }

    /// Hot: a distance of up to four seconds is divided by one multiplication.
    #[inline]
    fn put_time(&mut self, nanos: i64) {
        let unit = self.settings.time_unit_nanos;
        let since = nanos.wrapping_sub(self.last_nanos);
        let units = match u32::try_from(since) {
            // Exact for 32 bits: the error of the reciprocal is below 2^-64 of each.
            Ok(since) if unit > 1 => ((u128::from(since) * u128::from(self.unit_reciprocal)) >> 64) as i64,
            _ => nanos.div_euclid(unit.into()).wrapping_sub(self.last_units),
        };
        put_varint(&mut self.frame.times, zigzag(units));
        self.last_units = self.last_units.wrapping_add(units);
        self.last_nanos = self.last_units.wrapping_mul(unit.into());
    }

    fn begin_frame(&mut self, time: Timestamp) -> Result<(), WriteError> {
        let unit = self.settings.time_unit_nanos;
        self.base_units = time.as_unix_nanos().div_euclid(unit.into());
        self.last_units = self.base_units;
        self.last_nanos = self.base_units.wrapping_mul(unit.into());
        self.frame_number += 1;
        self.frame.restart();
        self.compressor.restart()?;
        self.in_frame = true;
        self.blocks_in_frame = 0;
        self.frame_raw_bytes = 0;
        let head = &mut self.frame_head;
        head.clear();
        put_bytes_field(head, head_field::SESSION, &self.session);
        put_number_field(head, head_field::NUMBER, (self.frame_number - self.frames_before).into());
        put_number_field(head, head_field::FIRST_SEQUENCE, self.next_sequence);
        put_number_field(head, head_field::BASE_TIME, zigzag(self.base_units));
        put_number_field(head, head_field::TIME_UNIT_NANOS, unit.into());
        put_number_field(head, head_field::CODEC, CODEC_ZSTD);
        Ok(())
    }

    /// Something to say that is not a record.
    fn has_news(&self) -> bool {
        self.end.is_some()
            || self.losses.iter().any(|loss| loss.total != loss.written)
            || self.rings.iter().any(|ring| ring.position != ring.written)
    }

    fn end_block(&mut self) -> Result<(), WriteError> {
        if self.records_in_block == 0 && !self.has_news() {
            return Ok(());
        }
        if !self.in_frame {
            let nanos = self.last_units.saturating_mul(self.settings.time_unit_nanos.into());
            self.begin_frame(Timestamp::from_unix_nanos(nanos))?;
        }
        self.raw.clear();
        let mut scratch = std::mem::take(&mut self.packed);
        self.put_news(&mut scratch);
        self.frame.take_block(&mut self.raw);
        scratch.clear();
        let begins = self.blocks_in_frame == 0;
        if begins {
            put_bytes(&mut scratch, &self.frame_head);
            let (offset, first_sequence) = (self.bytes(), self.next_sequence - self.records_in_block as u64);
            if self.index.len() < INDEX_FRAMES_MAX {
                let nanos = self.base_units.saturating_mul(self.settings.time_unit_nanos.into());
                self.index.push(IndexEntry {
                    offset,
                    first_sequence,
                    time: Timestamp::from_unix_nanos(nanos),
                });
            }
        }
        self.compressor.block(&self.raw, &mut scratch)?;
        let kind = if begins { kind::FRAME } else { kind::BLOCK };
        self.crc = put_chunk(&mut self.out, kind, self.crc, &[], &scratch);
        self.packed = scratch;
        self.blocks_in_frame += 1;
        self.frame_raw_bytes += self.raw.len();
        self.block_raw_bytes = 0;
        self.records_in_block = 0;
        if self.frame_raw_bytes >= self.settings.frame_raw_bytes || self.frame.capacity() > COLUMN_MEMORY_MAX
        {
            self.in_frame = false;
        }
        if self.frame.capacity() > COLUMN_MEMORY_MAX {
            self.frame.restart();
            self.frame.shrink();
        }
        Ok(())
    }

    /// Sections that are not columns: how many records, and what else there is to say.
    fn put_news(&mut self, scratch: &mut Vec<u8>) {
        let begins = self.blocks_in_frame == 0;
        scratch.clear();
        put_varint(scratch, self.records_in_block as u64);
        put_section(&mut self.raw, section::COUNT, scratch);
        scratch.clear();
        for (at, ring) in self.rings.iter_mut().enumerate() {
            if ring.written_in != self.frame_number {
                ring.written_in = self.frame_number;
                ring.written = 0;
            }
            if ring.position != ring.written {
                put_varint(scratch, at as u64);
                put_varint(scratch, ring.position.wrapping_sub(ring.written));
                ring.written = ring.position;
            }
        }
        put_section(&mut self.raw, section::RINGS, scratch);
        scratch.clear();
        for loss in &mut self.losses {
            if begins || loss.total != loss.written {
                loss.written = loss.total;
                put_bytes(scratch, loss.reason.as_bytes());
                put_varint(scratch, loss.total);
            }
        }
        put_section(&mut self.raw, section::LOSSES, scratch);
        if let Some(end) = self.end.take() {
            put_section(&mut self.raw, section::END, &end_bytes(&end));
        }
    }
}

fn slot<'a, T: Clone + Default>(
    slots: &'a mut Vec<T>,
    key: u32,
    what: &'static str,
) -> Result<&'a mut T, WriteError> {
    if key >= KEYS_MAX {
        return Err(WriteError::Undefined { what, key: key.into() });
    }
    let at = key as usize;
    if at >= slots.len() {
        slots.resize(at + 1, T::default());
    }
    Ok(&mut slots[at])
}

#[inline]
fn defined<T>(slots: &[T], key: u32, what: &'static str, is: impl Fn(&T) -> bool) -> Result<(), WriteError> {
    match slots.get(key as usize) {
        Some(slot) if is(slot) => Ok(()),
        _ => Err(WriteError::Undefined { what, key: key.into() }),
    }
}
