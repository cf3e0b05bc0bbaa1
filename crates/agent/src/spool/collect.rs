//! Taking records out of rings and spill file in the order of their time, and handing them to the sink in batches.
//! The drainer does it with a living spool, recovery with a dead one.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

use super::RINGS;
use super::spill::SpillReader;
use crate::clock::Timeline;
use crate::outcome::{DropCounts, DropReason};
use crate::record::Parsed;
use crate::ring::{Found, Reader, Ring};
use crate::sink::{Batch, CallsiteInfo, FrameSink, Item, Position, RingId, ThreadInfo};

/// Records taken from one ring in one go: about half a ring, so that it is given back before it is full. With all
/// rings busy some 35,000 records of 72 bytes and 40 for each item, 4 MB for a moment; of one ring 0.2 MB.
const RECORDS_OF_RING_MAX: usize = 2048;
/// Words taken from one source in one go, unless a single record has more: half a ring of default size.
const WORDS_OF_RING_MAX: usize = 16 * 1024;
/// Records of a batch: some 300 KB before compression, which bounds a frame.
const BATCH_RECORDS_MAX: usize = 4096;
/// What is kept of the buffers between passes.
const KEPT_WORDS: usize = 16 * 1024;

/// What to take from.
pub(crate) struct Feed<'a> {
    pub(crate) rings: Vec<Ring<'a, AtomicU64>>,
    /// The file and how far it is written.
    pub(crate) spill: Option<(&'a File, u64)>,
}

/// What the batches carry besides records.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) next_sequence: u64,
    /// Not yet with the sink.
    pub(crate) callsites: Vec<CallsiteInfo>,
    pub(crate) threads: Vec<ThreadInfo>,
    pub(crate) dropped: DropCounts,
}

#[derive(Debug)]
pub(crate) struct Collector {
    items: Vec<Item>,
    words: Vec<u64>,
    /// Where each ring is framed to, in words.
    pub(crate) tails: [u64; RINGS],
    /// The spill file, in bytes.
    pub(crate) spill_tail: u64,
    spill: SpillReader,
    /// The time of the last framed record of each source; the spill file's is the last.
    last_ns: [i64; RINGS + 1],
    /// Places where no whole record lay, in what was framed.
    pub(crate) damaged_places: u64,
    /// What the sink knows to be dropped.
    dropped_told: DropCounts,
}

/// The slot of a source in arrays that have the spill file last.
fn slot(source: RingId) -> usize {
    usize::from(source.0).min(RINGS)
}

impl Collector {
    pub(crate) fn new(tails: [u64; RINGS], spill_tail: u64, salt: u32) -> Self {
        Self {
            items: Vec::new(),
            words: Vec::new(),
            tails,
            spill_tail,
            spill: SpillReader::at(spill_tail, salt),
            last_ns: [i64::MIN; RINGS + 1],
            damaged_places: 0,
            dropped_told: DropCounts::default(),
        }
    }

    /// Takes what is committed up to `horizon_ns` of the monotonic clock, of each source at most so much. True if
    /// there is more.
    ///
    /// A source that was cut short ends the pass for all at its last time, so that what follows in it does not come
    /// after what others recorded later.
    pub(crate) fn collect(
        &mut self,
        feed: &Feed<'_>,
        timeline: &Timeline,
        horizon_ns: i64,
    ) -> io::Result<bool> {
        self.items.clear();
        self.words.clear();
        let mut cut_ns = i64::MAX;
        for (number, ring) in feed.rings.iter().enumerate() {
            let mut reader = Reader::at(self.tails[number]);
            let source = RingId(number as u8);
            let ended = self.take(source, timeline, horizon_ns, |words| {
                let found = reader.read(*ring, words) == Found::Record;
                Ok(found.then_some(reader.next))
            })?;
            self.damaged_places += u64::from(reader.damaged_words > 0);
            cut_ns = cut_ns.min(ended.unwrap_or(i64::MAX));
        }
        if let Some((file, written)) = feed.spill {
            let mut reader = std::mem::replace(&mut self.spill, SpillReader::at(0, 0));
            reader.next = self.spill_tail;
            let ended = self.take(RingId::SPILL, timeline, horizon_ns, |words| {
                let found = reader.read(file, written, words)?;
                Ok(found.then_some(reader.next))
            });
            self.damaged_places += u64::from(std::mem::take(&mut reader.is_damaged));
            self.spill = reader;
            cut_ns = cut_ns.min(ended?.unwrap_or(i64::MAX));
        }
        // Runs that are in order each: the sort merges them.
        self.items.sort_by_key(|item| (item.monotonic_ns, item.thread));
        let taken = self.items.partition_point(|item| item.monotonic_ns <= cut_ns);
        self.items.truncate(taken);
        Ok(cut_ns < i64::MAX)
    }

    /// Takes from one source; the last time if it was cut short.
    fn take(
        &mut self,
        source: RingId,
        timeline: &Timeline,
        horizon_ns: i64,
        mut read: impl FnMut(&mut Vec<u64>) -> io::Result<Option<u64>>,
    ) -> io::Result<Option<i64>> {
        let mut last_ns = self.last_ns[slot(source)];
        let (first, words_end) = (self.items.len(), self.words.len() + WORDS_OF_RING_MAX);
        loop {
            if self.items.len() - first >= RECORDS_OF_RING_MAX || self.words.len() >= words_end {
                return Ok(Some(last_ns));
            }
            let start = self.words.len();
            let Some(end) = read(&mut self.words)? else { return Ok(None) };
            let Some(parsed) = Parsed::check(&self.words[start..]) else {
                self.damaged_places += 1;
                self.words.truncate(start);
                continue;
            };
            let (stamped_ns, thread) = (timeline.monotonic_ns(parsed.stamp()), parsed.thread());
            if stamped_ns > horizon_ns {
                self.words.truncate(start);
                return Ok(None);
            }
            // A source is in order by itself, and strictly, so that sorting never lets two of it change places.
            let monotonic_ns = stamped_ns.max(last_ns.saturating_add(1));
            last_ns = monotonic_ns;
            let words = (self.words.len() - start) as u32;
            let is_control = parsed.is_control();
            self.items.push(Item {
                monotonic_ns,
                thread,
                source,
                is_control,
                start: start as u32,
                words,
                end,
            });
        }
    }

    /// Hands what was collected to the sink. After each batch that it wrote, `written` may make that last and give
    /// the room back.
    pub(crate) fn deliver(
        &mut self,
        sink: &mut dyn FrameSink,
        timeline: &Timeline,
        context: &mut Context,
        mut written: impl FnMut(&Self, &Context),
    ) -> io::Result<()> {
        let items = std::mem::take(&mut self.items);
        let mut result = Ok(());
        // What was dropped is told also when nothing was recorded; but not what telling it drops.
        let of_others = |dropped: &DropCounts| dropped.total() - dropped.of(DropReason::Reentrant);
        let only_dropped = items.is_empty() && of_others(&context.dropped) != of_others(&self.dropped_told);
        let empty = only_dropped.then_some(&items[..]);
        for items in items.chunks(BATCH_RECORDS_MAX).chain(empty) {
            let positions = positions(items);
            let batch = Batch {
                first_sequence: context.next_sequence,
                callsites: &context.callsites,
                threads: &context.threads,
                positions: &positions,
                dropped: context.dropped,
                items,
                words: &self.words,
                wall_offset_ns: timeline.wall_ns(0),
            };
            let records = batch.len() as u64;
            result = sink.write_batch(&batch);
            if result.is_err() {
                break;
            }
            self.dropped_told = context.dropped;
            context.callsites.clear();
            context.threads.clear();
            context.next_sequence += records;
            self.move_on(items);
            written(self, context);
        }
        self.items = items;
        self.items.clear();
        self.items.shrink_to(RECORDS_OF_RING_MAX);
        self.words.clear();
        self.words.shrink_to(KEPT_WORDS);
        result
    }

    fn move_on(&mut self, items: &[Item]) {
        for item in items {
            self.last_ns[slot(item.source)] = item.monotonic_ns;
            match item.source {
                RingId::SPILL => self.spill_tail = item.end,
                RingId(ring) => self.tails[usize::from(ring)] = item.end,
            }
        }
    }
}

fn positions(items: &[Item]) -> Vec<Position> {
    let mut ends = [0; RINGS + 1];
    for item in items {
        ends[slot(item.source)] = item.end;
    }
    let ring = |slot: usize| if slot == RINGS { RingId::SPILL } else { RingId(slot as u8) };
    (0..=RINGS)
        .filter(|&slot| ends[slot] > 0)
        .map(|slot| Position { ring: ring(slot), end: ends[slot] })
        .collect()
}
