//! The last bytes of a session file on its way, bounded, with the places where somebody may begin: in memory, and behind
//! that in a temporary file.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

/// Written to the disk at a time, at least: one call for some 15,000 events.
const SPILL_BYTES_MIN: u64 = 64 << 10;
/// What may wait in memory for a slow disk: 20 seconds of 50,000 events each of some 4 bytes. What comes then is not
/// written any more: it is the disk that delays nobody.
const WAITING_BYTES_MAX: u64 = 4 << 20;

/// How much of a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in a temporary file behind them; 0: none.
    pub file: u64,
}

impl Default for Kept {
    /// At 50,000 events a second and some 4 bytes each: 20 seconds in memory, five minutes in the file.
    fn default() -> Self {
        Self { memory: 4 << 20, file: 64 << 20 }
    }
}

/// What is too much for memory, to be written without the lock. It is in memory as well until it is.
#[derive(Debug)]
pub(crate) struct Spill {
    file: Option<Arc<File>>,
    room: u64,
    pieces: Vec<(u64, Bytes)>,
    end: u64,
}

impl Spill {
    /// Blocks for the disk.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<Arc<File>> {
        let file = self.file.clone().map_or_else(|| tempfile::tempfile_in(folder).map(Arc::new), Ok)?;
        for (position, bytes) in &self.pieces {
            let at = position % self.room;
            let first = bytes.len().min((self.room - at) as usize);
            write_at(&file, &bytes[..first], at)?;
            write_at(&file, &bytes[first..], 0)?;
        }
        Ok(file)
    }
}

/// A place where reading may begin: a frame, with the header that holds there.
#[derive(Clone, Debug)]
struct Mark {
    position: u64,
    first_sequence: u64,
    header: Bytes,
}

/// Where somebody begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) position: u64,
    /// Sequence of the first record there; what is before the one that was asked for is passed over.
    pub(crate) first_sequence: u64,
    /// The header's chunk.
    pub(crate) header: Bytes,
}

/// What there is at a place.
#[derive(Debug)]
pub(crate) enum Piece {
    /// More may come.
    Nothing,
    /// It is not kept any more.
    Gone,
    Memory(Bytes),
    /// To be read from the file, without the lock.
    File(Spilled),
}

/// A place in the temporary file, and how to read it.
#[derive(Clone, Debug)]
pub(crate) struct Spilled {
    file: Arc<File>,
    at: u64,
    length: usize,
}

impl Spilled {
    /// Blocks for the disk. What is read may have been written over meanwhile: who asks looks whether the place is
    /// still [kept](Backlog::keeps) afterwards.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        read_at(&self.file, &mut bytes, self.at)?;
        Ok(bytes.into())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    kept: Kept,
    pieces: VecDeque<(u64, Bytes)>,
    marks: VecDeque<Mark>,
    /// Of which it is not known yet whether they hold.
    pending: Vec<Mark>,
    header: Bytes,
    /// First position that is in memory, and one more than the last.
    memory: u64,
    end: u64,
    /// First position that is in the file.
    spilled: u64,
    file: Option<Arc<File>>,
    /// The file could not be made or written: what leaves memory is gone.
    file_failed: bool,
    /// A [`Spill`] is on its way.
    is_spilling: bool,
}

impl Backlog {
    pub(crate) fn new(kept: Kept) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Where the first byte is that is there.
    pub(crate) fn base(&self) -> u64 {
        if self.spilled < self.memory { self.spilled } else { self.memory }
    }

    /// Whether a place is there.
    pub(crate) fn keeps(&self, position: u64) -> bool {
        position >= self.base()
    }

    /// The fragment that comes begins with this chunk. It is kept apart: who begins later needs it as well.
    pub(crate) fn header(&mut self, chunk: Bytes) {
        self.header = chunk.clone();
        self.append(chunk);
    }

    /// A frame begins with what is pushed next. Nobody begins there until [`marks_hold`](Self::marks_hold).
    pub(crate) fn mark(&mut self, first_sequence: u64) {
        let header = self.header.clone();
        self.pending.push(Mark { position: self.end, first_sequence, header });
    }

    /// Whoever begins at one of the last marks misses nothing.
    pub(crate) fn marks_hold(&mut self) {
        let base = self.base();
        self.marks.extend(self.pending.drain(..).filter(|mark| mark.position >= base));
    }

    /// What the last marks began does not come.
    pub(crate) fn marks_do_not_hold(&mut self) {
        self.pending.clear();
    }

    /// Adds a chunk.
    pub(crate) fn append(&mut self, chunk: Bytes) {
        let length = chunk.len() as u64;
        self.pieces.push_back((self.end, chunk));
        self.end += length;
    }

    /// What is to be written to the file now, if anything; [`written`](Self::written) says that it was.
    pub(crate) fn too_much(&mut self) -> Option<Spill> {
        let (room, excess) = (self.kept.file, (self.end - self.memory).saturating_sub(self.kept.memory));
        let has_file = room > 0 && !self.file_failed;
        if !has_file {
            self.let_go(self.kept.memory);
        } else if self.is_spilling {
            self.let_go(self.kept.memory + WAITING_BYTES_MAX);
        }
        if !has_file || self.is_spilling || excess < SPILL_BYTES_MIN.min(self.kept.memory / 4).max(1) {
            return None;
        }
        let mut spill = Spill { file: self.file.clone(), room, pieces: Vec::new(), end: self.memory };
        // The last stays: it is what most read next.
        for (position, bytes) in self.pieces.iter().take(self.pieces.len() - 1) {
            let end = position + bytes.len() as u64;
            if self.end - position <= self.kept.memory || end - self.memory > room {
                break;
            }
            spill.pieces.push((*position, bytes.clone()));
            spill.end = end;
        }
        if spill.pieces.is_empty() {
            // A piece that is longer than the file may be.
            self.let_go(self.kept.memory);
            return None;
        }
        // What lies there is not kept any more before it is written over.
        self.spilled = self.spilled.max(spill.end.saturating_sub(room));
        self.forget();
        self.is_spilling = true;
        Some(spill)
    }

    /// It was written, or could not be: then it is gone.
    pub(crate) fn written(&mut self, spill: &Spill, written: io::Result<Arc<File>>) {
        self.is_spilling = false;
        while self.pieces.front().is_some_and(|(position, _)| *position < spill.end) {
            self.pieces.pop_front();
        }
        self.memory = self.memory.max(spill.end);
        if let Ok(file) = written {
            self.file = Some(file);
        } else {
            (self.file_failed, self.spilled) = (true, self.memory);
        }
        self.forget();
    }

    /// Of what is in memory the last is kept, and nothing that lies before.
    fn let_go(&mut self, kept: u64) {
        while self.end - self.memory > kept && self.pieces.len() > 1 {
            let Some((position, bytes)) = self.pieces.pop_front() else { break };
            self.memory = position + bytes.len() as u64;
            self.spilled = self.memory;
        }
        self.forget();
    }

    fn forget(&mut self) {
        let base = self.base();
        while self.marks.front().is_some_and(|mark| mark.position < base) {
            self.marks.pop_front();
        }
    }

    /// Where somebody begins who has everything up to `after`: the last place from which nothing is missing, else the
    /// first there is.
    pub(crate) fn start(&self, after: u64) -> Option<Start> {
        let fits = self.marks.iter().rev().find(|mark| mark.first_sequence <= after.saturating_add(1));
        fits.or(self.marks.front()).map(|mark| Start {
            position: mark.position,
            first_sequence: mark.first_sequence,
            header: mark.header.clone(),
        })
    }

    /// Sequence of the first record from which on nothing is missing.
    pub(crate) fn first_sequence(&self) -> Option<u64> {
        self.marks.front().map(|mark| mark.first_sequence)
    }

    /// The last sequence of which it is certain that it lies before a place: that before its frame.
    pub(crate) fn sequence_before(&self, position: u64) -> u64 {
        let at = self.marks.partition_point(|mark| mark.position <= position);
        at.checked_sub(1).map_or(0, |at| self.marks[at].first_sequence.saturating_sub(1))
    }

    /// What there is at a place, at most that much of it.
    pub(crate) fn piece(&self, position: u64, bytes_max: usize) -> Piece {
        if position >= self.end {
            return Piece::Nothing;
        }
        if position >= self.memory {
            let at = self.pieces.partition_point(|(start, _)| *start <= position) - 1;
            let (start, bytes) = &self.pieces[at];
            let from = (position - start) as usize;
            return Piece::Memory(bytes.slice(from..bytes.len().min(from + bytes_max)));
        }
        let (Some(file), true) = (&self.file, position >= self.spilled) else { return Piece::Gone };
        let at = position % self.kept.file;
        let whole = (self.memory - position).min(self.kept.file - at);
        Piece::File(Spilled { file: Arc::clone(file), at, length: (whole as usize).min(bytes_max) })
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                at += count as u64;
            }
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        bytes = &bytes[count..];
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kymo_testkit::Random;

    use super::*;

    fn chunk(number: u64, length: usize) -> Bytes {
        (0..length)
            .map(|at| (number.wrapping_mul(31) as u8).wrapping_add(at as u8))
            .collect::<Vec<u8>>()
            .into()
    }

    /// All bytes from a place on, by pieces of a random length; `None` if it is gone.
    fn read(backlog: &Backlog, mut position: u64, random: &mut Random) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let bytes = match backlog.piece(position, 1 + random.below(300) as usize) {
                Piece::Nothing => return Some(all),
                Piece::Gone => return None,
                Piece::Memory(bytes) => bytes,
                Piece::File(spilled) => spilled.read().unwrap(),
            };
            assert!(!bytes.is_empty());
            position += bytes.len() as u64;
            all.extend_from_slice(&bytes);
        }
    }

    /// Writes what is too much, at once.
    fn settle(backlog: &mut Backlog, folder: &Path) {
        while let Some(spill) = backlog.too_much() {
            let written = spill.write(folder);
            backlog.written(&spill, written);
        }
    }

    /// Against everything that was ever pushed. The disk takes its time: what waits for it is still there.
    #[test]
    fn what_is_kept_is_what_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random::seeded(20_261_121);
        for round in 0..60 {
            let kept = Kept { memory: 500 + random.below(2000), file: [0, 3000, 10_000][round % 3] };
            let mut backlog = Backlog::new(kept);
            let mut all: Vec<u8> = Vec::new();
            let mut marks: Vec<(u64, u64)> = Vec::new();
            let mut on_its_way: Option<Spill> = None;
            backlog.header(Bytes::from_static(b"header"));
            all.extend_from_slice(b"header");
            for number in 0..200 {
                if random.below(5) == 0 {
                    backlog.mark(number);
                    backlog.marks_hold();
                    marks.push((all.len() as u64, number));
                }
                let bytes = chunk(number, 1 + random.below(400) as usize);
                all.extend_from_slice(&bytes);
                backlog.append(bytes);
                let too_much = backlog.too_much();
                assert!(too_much.is_none() || on_its_way.is_none(), "two at a time");
                on_its_way = on_its_way.or(too_much);
                if random.below(8) > 0
                    && let Some(spill) = on_its_way.take()
                {
                    backlog.written(&spill, spill.write(folder.path()));
                    settle(&mut backlog, folder.path());
                    assert!(backlog.end - backlog.memory <= kept.memory * 5 / 4 + 400, "round {round}");
                }
                assert_eq!(backlog.end, all.len() as u64);
                let base = backlog.base();
                assert!(backlog.memory - base <= kept.file, "round {round}");
                if kept.file == 0 {
                    assert!(backlog.end - base <= kept.memory.max(400), "round {round}");
                }
                let position = random.below(all.len() as u64);
                let found = read(&backlog, position, &mut random);
                assert_eq!(found.as_deref(), (position >= base).then(|| &all[position as usize..]));
                let after = random.below(number + 3);
                let mut there = marks.iter().filter(|(position, _)| *position >= base);
                let expected = there.clone().rfind(|(_, first)| *first <= after + 1).or_else(|| there.next());
                let start = backlog.start(after).map(|start| (start.position, start.first_sequence));
                assert_eq!(start, expected.copied(), "round {round}");
            }
        }
    }

    #[test]
    fn without_room_on_the_disk_memory_is_kept() {
        let mut backlog = Backlog::new(Kept { memory: 1000, file: 10_000 });
        for number in 0..100 {
            backlog.append(chunk(number, 100));
            settle(&mut backlog, Path::new("/nowhere"));
        }
        assert_eq!((backlog.base(), backlog.end), (9000, 10_000));
        assert!(matches!(backlog.piece(8999, 10), Piece::Gone));
        assert!(matches!(backlog.piece(9000, 10), Piece::Memory(_)));
    }

    #[test]
    fn a_disk_that_takes_nothing_delays_nobody_and_memory_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut backlog = Backlog::new(Kept { memory: 1 << 20, file: 64 << 20 });
        let mut stuck = None;
        let length = 100_000;
        for number in 0..100 {
            backlog.append(chunk(number, length));
            if let Some(spill) = backlog.too_much() {
                assert!(stuck.replace(spill).is_none());
            }
            let in_memory = backlog.end - backlog.memory;
            assert!(in_memory <= (1 << 20) + WAITING_BYTES_MAX + length as u64, "{in_memory}");
            assert_eq!(backlog.memory, backlog.base());
        }
        assert!(backlog.base() > 0);
        let spill = stuck.unwrap();
        backlog.written(&spill, spill.write(folder.path()));
        let base = backlog.base();
        settle(&mut backlog, folder.path());
        assert_eq!(backlog.base(), base);
        assert!(backlog.memory > base, "the disk takes something again");
        let mut random = Random::seeded(1);
        let all: Vec<u8> = (0..100).flat_map(|number| chunk(number, length)).collect();
        assert_eq!(read(&backlog, base, &mut random).as_deref(), Some(&all[base as usize..]));
    }
}
