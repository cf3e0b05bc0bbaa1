//! The frame that is being written: its dictionary, its columns and the block that fills.
//!
//! ```text
//! record -> shape (callsite, parts, types of arguments) -> which columns get a value
//! block  =  sections: counts, definitions, shapes, threads, times, one for each column that has values
//! ```

use std::collections::HashMap;
use std::ops::Range;

use crate::column::ColumnWriter;
use crate::definitions::definition;
use crate::limits::COLUMNS_MAX;
use crate::record::{arg_type, part};
use crate::wire::{put_bytes, put_bytes_field, put_number_field, put_varint};

/// Sections of a block; columns follow from [`section::FIRST_COLUMN`] on.
pub(crate) mod section {
    /// How many records.
    pub(crate) const COUNT: u64 = 1;
    pub(crate) const DEFINITIONS: u64 = 2;
    /// The shape of each record.
    pub(crate) const SHAPES: u64 = 3;
    /// The thread of each record.
    pub(crate) const THREADS: u64 = 4;
    /// The time of each record.
    pub(crate) const TIMES: u64 = 5;
    /// Positions in rings after this block.
    pub(crate) const RINGS: u64 = 6;
    /// What was dropped so far, by reason.
    pub(crate) const LOSSES: u64 = 7;
    pub(crate) const END: u64 = 8;
    pub(crate) const FIRST_COLUMN: u64 = 16;
}

/// Fields of a shape.
pub(crate) mod shape_field {
    pub(crate) const CALLSITE: u64 = 1;
    pub(crate) const PARTS: u64 = 2;
    pub(crate) const TYPES: u64 = 3;
}

/// What a column of a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ColumnKey {
    /// A part of records, whatever their callsite.
    Part(u32),
    /// An argument of a callsite, of one type.
    Arg { callsite: u32, at: u8, arg_type: u8 },
}

/// Types of a record's arguments, three bits each, the last one lowest, after a 1.
pub(crate) type Signature = u128;
/// Bits of a type in a [`Signature`].
pub(crate) const TYPE_BITS: u32 = 3;

/// What decides which columns a record has values for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShapeKey {
    pub(crate) callsite: u32,
    pub(crate) parts: u32,
    pub(crate) types: Signature,
}

/// Columns of a shape, in the order of parts and arguments; those without one (null) are left out.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    pub(crate) shapes: Vec<u8>,
    pub(crate) threads: Vec<u8>,
    pub(crate) times: Vec<u8>,
    pub(crate) definitions: Vec<u8>,
    pub(crate) columns: Vec<ColumnWriter>,
    columns_used: usize,
    keys: HashMap<ColumnKey, u32>,
    shape_keys: HashMap<ShapeKey, u32>,
    shape_columns: Vec<Range<u32>>,
    places: Vec<u32>,
    pub(crate) callsites: u32,
    pub(crate) threads_defined: u32,
    pub(crate) spans: u32,
}

impl FrameWriter {
    pub(crate) fn new() -> Self {
        Self {
            shapes: Vec::new(),
            threads: Vec::new(),
            times: Vec::new(),
            definitions: Vec::new(),
            columns: Vec::new(),
            columns_used: 0,
            keys: HashMap::new(),
            shape_keys: HashMap::new(),
            shape_columns: Vec::new(),
            places: Vec::new(),
            callsites: 0,
            threads_defined: 0,
            spans: 0,
        }
    }

    /// Empty, with the memory it has.
    pub(crate) fn restart(&mut self) {
        self.clear_block();
        for column in &mut self.columns[..self.columns_used] {
            column.restart();
        }
        self.columns_used = 0;
        self.keys.clear();
        self.shape_keys.clear();
        self.shape_columns.clear();
        self.places.clear();
        self.callsites = 0;
        self.threads_defined = 0;
        self.spans = 0;
    }

    /// Whether another shape of so many arguments may need more columns than a frame has.
    pub(crate) fn is_full(&self, args: usize) -> bool {
        let parts = part::BITS as usize;
        self.columns_used + parts + args > COLUMNS_MAX || self.shape_columns.len() >= COLUMNS_MAX
    }

    /// Appends a definition and returns how many bytes that took.
    pub(crate) fn define(&mut self, which: u64, bytes: &[u8]) {
        put_varint(&mut self.definitions, which);
        put_bytes(&mut self.definitions, bytes);
    }

    /// The shape's number in this frame, defined if it is new.
    pub(crate) fn shape(&mut self, key: ShapeKey) -> u32 {
        if let Some(&known) = self.shape_keys.get(&key) {
            return known;
        }
        let args = (Signature::BITS - 1 - key.types.leading_zeros()) / TYPE_BITS;
        let types: Vec<u8> = (0..args)
            .rev()
            .map(|at| (key.types >> (at * TYPE_BITS)) as u8 & ((1 << TYPE_BITS) - 1))
            .collect();
        let start = self.places.len() as u32;
        for which in (0..part::BITS).filter(|which| key.parts >> which & 1 == 1) {
            self.place(ColumnKey::Part(which));
        }
        for (at, &arg_type) in types.iter().enumerate() {
            if arg_type != arg_type::NULL {
                self.place(ColumnKey::Arg { callsite: key.callsite, at: at as u8, arg_type });
            }
        }
        let mut fields = Vec::new();
        put_number_field(&mut fields, shape_field::CALLSITE, key.callsite.into());
        if key.parts != 0 {
            put_number_field(&mut fields, shape_field::PARTS, key.parts.into());
        }
        put_bytes_field(&mut fields, shape_field::TYPES, &types);
        self.define(definition::SHAPE, &fields);
        let shape = self.shape_columns.len() as u32;
        self.shape_columns.push(start..self.places.len() as u32);
        self.shape_keys.insert(key, shape);
        shape
    }

    fn place(&mut self, key: ColumnKey) {
        let next = self.columns_used as u32;
        let place = *self.keys.entry(key).or_insert(next);
        if place == next {
            self.columns_used += 1;
            if self.columns.len() < self.columns_used {
                self.columns.push(ColumnWriter::new());
            }
        }
        self.places.push(place);
    }

    /// Places of the columns of a shape, and the columns.
    #[inline]
    pub(crate) fn columns_of(&mut self, shape: u32) -> (&[u32], &mut [ColumnWriter]) {
        let range = &self.shape_columns[shape as usize];
        (&self.places[range.start as usize..range.end as usize], &mut self.columns)
    }

    /// Appends the sections of everything since the last block, and forgets it.
    pub(crate) fn take_block(&mut self, raw: &mut Vec<u8>) {
        put_section(raw, section::DEFINITIONS, &self.definitions);
        put_section(raw, section::SHAPES, &self.shapes);
        put_section(raw, section::THREADS, &self.threads);
        put_section(raw, section::TIMES, &self.times);
        for (at, column) in self.columns[..self.columns_used].iter().enumerate() {
            put_section(raw, section::FIRST_COLUMN + at as u64, &column.bytes);
        }
        self.clear_block();
    }

    fn clear_block(&mut self) {
        self.definitions.clear();
        self.shapes.clear();
        self.threads.clear();
        self.times.clear();
        for column in &mut self.columns[..self.columns_used] {
            column.bytes.clear();
        }
    }

    /// Bytes allocated for blocks.
    pub(crate) fn capacity(&self) -> usize {
        self.columns.iter().map(ColumnWriter::capacity).sum::<usize>() + self.definitions.capacity()
    }

    /// Gives the columns' memory back; the frame has to be restarted before.
    pub(crate) fn shrink(&mut self) {
        self.columns = Vec::new();
        self.definitions = Vec::new();
    }
}

/// Appends a section, unless it is empty.
pub(crate) fn put_section(raw: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_varint(raw, number);
        put_bytes(raw, bytes);
    }
}
