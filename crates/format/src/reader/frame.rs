//! A frame as it is read: its dictionary and columns, and the records of the block at hand, one by one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use kymo_model::{Attributes, SessionId, Timestamp, User};

use super::record::ReadRecord;
use super::{Counts, Item};
use crate::column::ColumnReader;
use crate::compress::Decompressor;
use crate::definitions::{self, Callsite, Span, Thread, definition, span_field};
use crate::error::Malformed;
use crate::header;
use crate::limits::{
    ARGS_MAX, BLOCK_RAW_BYTES_MAX, BLOCK_RECORDS_MAX, COLUMNS_MAX, DEFINITION_BYTES_MAX, DEPTH_MAX,
    FRAME_RAW_BYTES_MAX, RINGS_MAX, SPAN_DEPTH_MAX,
};
use crate::record::{ArgValue, DetailsKind, RingPosition, arg_type, part};
use crate::values;
use crate::wire::{self, Cursor, unzigzag};
use crate::writer::{CODEC_ZSTD, ColumnKey, head_field, section, shape_field};

/// What stands before a frame's first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) session: SessionId,
    pub(crate) number: u64,
    pub(crate) first_sequence: u64,
    base_units: i64,
    unit_nanos: i64,
}

impl FrameHead {
    /// Splits a frame's payload into its head and its first block.
    pub(crate) fn split<'a>(payload: &'a [u8], unknown: &mut u64) -> Result<(Self, &'a [u8]), Malformed> {
        let mut cursor = Cursor::new(payload);
        let head = Self::read(cursor.bytes()?, unknown)?;
        let block = cursor.take(cursor.len())?;
        Ok((head, block))
    }

    fn read(bytes: &[u8], unknown: &mut u64) -> Result<Self, Malformed> {
        let mut head = Self {
            session: SessionId::from_u128(0),
            number: 0,
            first_sequence: 0,
            base_units: 0,
            unit_nanos: 1,
        };
        let mut codec = None;
        let mut cursor = Cursor::new(bytes);
        while let Some((which, field)) = cursor.field()? {
            match which {
                head_field::SESSION => head.session = header::session_id(field)?,
                head_field::NUMBER => head.number = field.number()?,
                head_field::FIRST_SEQUENCE => head.first_sequence = field.number()?,
                head_field::BASE_TIME => head.base_units = unzigzag(field.number()?),
                head_field::TIME_UNIT_NANOS => head.unit_nanos = i64::from(field.number()? as u32),
                head_field::CODEC => codec = Some(field.number()?),
                _ => *unknown += 1,
            }
        }
        if codec == Some(CODEC_ZSTD) { Ok(head) } else { Err(Malformed("a frame whose codec is zstd")) }
    }

    /// Time of the frame's first record.
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.base_units.saturating_mul(self.unit_nanos))
    }
}

/// A shape: which columns a record has values in.
#[derive(Clone, Debug)]
struct Shape {
    callsite: Arc<Callsite>,
    /// Bit and column, rising.
    parts: Vec<(u32, u32)>,
    /// Type and column of each argument; null has none.
    args: Vec<(u8, u32)>,
}

#[derive(Debug)]
pub(crate) struct FrameReader {
    decompressor: Decompressor,
    raw: Vec<u8>,
    frame_raw_bytes: usize,
    callsites: Vec<Arc<Callsite>>,
    threads: Vec<Arc<Thread>>,
    spans: Vec<Arc<Span>>,
    shapes: Vec<Arc<Shape>>,
    keys: HashMap<ColumnKey, u32>,
    columns: Vec<ColumnReader>,
    /// What the block has left of each column.
    rests: Vec<Range<usize>>,
    shape_rest: Range<usize>,
    thread_rest: Range<usize>,
    time_rest: Range<usize>,
    remaining: usize,
    next_sequence: u64,
    units: i64,
    unit_nanos: i64,
    rings: HashMap<u32, u64>,
}

impl FrameReader {
    /// Begins a frame; takes over the decompressor of one that is done, which is costly to make.
    pub(crate) fn begin(head: &FrameHead, done: Option<Self>) -> Result<Self, Malformed> {
        Ok(Self {
            decompressor: match done {
                Some(done) => done.decompressor.restarted()?,
                None => Decompressor::new()?,
            },
            raw: Vec::new(),
            frame_raw_bytes: 0,
            callsites: Vec::new(),
            threads: Vec::new(),
            spans: Vec::new(),
            shapes: Vec::new(),
            keys: HashMap::new(),
            columns: Vec::new(),
            rests: Vec::new(),
            shape_rest: 0..0,
            thread_rest: 0..0,
            time_rest: 0..0,
            remaining: 0,
            next_sequence: head.first_sequence,
            units: head.base_units,
            unit_nanos: head.unit_nanos,
            rings: HashMap::new(),
        })
    }

    /// Takes the next block; what it says beside records goes to `news`, to be told after them.
    pub(crate) fn block(
        &mut self,
        bytes: &[u8],
        news: &mut Vec<Item>,
        counts: &mut Counts,
    ) -> Result<(), Malformed> {
        let mut raw = std::mem::take(&mut self.raw);
        let result = self.decompressor.block(bytes, &mut raw, BLOCK_RAW_BYTES_MAX);
        self.frame_raw_bytes += raw.len();
        let result = match result {
            Ok(()) if self.frame_raw_bytes > FRAME_RAW_BYTES_MAX => {
                Err(Malformed("a frame within its limit"))
            }
            Ok(()) => self.sections(&raw, news, counts),
            Err(malformed) => Err(malformed),
        };
        self.raw = raw;
        result
    }

    fn sections(&mut self, raw: &[u8], news: &mut Vec<Item>, counts: &mut Counts) -> Result<(), Malformed> {
        self.remaining = 0;
        self.shape_rest = 0..0;
        self.thread_rest = 0..0;
        self.time_rest = 0..0;
        self.rests.fill(0..0);
        let mut cursor = Cursor::new(raw);
        while !cursor.is_empty() {
            let number = cursor.varint()?;
            let bytes = cursor.bytes()?;
            let end = raw.len() - cursor.len();
            let range = end - bytes.len()..end;
            match number {
                section::COUNT => self.remaining = Cursor::new(bytes).bounded(BLOCK_RECORDS_MAX)?,
                section::DEFINITIONS => self.definitions(bytes, counts)?,
                section::SHAPES => self.shape_rest = range,
                section::THREADS => self.thread_rest = range,
                section::TIMES => self.time_rest = range,
                section::RINGS => self.rings(bytes, news)?,
                section::LOSSES => losses(bytes, news)?,
                section::END => news.push(Item::End(header::end(bytes, &mut counts.unknown_fields)?)),
                column if column >= section::FIRST_COLUMN => {
                    let at = usize::try_from(column - section::FIRST_COLUMN).unwrap_or(usize::MAX);
                    *self.rests.get_mut(at).ok_or(Malformed("a column of a known shape"))? = range;
                }
                _ => counts.unknown_sections += 1,
            }
        }
        Ok(())
    }

    fn definitions(&mut self, bytes: &[u8], counts: &mut Counts) -> Result<(), Malformed> {
        let unknown = &mut counts.unknown_fields;
        let mut cursor = Cursor::new(bytes);
        while !cursor.is_empty() {
            let which = cursor.varint()?;
            let bytes = cursor.bytes()?;
            if bytes.len() > DEFINITION_BYTES_MAX + SPAN_DEPTH_MAX {
                return Err(Malformed("a definition within its limit"));
            }
            match which {
                definition::CALLSITE => self.callsites.push(Arc::new(definitions::callsite(bytes, unknown)?)),
                definition::THREAD => self.threads.push(Arc::new(definitions::thread(bytes, unknown)?)),
                definition::SPAN => {
                    let span = self.span(bytes, unknown)?;
                    self.spans.push(Arc::new(span));
                }
                definition::SHAPE => self.shape(bytes, unknown)?,
                _ => counts.unknown_definitions += 1,
            }
        }
        Ok(())
    }

    fn callsite(&self, number: u64) -> Result<Arc<Callsite>, Malformed> {
        find(&self.callsites, number).cloned().ok_or(Malformed("a callsite that is defined"))
    }

    fn span(&self, bytes: &[u8], unknown: &mut u64) -> Result<Span, Malformed> {
        let (mut id, mut callsite, mut parent, mut args) = (0, None, None, Vec::new());
        let mut cursor = Cursor::new(bytes);
        while let Some((which, field)) = cursor.field()? {
            match which {
                span_field::ID => id = field.number()?,
                span_field::CALLSITE => callsite = Some(self.callsite(field.number()?)?),
                span_field::PARENT => {
                    let number = field.number()?;
                    parent = number.checked_sub(1).and_then(|number| find(&self.spans, number)).cloned();
                }
                span_field::ARG if args.len() < ARGS_MAX => {
                    args.push(values::arg(&mut Cursor::new(field.bytes()?))?);
                }
                _ => *unknown += 1,
            }
        }
        let parent = parent.filter(|parent: &Arc<Span>| parent.outwards().count() < SPAN_DEPTH_MAX);
        Ok(Span { id, callsite: callsite.ok_or(Malformed("a span's callsite"))?, args, parent })
    }

    fn shape(&mut self, bytes: &[u8], unknown: &mut u64) -> Result<(), Malformed> {
        let (mut number, mut parts, mut types) = (None, 0, &[][..]);
        let mut cursor = Cursor::new(bytes);
        while let Some((which, field)) = cursor.field()? {
            match which {
                shape_field::CALLSITE => number = Some(field.number()?),
                shape_field::PARTS => parts = field.number()? as u32,
                shape_field::TYPES => types = field.bytes()?,
                _ => *unknown += 1,
            }
        }
        let number = number.ok_or(Malformed("a shape's callsite"))?;
        let callsite = self.callsite(number)?;
        if types.len() > ARGS_MAX || self.shapes.len() >= COLUMNS_MAX {
            return Err(Malformed("a shape within its limits"));
        }
        let mut shape = Shape { callsite, parts: Vec::new(), args: Vec::new() };
        for which in (0..part::BITS).filter(|which| parts >> which & 1 == 1) {
            shape.parts.push((which, self.place(ColumnKey::Part(which))?));
        }
        for (at, &arg_type) in types.iter().enumerate() {
            let place = match arg_type {
                arg_type::NULL => 0,
                _ => self.place(ColumnKey::Arg { callsite: number as u32, at: at as u8, arg_type })?,
            };
            shape.args.push((arg_type, place));
        }
        self.shapes.push(Arc::new(shape));
        Ok(())
    }

    fn place(&mut self, key: ColumnKey) -> Result<u32, Malformed> {
        if let Some(&place) = self.keys.get(&key) {
            return Ok(place);
        }
        if self.columns.len() >= COLUMNS_MAX {
            return Err(Malformed("a frame of fewer columns"));
        }
        let place = self.columns.len() as u32;
        self.columns.push(ColumnReader::default());
        self.rests.push(0..0);
        self.keys.insert(key, place);
        Ok(place)
    }

    fn rings(&mut self, bytes: &[u8], news: &mut Vec<Item>) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(bytes);
        while !cursor.is_empty() {
            let ring = cursor.bounded(RINGS_MAX as usize - 1)? as u32;
            let position = self.rings.entry(ring).or_default();
            *position = position.wrapping_add(cursor.varint()?);
            news.push(Item::Ring(RingPosition { ring, position: *position }));
        }
        Ok(())
    }

    /// The block's next record; `None` after the last.
    pub(crate) fn next(&mut self, counts: &mut Counts) -> Result<Option<ReadRecord>, Malformed> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let raw = std::mem::take(&mut self.raw);
        let record = self.record(&raw, counts);
        self.raw = raw;
        match record {
            Ok(_) => self.remaining -= 1,
            Err(_) => self.remaining = 0,
        }
        record.map(Some)
    }

    fn record(&mut self, raw: &[u8], counts: &mut Counts) -> Result<ReadRecord, Malformed> {
        let number = step(raw, &mut self.shape_rest, Cursor::varint)?;
        let shape = Arc::clone(find(&self.shapes, number).ok_or(Malformed("a shape that is defined"))?);
        let number = step(raw, &mut self.thread_rest, Cursor::varint)?;
        let thread = Arc::clone(find(&self.threads, number).ok_or(Malformed("a thread that is defined"))?);
        let lane = number as usize;
        self.units = self.units.wrapping_add(unzigzag(step(raw, &mut self.time_rest, Cursor::varint)?));
        let mut record = ReadRecord {
            sequence: self.next_sequence,
            time: Timestamp::from_unix_nanos(self.units.saturating_mul(self.unit_nanos)),
            severity: shape.callsite.severity,
            category: None,
            callsite: Arc::clone(&shape.callsite),
            thread,
            args: Vec::with_capacity(shape.args.len()),
            user: None,
            span: None,
            reference_id: None,
            details: None,
            exception: None,
            attributes: Attributes::default(),
        };
        for &(which, place) in &shape.parts {
            self.part(raw, which, place as usize, lane, &mut record, counts)?;
        }
        for &(arg_type, place) in &shape.args {
            let arg = self.arg(raw, arg_type, place as usize, lane, counts)?;
            record.args.push(arg);
        }
        self.next_sequence = self.next_sequence.wrapping_add(1);
        Ok(record)
    }

    fn part(
        &mut self,
        raw: &[u8],
        which: u32,
        place: usize,
        lane: usize,
        record: &mut ReadRecord,
        counts: &mut Counts,
    ) -> Result<(), Malformed> {
        let (column, rest) = (&mut self.columns[place], &mut self.rests[place]);
        let mut text = || step(raw, rest, |cursor| column.text(cursor, lane));
        match which {
            part::SEVERITY => {
                record.severity = definitions::severity(step(raw, rest, Cursor::byte)?.into())?;
            }
            part::CATEGORY => record.category = Some(text()?),
            part::USER_ID => record.user.get_or_insert_with(User::default).id = Some(text()?),
            part::USER_NAME => record.user.get_or_insert_with(User::default).name = Some(text()?),
            part::SPAN => {
                let number = step(raw, rest, |cursor| column.number(cursor, lane))?;
                record.span = find(&self.spans, number as u64).cloned();
            }
            part::REFERENCE_ID => record.reference_id = Some(text()?),
            part::DETAILS_JSON => record.details = Some((DetailsKind::Json, text()?)),
            part::DETAILS_XML => record.details = Some((DetailsKind::Xml, text()?)),
            part::DETAILS_TEXT => record.details = Some((DetailsKind::Text, text()?)),
            part::EXCEPTION => {
                let bytes = step(raw, rest, Cursor::bytes)?;
                record.exception = Some(values::exception(bytes, &mut counts.unknown_fields)?);
            }
            part::ATTRIBUTES => record.attributes = values::attributes(step(raw, rest, Cursor::bytes)?)?,
            _ => counts.unknown_parts += 1,
        }
        Ok(())
    }

    fn arg(
        &mut self,
        raw: &[u8],
        arg_type: u8,
        place: usize,
        lane: usize,
        counts: &mut Counts,
    ) -> Result<ArgValue, Malformed> {
        if arg_type == arg_type::NULL {
            return Ok(ArgValue::Null);
        }
        let (column, rest) = (&mut self.columns[place], &mut self.rests[place]);
        Ok(match arg_type {
            arg_type::BOOL => ArgValue::Bool(step(raw, rest, Cursor::byte)? != 0),
            arg_type::I64 => ArgValue::I64(step(raw, rest, |cursor| column.number(cursor, lane))?),
            arg_type::U64 => ArgValue::U64(step(raw, rest, |cursor| column.number(cursor, lane))? as u64),
            arg_type::F64 => ArgValue::F64(step(raw, rest, |cursor| column.float(cursor, lane))?),
            arg_type::TEXT => ArgValue::Text(step(raw, rest, |cursor| column.text(cursor, lane))?),
            arg_type::VALUE => {
                let bytes = step(raw, rest, Cursor::bytes)?;
                ArgValue::Value(values::value(&mut Cursor::new(bytes), DEPTH_MAX)?)
            }
            _ => {
                counts.unknown_parts += 1;
                ArgValue::Null
            }
        })
    }
}

fn find<T>(list: &[T], number: u64) -> Option<&T> {
    usize::try_from(number).ok().and_then(|at| list.get(at))
}

/// Reads at the beginning of a range and moves it.
#[inline]
fn step<'a, T>(
    raw: &'a [u8],
    rest: &mut Range<usize>,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut cursor = Cursor::new(&raw[rest.clone()]);
    let value = read(&mut cursor)?;
    rest.start = rest.end - cursor.len();
    Ok(value)
}

fn losses(bytes: &[u8], news: &mut Vec<Item>) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let reason = wire::text(cursor.bytes()?)?.to_owned();
        news.push(Item::Loss { reason, total: cursor.varint()? });
    }
    Ok(())
}
