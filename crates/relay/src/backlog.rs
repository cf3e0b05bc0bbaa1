//! The last bytes of a session file on its way, bounded, with the places where somebody may begin: in memory, and behind
//! that in a temporary file.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

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
    header: Bytes,
    /// First position that is in memory, and one more than the last.
    memory: u64,
    end: u64,
    /// First position that is in the file.
    spilled: u64,
    file: Option<Arc<File>>,
    /// The file could not be made or written: what leaves memory is gone.
    file_failed: bool,
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

    /// A frame begins with what is pushed next.
    pub(crate) fn mark(&mut self, first_sequence: u64) {
        let header = self.header.clone();
        self.marks.push_back(Mark { position: self.end, first_sequence, header });
    }

    /// Adds a chunk.
    pub(crate) fn append(&mut self, chunk: Bytes) {
        let length = chunk.len() as u64;
        self.pieces.push_back((self.end, chunk));
        self.end += length;
    }

    /// Moves what is too much for memory to the file. Blocks for the disk, seldom: it writes to the system's cache.
    pub(crate) fn settle(&mut self, folder: &Path) {
        while self.end - self.memory > self.kept.memory && self.pieces.len() > 1 {
            let Some((position, bytes)) = self.pieces.pop_front() else { break };
            let next = position + bytes.len() as u64;
            if !self.spill(folder, position, &bytes) {
                self.spilled = next;
            }
            self.memory = next;
        }
        let base = self.base();
        while self.marks.front().is_some_and(|mark| mark.position < base) {
            self.marks.pop_front();
        }
    }

    /// False if it could not be written: then it is gone.
    fn spill(&mut self, folder: &Path, position: u64, bytes: &[u8]) -> bool {
        let room = self.kept.file;
        if self.file_failed || bytes.len() as u64 > room {
            return false;
        }
        let made = self.file.clone().map_or_else(|| tempfile::tempfile_in(folder).map(Arc::new), Ok);
        let written = made.and_then(|file| {
            // What lies there is not kept any more before it is written over.
            self.spilled = self.spilled.max((position + bytes.len() as u64).saturating_sub(room));
            let at = position % room;
            let first = bytes.len().min((room - at) as usize);
            write_at(&file, &bytes[..first], at)?;
            write_at(&file, &bytes[first..], 0)?;
            self.file = Some(file);
            Ok(())
        });
        self.file_failed = written.is_err();
        written.is_ok()
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

    /// Against everything that was ever pushed.
    #[test]
    fn what_is_kept_is_what_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random::seeded(20_261_121);
        for round in 0..60 {
            let kept = Kept { memory: 500 + random.below(2000), file: [0, 3000, 10_000][round % 3] };
            let mut backlog = Backlog::new(kept);
            let mut all: Vec<u8> = Vec::new();
            let mut marks: Vec<(u64, u64)> = Vec::new();
            backlog.header(Bytes::from_static(b"header"));
            all.extend_from_slice(b"header");
            for number in 0..200 {
                if random.below(5) == 0 {
                    backlog.mark(number);
                    marks.push((all.len() as u64, number));
                }
                let bytes = chunk(number, 1 + random.below(400) as usize);
                all.extend_from_slice(&bytes);
                backlog.append(bytes);
                backlog.settle(folder.path());
                assert_eq!(backlog.end, all.len() as u64);
                let base = backlog.base();
                assert!(all.len() as u64 - base <= kept.memory.max(400) + kept.file, "round {round}");
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
            backlog.settle(Path::new("/nowhere"));
        }
        assert_eq!((backlog.base(), backlog.end), (9000, 10_000));
        assert!(matches!(backlog.piece(8999, 10), Piece::Gone));
        assert!(matches!(backlog.piece(9000, 10), Piece::Memory(_)));
    }
}
