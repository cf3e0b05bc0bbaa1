//! What processes left that are gone: their last messages out of the spool into the session's file, and how they ended.
//!
//! | evidence | end |
//! |---|---|
//! | the file says how it ended, or the summary, where the disk refused the file | that |
//! | a panic less than a second before the last sign of life | `crashed` |
//! | the machine was started anew since | `lost_power` |
//! | a spool that nobody holds | `killed` |
//! | no spool, and nobody holds the file | `unknown` |
//!
//! The spool's lock says that the process is gone, and keeps two recoveries apart. What was recovered carries its ring
//! positions, so that a recovery that is itself killed is gone on with.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kymo_format::{End, Header, Item, Reader, RingPosition, Span};
use kymo_model::{Attributes, EndReason, SessionId, SessionKind, Timestamp};

use super::names::FileName;
use super::{Summary, fragments};
use crate::session::file::{Place, Rolling, SessionFile};
use crate::session::progress::{Progress, Tally};
use crate::sink::{Position, RingId};
use crate::spool::{DeadSpool, Framed, OpenError, RecoveryReport};

/// Read of a file at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Spans of the file's end that records in the spool may refer to.
const SPANS_MAX: usize = 1024;

/// A session that was recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Which.
    pub session: SessionId,
    /// How it ended.
    pub reason: EndReason,
    /// Messages that were in its spool only.
    pub records: u64,
    /// Places of the spool where no whole message lay.
    pub damaged_places: u64,
}

/// Recovers all sessions of an application's folder whose process is gone; those of living ones are left alone. What
/// could not be recovered is there for the next time, and told with the file's name.
///
/// Reads and writes files; takes some milliseconds for each session, and up to a second for a spool of 100 MB.
pub fn recover(folder: &Path) -> io::Result<(Vec<Recovered>, Vec<String>)> {
    recover_until(folder, &|| false)
}

/// The same until it is to stop; but one session in any case, so that programs that run for moments only get through
/// them, too.
pub(crate) fn recover_until(
    folder: &Path,
    stops: &dyn Fn() -> bool,
) -> io::Result<(Vec<Recovered>, Vec<String>)> {
    let mut stems = BTreeSet::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(stem) = FileName::of(name)
            // A file alone may be a copy that somebody was given: it stays as it is.
            && [".spool", ".session"].iter().any(|ending| name.ends_with(ending))
        {
            stems.insert(stem);
        }
    }
    let (mut recovered, mut failed) = (Vec::new(), Vec::new());
    for stem in stems {
        match recover_one(folder, &stem) {
            Ok(one) => recovered.extend(one),
            Err(error) => failed.push(format!("{}: {error}", folder.join(stem.spool()).display())),
        }
        if !recovered.is_empty() && stops() {
            break;
        }
    }
    Ok((recovered, failed))
}

/// [`recover`] for a whole repository, or any folder of it: every folder with sessions in it, as deep as a repository
/// goes. Of a file, the folder it is in.
pub fn recover_below(path: &Path) -> io::Result<(Vec<Recovered>, Vec<String>)> {
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let (mut recovered, mut failed) = (Vec::new(), Vec::new());
    for folder in super::folders(root)? {
        match recover(&folder) {
            Ok((mut more, mut problems)) => {
                recovered.append(&mut more);
                failed.append(&mut problems);
            }
            Err(error) => failed.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok((recovered, failed))
}

fn recover_one(folder: &Path, stem: &FileName) -> io::Result<Option<Recovered>> {
    let spool = folder.join(stem.spool());
    let has_ended = || Summary::read(&folder.join(stem.summary())).is_ok_and(|summary| !summary.is_running());
    if !spool.exists() && has_ended() {
        return Ok(None);
    }
    // The file first: a process that is just starting has it before its spool, and lets go of it only after.
    let fragments = fragments(folder, stem)?;
    let last = fragments.last().map(|(_, path)| path.clone());
    let _held = match hold(last.as_deref())? {
        Hold::Ours(held) => held,
        Hold::Taken => return Ok(None),
    };
    let dead = match DeadSpool::open(&spool) {
        Ok(dead) => Some(dead),
        Err(OpenError::InUse) => return Ok(None),
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
        // Nothing can be read out of it, and it would be tried for ever.
        Err(OpenError::NotASpool) => {
            std::fs::rename(&spool, spool.with_extension("damaged"))?;
            None
        }
        Err(OpenError::Io(error)) => return Err(error),
    };
    if dead.is_none() {
        let has_rolled = self::fragments(folder, stem)?.last().map(|(_, path)| path) != last.as_ref();
        if has_rolled || has_ended() {
            return Ok(None);
        }
    }
    let (last, found) = last_written(fragments)?;
    let said = || Summary::read(&folder.join(stem.summary())).ok()?.end_reason();
    let reason = found.end.as_ref().map(|end| end.reason).or_else(said);
    let reason = reason.unwrap_or_else(|| evidence(dead.as_ref()));
    let report = write(folder, stem, last.as_deref(), &found, dead.as_ref(), reason)?;
    remove_unfinished(folder, stem, last.as_deref());
    if let Some(dead) = dead {
        dead.remove()?;
    }
    Ok(report)
}

/// What the process was just making when it ended; pruning finds it, too, after a day.
fn remove_unfinished(folder: &Path, stem: &FileName, last: Option<&Path>) {
    let number = last.and_then(|path| FileName::number_of(path.file_name()?.to_str()?)).unwrap_or(0);
    for (name, ending) in [
        (stem.fragment(number + 1), "kymo-new"),
        (stem.spool(), "spool-new"),
        (stem.summary(), "session-new"),
    ] {
        let _ = std::fs::remove_file(folder.join(name).with_extension(ending));
    }
}

/// The lock of a session's last fragment.
enum Hold {
    /// Held as long as this lives; without a fragment there is nothing to hold.
    Ours(Option<File>),
    /// Its process has it.
    Taken,
}

fn hold(path: Option<&Path>) -> io::Result<Hold> {
    let Some(path) = path else { return Ok(Hold::Ours(None)) };
    let file = File::options().read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Hold::Ours(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(Hold::Taken),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The newest fragment that says anything, and what it and those before it say of how far the session is framed. One
/// that is empty was made by a process that came no further; it goes.
fn last_written(mut fragments: Vec<(u64, PathBuf)>) -> io::Result<(Option<PathBuf>, Found)> {
    while let Some((_, path)) = fragments.pop() {
        let mut found = Found::read(&path)?;
        if found.header.is_none() && found.read.next_sequence == 0 {
            std::fs::remove_file(&path)?;
            continue;
        }
        // A fragment that was just begun has no positions yet: they are in the one before.
        while found.positions.is_empty()
            && let Some((_, path)) = fragments.pop()
        {
            found.goes_on_from(Found::read(&path)?);
        }
        return Ok((Some(path), found));
    }
    Ok((None, Found::default()))
}

fn evidence(dead: Option<&DeadSpool>) -> EndReason {
    match dead {
        None => EndReason::Unknown,
        Some(dead) if dead.panicked() => EndReason::Crashed,
        Some(dead) if dead.is_of_unknown_boot() => EndReason::Unknown,
        Some(dead) if dead.is_of_earlier_boot() => EndReason::LostPower,
        Some(_) => EndReason::Killed,
    }
}

/// Appends what the spool has and the end, unless the file has its end; then says so in the summary.
fn write(
    folder: &Path,
    stem: &FileName,
    last: Option<&Path>,
    found: &Found,
    dead: Option<&DeadSpool>,
    reason: EndReason,
) -> io::Result<Option<Recovered>> {
    let summary_path = folder.join(stem.summary());
    let mut summary = Summary::read(&summary_path).unwrap_or_default();
    let session = stem.session().unwrap_or(SessionId::from_u128(0));
    let progress = Arc::new(Progress::from(found.tally_before(&summary)));
    let mut report = RecoveryReport::default();
    if found.end.is_none() {
        let mut file = file_to_go_on_with(folder, stem, last, found, dead, Arc::clone(&progress))?;
        found.define_spans(&mut file);
        if let Some(dead) = dead {
            report = dead.recover(&found.framed(), &mut file)?;
            // Its last word may be later than the spool's, which says what it was when something was last framed.
            summary.dropped = (report.dropped.total() + report.damaged_places).max(summary.dropped);
        }
        let time = file.last_time().max(found.sure.last_time);
        file.end(End { time, reason, note: None, recovered: true })?;
    }
    let reached = progress.now();
    summary.id = session.to_string();
    summary.pid = dead.map_or(summary.pid, DeadSpool::pid);
    "ended".clone_into(&mut summary.state);
    summary.end_reason = Some(reason.as_str().to_owned());
    summary.tally = reached.tally;
    summary.last_at = reached.last_time.max(found.sure.last_time).to_string();
    let fragments = fragments(folder, stem)?;
    let newest = fragments.last().map_or(0, |(number, _)| *number);
    summary.fragments = summary.fragments.max(newest);
    summary.bytes = fragments.iter().filter_map(|(_, path)| Some(path.metadata().ok()?.len())).sum();
    summary.write(&summary_path)?;
    let RecoveryReport { records, damaged_places, .. } = report;
    Ok(Some(Recovered { session, reason, records, damaged_places }))
}

fn file_to_go_on_with(
    folder: &Path,
    stem: &FileName,
    last: Option<&Path>,
    found: &Found,
    dead: Option<&DeadSpool>,
    progress: Arc<Progress>,
) -> io::Result<SessionFile> {
    // One fragment takes it all: it is what one process had not framed.
    let rolling = Rolling { bytes_max: u64::MAX, age_max_ns: i64::MAX };
    let (folder, stem) = (folder.to_owned(), stem.clone());
    if let (Some(path), Some(header)) = (last, &found.header) {
        let place = Place::open(path, folder, stem, found.sure.bytes)?;
        return SessionFile::resume(place, header.clone(), found.sure.next_sequence, rolling, progress);
    }
    // The file is gone, or its header is: a new fragment says at least which session it is of.
    let number = last.and_then(|path| FileName::number_of(path.file_name()?.to_str()?)).unwrap_or(0) + 1;
    let session = stem.session().unwrap_or(SessionId::from_u128(0));
    let header = bare_header(session, number, dead, found);
    SessionFile::create(folder, stem, header, rolling, progress)
}

fn bare_header(session: SessionId, fragment: u64, dead: Option<&DeadSpool>, found: &Found) -> Header {
    let started_at = dead.map_or(Timestamp::default(), DeadSpool::started);
    Header {
        session,
        fragment,
        first_sequence: found.sure.next_sequence.max(1),
        started_at,
        opened_at: started_at,
        kind: SessionKind::Process,
        previous: None,
        agent: crate::session::AGENT.to_owned(),
        resource: Attributes::default(),
    }
}

/// What a session's last fragment says.
#[derive(Debug, Default)]
struct Found {
    header: Option<Header>,
    positions: Vec<Position>,
    end: Option<End>,
    /// Up to where the file is gone on with.
    sure: Sure,
    /// With what follows: half a batch, whose other half a kill prevented.
    read: Sure,
    spans: Vec<Arc<Span>>,
}

/// What a file says up to the end of a batch. Only there it says how far the rings are framed: what follows is in the
/// spool too, and would come twice.
#[derive(Clone, Copy, Debug, Default)]
struct Sure {
    bytes: u64,
    next_sequence: u64,
    tally: Tally,
    last_time: Timestamp,
}

impl Found {
    fn read(path: &Path) -> io::Result<Self> {
        use io::Read;
        let mut file = File::open(path)?;
        let mut reader = Reader::new();
        let (mut found, mut piece) = (Self::default(), vec![0; PIECE_BYTES]);
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                reader.finish();
            } else {
                reader.feed(&piece[..read]);
            }
            while let Some(item) = reader.next() {
                if let Some(sure) = found.take(item) {
                    found.sure = Sure { bytes: reader.position(), ..sure };
                }
            }
            if read == 0 {
                break;
            }
        }
        Ok(found)
    }

    /// What the fragment before says, where this one says nothing.
    fn goes_on_from(&mut self, before: Self) {
        self.positions = before.positions;
        self.sure.next_sequence = self.sure.next_sequence.max(before.sure.next_sequence);
        self.sure.last_time = self.sure.last_time.max(before.sure.last_time);
        self.spans = before.spans.into_iter().chain(std::mem::take(&mut self.spans)).collect();
        self.end = self.end.take().or(before.end);
    }

    /// What is sure with this item, if it ends a batch.
    fn take(&mut self, item: Item) -> Option<Sure> {
        match item {
            Item::Header(header) => {
                self.read.next_sequence = header.first_sequence;
                self.read.last_time = header.opened_at;
                self.header = Some((*header).clone());
                Some(self.read)
            }
            Item::Record(record) => {
                self.read.next_sequence = record.sequence + 1;
                self.read.tally.count(record.severity);
                self.read.last_time = record.time;
                for span in record.span.iter().flat_map(around) {
                    self.remember(span);
                }
                None
            }
            Item::Ring(RingPosition { ring, position }) => {
                let ring = RingId(u8::try_from(ring).ok()?);
                self.positions.retain(|known| known.ring != ring);
                self.positions.push(Position { ring, end: position });
                Some(self.read)
            }
            Item::End(end) => {
                self.end = Some(end);
                Some(self.read)
            }
            Item::Frame { .. } | Item::Loss { .. } | Item::Index(_) | Item::Damage(_) => None,
        }
    }

    fn remember(&mut self, span: Arc<Span>) {
        if self.spans.last().is_some_and(|last| Arc::ptr_eq(last, &span)) {
            return;
        }
        self.spans.retain(|known| known.id != span.id);
        if self.spans.len() == SPANS_MAX {
            self.spans.remove(0);
        }
        self.spans.push(span);
    }

    fn framed(&self) -> Framed {
        Framed { positions: self.positions.clone(), next_sequence: self.sure.next_sequence }
    }

    /// Those of the fragments before this one: the summary counted them, and perhaps some of this one.
    fn tally_before(&self, summary: &Summary) -> Tally {
        if self.header.as_ref().is_none_or(|header| header.fragment == 1) {
            self.sure.tally
        } else {
            summary.tally.at_least(self.sure.tally)
        }
    }

    /// Records in the spool refer to spans that were opened before the process died.
    fn define_spans(&self, file: &mut SessionFile) {
        let first = kymo_format::limits::KEYS_MAX - SPANS_MAX as u32 - 1;
        for (span, callsite) in self.spans.iter().zip(first..) {
            let args: Vec<_> = span.args.iter().map(kymo_format::ArgValue::as_arg).collect();
            let writer = file.writer();
            if writer.define_callsite(callsite, &span.callsite).is_ok() {
                let parent = span.parent.as_ref().map(|parent| parent.id);
                // A span that the writer does not take is one that records do not name.
                let _ = writer.open_span(span.id, callsite, parent, &args);
            }
        }
    }
}

/// The span and those around it, outermost first.
fn around(span: &Arc<Span>) -> Vec<Arc<Span>> {
    let mut all: Vec<Arc<Span>> =
        std::iter::successors(Some(Arc::clone(span)), |span| span.parent.clone()).collect();
    all.reverse();
    all
}
