//! Where records go: batches of them, in the order of their time, to whoever frames and writes them.

use std::borrow::Cow;
use std::io;

use kymo_format::Metric;
use kymo_model::{Severity, Timestamp};

use crate::callsite::Callsite;
use crate::outcome::DropCounts;
use crate::record::{Parsed, Values};

mod plain;

pub use plain::{PlainFrame, PlainFrames, PlainRecord};

/// Frames batches and writes them.
///
/// The drainer calls it from its own thread. What it returned `Ok` for is given up in the spool, so the frame has to
/// be with the operating system by then (`write(2)`, no buffer in between). After an error the same records come
/// again, at the next flush at the latest; until then they stay in the spool.
pub trait FrameSink: Send {
    /// Writes the batch as one frame or more. The last of them says [`Batch::positions`]: from these recovery knows
    /// what is framed, should the process die before the spool does.
    fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()>;

    /// Everything that was recorded by now is written, or there was nothing.
    fn flushed(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing follows: the recorder was stopped and everything is written. After an error the spool stays.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A place of the program that records, as the session file's dictionary has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallsiteInfo {
    /// From 1; the same for the life of a process.
    pub id: u32,
    /// How bad its messages are.
    pub severity: Severity,
    /// The text with `{name}` where values go.
    pub template: Cow<'static, str>,
    /// The names of its values in order; empty ones belong to `{}`.
    pub names: Vec<Cow<'static, str>>,
    /// The source file.
    pub file: Cow<'static, str>,
    /// The line, from 1.
    pub line: u32,
    /// The module's path.
    pub module: Cow<'static, str>,
    /// Of what sort its records are.
    pub kind: Cow<'static, str>,
    /// Where they belong, unless to the module.
    pub category: Option<Cow<'static, str>>,
    /// What they measure.
    pub metric: Option<Metric>,
}

impl CallsiteInfo {
    pub(crate) fn of(callsite: &Callsite, id: u32) -> Self {
        Self {
            id,
            severity: callsite.severity,
            template: callsite.template.into(),
            names: callsite.names.iter().map(|&name| name.into()).collect(),
            file: callsite.file.into(),
            line: callsite.line,
            module: callsite.module.into(),
            kind: callsite.kind.into(),
            category: callsite.category.map(Into::into),
            metric: callsite.metric.cloned(),
        }
    }
}

/// A thread that recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadInfo {
    /// Our number for it, from 1, by the order in which threads recorded first. 0 stands for threads that were ending.
    pub number: u32,
    /// The system's id for it, 0 where there is none.
    pub os_id: u64,
    /// Its name.
    pub name: Option<String>,
}

/// What a record was taken out of: a ring by its number, or the spill file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(pub u8);

impl RingId {
    /// The file of records that went by `write(2)`.
    pub const SPILL: Self = Self(u8::MAX);
}

/// Up to where a ring is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which.
    pub ring: RingId,
    /// Words of eight bytes (in the spill file: bytes) since the spool was made; all before is framed.
    pub end: u64,
}

/// A record on its way: where its payload lies, and where it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) monotonic_ns: i64,
    pub(crate) thread: u32,
    pub(crate) source: RingId,
    /// No message: it has no sequence.
    pub(crate) is_control: bool,
    pub(crate) start: u32,
    pub(crate) words: u32,
    pub(crate) end: u64,
}

/// Records in the order of their time, those of equal time by thread.
///
/// Within a thread the order is that of its calls. Between threads it is exact up to a call that was interrupted
/// between taking its time and being recorded; it then comes in a later batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The first record's sequence; the others follow without a gap.
    pub first_sequence: u64,
    /// Callsites that were not in a batch before; every record's is in this batch or in one before.
    pub callsites: &'a [CallsiteInfo],
    /// Threads that were not in a batch before.
    pub threads: &'a [ThreadInfo],
    /// Where this batch ends in each ring it took from.
    pub positions: &'a [Position],
    /// What was dropped so far.
    pub dropped: DropCounts,
    pub(crate) items: &'a [Item],
    pub(crate) words: &'a [u64],
    pub(crate) wall_offset_ns: i64,
}

impl<'a> Batch<'a> {
    /// How many records.
    pub fn len(&self) -> usize {
        self.items.iter().filter(|item| !item.is_control).count()
    }

    /// There are none; callsites, threads, spans or drops may be.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        self.all().filter(|record| !record.payload.is_control())
    }

    /// The records, and between them what closes spans, whose sequence is that of the next record.
    pub(crate) fn all(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        let mut next_sequence = self.first_sequence;
        self.items.iter().filter_map(move |item| {
            let payload = self.words.get(item.start as usize..)?.get(..item.words as usize)?;
            let sequence = next_sequence;
            next_sequence += u64::from(!item.is_control);
            Some(Record {
                sequence,
                time: Timestamp::from_unix_nanos(item.monotonic_ns.saturating_add(self.wall_offset_ns)),
                payload: Parsed::check(payload)?,
            })
        })
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its place in the session, from 1.
    pub sequence: u64,
    /// When the call was made, by the wall clock.
    pub time: Timestamp,
    payload: Parsed<'a>,
}

impl<'a> Record<'a> {
    /// The id of its [`CallsiteInfo`].
    pub fn callsite(&self) -> u32 {
        self.payload.callsite()
    }

    /// It closes a span.
    pub(crate) fn is_control(&self) -> bool {
        self.payload.is_control()
    }

    /// The number of its [`ThreadInfo`].
    pub fn thread(&self) -> u32 {
        self.payload.thread()
    }

    /// Its values, in the order of the callsite's names.
    pub fn values(&self) -> Values<'a> {
        self.payload.values()
    }
}
