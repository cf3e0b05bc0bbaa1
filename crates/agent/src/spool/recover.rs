//! Reading back what a process left that is gone.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use kymo_model::Timestamp;

use super::dictionary::{self, Entry};
use super::disk;
use super::header::{Header, State};
use super::{RINGS, RINGS_AT, spill};
use crate::clock::Timeline;
use crate::outcome::DropCounts;
use crate::ring::{Reader, Ring};
use crate::sink::{FrameSink, Position, RingId};
use crate::spool::collect::{Collector, Context, Feed};

/// A dictionary is never longer; what a damaged file claims is not believed.
const DICTIONARY_BYTES_MAX: u64 = 17 << 20;

/// Why a spool could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Its process is alive: it holds the lock.
    InUse,
    /// It is not a spool, or its first page is damaged.
    NotASpool,
    /// The disk said no.
    Io(io::Error),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse => f.write_str("the process that writes this spool is alive"),
            Self::NotASpool => f.write_str("expected a spool with a whole first page"),
            Self::Io(error) => write!(f, "cannot read the spool: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::InUse | Self::NotASpool => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the session's file holds already, from its last whole frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Framed {
    /// Of each ring, the newest position that any frame carries.
    pub positions: Vec<Position>,
    /// The sequence after the last framed record's; 0 if no frame was found, and then the spool's own is used.
    pub next_sequence: u64,
}

/// What recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecoveryReport {
    /// Records handed to the sink.
    pub records: u64,
    /// Places where no whole record lay.
    pub damaged_places: u64,
    /// The sequence after the last record's.
    pub next_sequence: u64,
    /// What the process had dropped itself, by its last word.
    pub dropped: DropCounts,
}

/// A spool whose process is gone. Locked while this lives, so two recoveries do not meet.
#[derive(Debug)]
pub(crate) struct DeadSpool {
    path: PathBuf,
    file: File,
    _lock: File,
    header: Header,
    state: State,
    panicked: bool,
}

impl DeadSpool {
    /// Opens and locks the spool at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let lock = File::options().read(true).write(true).open(path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let file = File::options().read(true).write(true).open(path)?;
        let mut page = vec![0; RINGS_AT as usize];
        disk::read_at(&file, &mut page, 0)?;
        let header = Header::read(&page).ok_or(OpenError::NotASpool)?;
        // Without a state nothing was framed yet, or both slots are lost: then everything that is there is read.
        let state = State::read(&page).unwrap_or(State { next_sequence: 1, ..State::default() });
        let panicked = super::header::read_panic(&page);
        Ok(Self { path: path.to_owned(), file, _lock: lock, header, state, panicked })
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.header.pid
    }

    /// When it began, by its wall clock.
    pub(crate) fn started(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.header.started_ns)
    }

    /// Whether the machine was started anew since: then the process may have ended with the power.
    pub(crate) fn is_of_earlier_boot(&self) -> bool {
        self.header.boot_id != super::header::boot_id()
    }

    /// Nobody can say which boot it was of: the system does not tell.
    pub(crate) fn is_of_unknown_boot(&self) -> bool {
        self.header.boot_id == 0 || super::header::boot_id() == 0
    }

    /// The program panicked, and nothing was heard of it a second later.
    pub(crate) fn panicked(&self) -> bool {
        self.panicked
    }

    /// Hands every record to the sink that is whole and not framed yet, in order, with all callsites and threads in
    /// the first batch. Memory is bounded by the rings and one batch. After an error it can be done again with what
    /// the sink has then.
    pub(crate) fn recover(&self, framed: &Framed, sink: &mut dyn FrameSink) -> io::Result<RecoveryReport> {
        let rings = self.read_rings()?;
        let rings: Vec<Ring<'_, AtomicU64>> =
            rings.iter().map(|slots| Ring::new(slots, self.header.salt)).collect();
        let spilled = File::open(spill::path_of(&self.path));
        let spilled = match &spilled {
            Ok(file) => Some((file, file.metadata()?.len())),
            Err(_) => None,
        };
        let feed = Feed { rings, spill: spilled };
        let (mut tails, mut spill_tail) = (self.state.tails, self.state.spill_tail);
        for position in &framed.positions {
            match position.ring {
                RingId::SPILL => spill_tail = spill_tail.max(position.end),
                RingId(ring) => {
                    if let Some(tail) = tails.get_mut(usize::from(ring)) {
                        *tail = position.end.max(*tail);
                    }
                }
            }
        }
        let timeline = Timeline::between(self.state.readings[0], self.state.readings[1]);
        let mut context = self.context(framed)?;
        let first = context.next_sequence;
        let mut collector = Collector::new(tails, spill_tail, self.header.salt);
        loop {
            let more = collector.collect(&feed, &timeline, i64::MAX)?;
            collector.deliver(sink, &timeline, &mut context, |_, _| {})?;
            if !more {
                break;
            }
        }
        Ok(RecoveryReport {
            records: context.next_sequence - first,
            damaged_places: collector.damaged_places + torn(&feed.rings, &collector.tails),
            next_sequence: context.next_sequence,
            dropped: self.state.dropped,
        })
    }

    /// Removes the spool's files: what was in them is framed.
    pub(crate) fn remove(self) -> io::Result<()> {
        match std::fs::remove_file(spill::path_of(&self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::remove_file(&self.path)
    }

    fn read_rings(&self) -> io::Result<Vec<Vec<AtomicU64>>> {
        let (count, bytes) = ((self.header.rings as usize).min(RINGS), self.header.ring_bytes as usize);
        let mut buffer = vec![0; bytes];
        (0..count)
            .map(|ring| {
                // Behind the file's end there is nothing: zeros.
                buffer.fill(0);
                disk::read_at(&self.file, &mut buffer, RINGS_AT + (ring * bytes) as u64)?;
                let (words, _) = buffer.as_chunks::<8>();
                Ok(words.iter().map(|word| AtomicU64::new(u64::from_ne_bytes(*word))).collect())
            })
            .collect()
    }

    fn context(&self, framed: &Framed) -> io::Result<Context> {
        let at = self.header.dictionary_at();
        let length = self.file.metadata()?.len().saturating_sub(at).min(DICTIONARY_BYTES_MAX);
        let mut bytes = vec![0; length as usize];
        let read = disk::read_at(&self.file, &mut bytes, at)?;
        let next_sequence = framed.next_sequence.max(self.state.next_sequence);
        let mut context = Context { next_sequence, dropped: self.state.dropped, ..Context::default() };
        for entry in dictionary::read(&bytes[..read], at, self.header.salt) {
            match entry {
                Entry::Callsite(callsite) => context.callsites.push(callsite),
                Entry::Thread(thread) => context.threads.push(thread),
            }
        }
        Ok(context)
    }
}

/// Rings whose last record is not whole.
fn torn(rings: &[Ring<'_, AtomicU64>], tails: &[u64; RINGS]) -> u64 {
    rings.iter().zip(tails).filter(|(ring, tail)| Reader::at(**tail).is_torn(**ring)).count() as u64
}
