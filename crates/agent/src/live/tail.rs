//! The session's own files, read while they are written: from the frame of a sequence on, over the ends of fragments.
//!
//! ```text
//!   fragment 1                 fragment 2 (closed)          fragment 3 (grows)
//!   magic header frame … index | magic header frame … index | magic header frame … <- whole batches, as told
//!                 from here:     header frame ------------->  header frame -------->
//! ```

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use kymo_format::live::{ChunkKind, Chunks};
use kymo_format::{Header, Index, Item, MAGIC, Reader, index_length};
use kymo_model::SessionId;

use crate::repository::names::FileName;
use crate::session::progress::Reached;

/// Read at a time, and given out.
const READ_BYTES: usize = 64 * 1024;
/// Largest index that is read: one of the most frames that there may be takes half of it.
const INDEX_BYTES_MAX: usize = 1 << 20;

/// Where a session's files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) stem: FileName,
    pub(super) session: SessionId,
}

impl Files {
    fn path(&self, fragment: u64) -> PathBuf {
        self.folder.join(self.stem.fragment(fragment))
    }

    /// Numbers of the fragments that are there, up to one; the first first.
    fn numbers(&self, last: u64) -> io::Result<Vec<u64>> {
        let all = crate::repository::fragments(&self.folder, &self.stem)?;
        Ok(all.into_iter().map(|(number, _)| number).filter(|number| *number <= last).collect())
    }

    /// The header of a fragment.
    pub(super) fn header(&self, fragment: u64) -> io::Result<Header> {
        head(&self.path(fragment)).map(|(header, _)| header)
    }

    /// The first fragment that is there: its number and the sequence of its first record.
    pub(super) fn first(&self, reached: &Reached) -> io::Result<(u64, u64)> {
        for number in self.numbers(reached.fragment)? {
            match self.header(number) {
                Ok(header) => return Ok((number, header.first_sequence)),
                // It was pruned just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    pub(super) fn has(&self, fragment: u64) -> bool {
        self.path(fragment).exists()
    }
}

/// The header of a file, and its bytes with the magic before it.
fn head(path: &Path) -> io::Result<(Header, Vec<u8>)> {
    let mut file = File::open(path)?;
    let (mut chunks, mut head, mut piece) = (Chunks::default(), MAGIC.to_vec(), vec![0; READ_BYTES]);
    loop {
        let count = file.read(&mut piece)?;
        chunks.feed(&piece[..count]);
        let found = chunks.next().map_err(|broken| refused(path, &broken.to_string()))?;
        match found {
            Some(chunk) => {
                let ChunkKind::Header(header) = chunk.what else { break };
                head.extend_from_slice(&chunk.bytes);
                return Ok((*header, head));
            }
            None if count == 0 => break,
            None => {}
        }
    }
    Err(refused(path, "expected the header of a session file"))
}

fn refused(path: &Path, text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {text}", path.display()))
}

/// A place in the files.
#[derive(Debug)]
pub(super) struct Tail {
    files: Files,
    fragment: u64,
    file: File,
    chunks: Chunks,
    /// Bytes of the file that were given to the chunks.
    fed: u64,
    /// To the end of the last chunk that came out of them.
    whole: u64,
    /// Places that could not be read, and were passed over.
    damaged: u64,
    piece: Vec<u8>,
}

impl Tail {
    /// From the frame that holds the first record after a sequence, or from the first there is. What is given out begins with
    /// the magic and a header.
    ///
    /// Errors: what the disk says; `NotFound` where there is no fragment any more.
    pub(super) fn open(files: Files, after: u64, reached: &Reached) -> io::Result<Self> {
        let wanted = after.saturating_add(1);
        let mut found = None;
        for number in files.numbers(reached.fragment)?.into_iter().rev() {
            match head(&files.path(number)) {
                Ok((header, head)) => {
                    let is_early_enough = header.first_sequence <= wanted;
                    found = Some((number, head));
                    if is_early_enough {
                        break;
                    }
                }
                // It was pruned just now, and so were those before it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        let (fragment, head) = found.ok_or(io::ErrorKind::NotFound)?;
        let mut file = File::open(files.path(fragment))?;
        let from = frame_of(&mut file, wanted, fragment, reached)?.unwrap_or(head.len() as u64);
        let mut chunks = Chunks::default();
        chunks.feed(&head);
        let piece = vec![0; READ_BYTES];
        let mut tail = Self { files, fragment, file, chunks, fed: from, whole: from, damaged: 0, piece };
        // The header comes from elsewhere than what is fed next.
        tail.whole -= head.len() as u64 - MAGIC.len() as u64;
        Ok(tail)
    }

    /// The fragment that is read.
    pub(super) fn fragment(&self) -> u64 {
        self.fragment
    }

    /// Places that could not be read, and were passed over.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Appends what there is and was not given out yet, some [`READ_BYTES`] and a chunk at most. Nothing: there is no more
    /// so far.
    pub(super) fn read(&mut self, reached: &Reached, out: &mut Vec<u8>) -> io::Result<()> {
        while out.len() < READ_BYTES {
            let is_last = self.fragment >= reached.fragment;
            let end = if is_last { reached.fragment_bytes } else { self.file.metadata()?.len() };
            let count = usize::try_from(end.saturating_sub(self.fed)).unwrap_or(usize::MAX).min(READ_BYTES);
            if count == 0 {
                if is_last || !self.go_on(reached)? {
                    break;
                }
                continue;
            }
            self.file.seek(SeekFrom::Start(self.fed))?;
            let count = self.file.read(&mut self.piece[..count])?;
            if count == 0 {
                break;
            }
            self.fed += count as u64;
            self.chunks.feed(&self.piece[..count]);
            self.take(end, out)?;
        }
        Ok(())
    }

    fn take(&mut self, end: u64, out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            match self.chunks.next() {
                Ok(Some(chunk)) => {
                    self.whole += chunk.bytes.len() as u64;
                    // The index stays: it says where something is in a file that the other side does not have.
                    if chunk.what != ChunkKind::Other {
                        out.extend_from_slice(&chunk.bytes);
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => return self.pass_damage(end),
            }
        }
    }

    /// To the next frame behind a place that cannot be read.
    fn pass_damage(&mut self, end: u64) -> io::Result<()> {
        self.damaged += 1;
        let reader = Reader::searching_from(self.whole + 1, self.files.session).outline();
        let found = scan(&mut self.file, self.whole + 1, end, reader, |_| true)?;
        (self.fed, self.whole) = (found.unwrap_or(end), found.unwrap_or(end));
        self.chunks = Chunks::default();
        self.chunks.feed(&MAGIC);
        Ok(())
    }

    /// To the next fragment that is there; false where there is none so far.
    fn go_on(&mut self, reached: &Reached) -> io::Result<bool> {
        let next = self.files.numbers(reached.fragment)?.into_iter().find(|number| *number > self.fragment);
        let Some(next) = next else { return Ok(false) };
        match File::open(self.files.path(next)) {
            Ok(file) => self.file = file,
            // Pruned just now; the one after it comes next time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.fragment = next;
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
        (self.fragment, self.fed, self.whole) = (next, 0, MAGIC.len() as u64);
        self.chunks = Chunks::default();
        Ok(true)
    }
}

/// Where the frame begins that holds a sequence, or would: the last that begins with it or before; else the first.
fn frame_of(file: &mut File, wanted: u64, fragment: u64, reached: &Reached) -> io::Result<Option<u64>> {
    let is_last = fragment >= reached.fragment;
    let end = if is_last { reached.fragment_bytes } else { file.metadata()?.len() };
    if !is_last && let Some(index) = index_of(file, end)? {
        let at = index.frames.partition_point(|frame| frame.first_sequence <= wanted);
        return Ok(index.frames.get(at.saturating_sub(1)).map(|frame| frame.offset));
    }
    let mut best = None;
    file.seek(SeekFrom::Start(0))?;
    scan(file, 0, end, Reader::new().outline(), |(offset, first_sequence)| {
        let is_early_enough = first_sequence <= wanted;
        if is_early_enough || best.is_none() {
            best = Some(offset);
        }
        !is_early_enough
    })?;
    Ok(best)
}

/// The first frame of which `is_it` says yes.
fn scan(
    file: &mut File,
    from: u64,
    end: u64,
    mut reader: Reader,
    mut is_it: impl FnMut((u64, u64)) -> bool,
) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(from))?;
    let (mut left, mut piece) = (end.saturating_sub(from), vec![0; READ_BYTES]);
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
        let count = file.read(&mut piece[..count])?;
        if count == 0 {
            break;
        }
        left -= count as u64;
        reader.feed(&piece[..count]);
        while let Some(item) = reader.next() {
            if let Item::Frame { offset, first_sequence, .. } = item
                && is_it((offset, first_sequence))
            {
                return Ok(Some(offset));
            }
        }
    }
    Ok(None)
}

/// The index at the end of a fragment, if it has one.
fn index_of(file: &mut File, end: u64) -> io::Result<Option<Index>> {
    let mut last_eight = [0; 8];
    if end < last_eight.len() as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(end - last_eight.len() as u64))?;
    file.read_exact(&mut last_eight)?;
    let length = index_length(last_eight);
    if length > INDEX_BYTES_MAX || length as u64 > end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(end - length as u64))?;
    let mut tail = vec![0; length];
    file.read_exact(&mut tail)?;
    Ok(Index::from_tail(&tail))
}

#[cfg(test)]
mod tests {
    use kymo_format::{Arg, Callsite, Record, RingPosition, Settings, Thread, Writer};
    use kymo_model::{Attributes, SessionKind, Severity, Timestamp};

    use super::*;

    /// A session that is written, fragment by fragment.
    struct Session {
        folder: tempfile::TempDir,
        stem: FileName,
        header: Header,
        writer: Writer,
        reached: Reached,
        number: u64,
    }

    impl Session {
        fn new() -> Self {
            let at = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
            let header = Header {
                session: SessionId::from_u128(7),
                fragment: 1,
                first_sequence: 1,
                started_at: at,
                opened_at: at,
                kind: SessionKind::Process,
                previous: None,
                agent: "test 1".to_owned(),
                resource: Attributes::default(),
            };
            let settings = Settings::default();
            let mut writer = Writer::new(&header, settings).unwrap();
            writer.define_callsite(1, &Callsite::new(Severity::INFO, "call {} {}", &["n", "text"])).unwrap();
            writer.define_thread(1, &Thread::default()).unwrap();
            let stem = FileName::new(header.session, at);
            let folder = tempfile::tempdir().unwrap();
            let reached = Reached { fragment: 1, ..Reached::default() };
            let mut session = Self { folder, stem, header, writer, reached, number: 0 };
            session.push();
            session
        }

        fn files(&self) -> Files {
            let (folder, stem) = (self.folder.path().to_owned(), self.stem.clone());
            Files { folder, stem, session: self.header.session }
        }

        fn path(&self, fragment: u64) -> PathBuf {
            self.files().path(fragment)
        }

        fn push(&mut self) {
            use std::io::Write;
            let bytes = self.writer.output().to_vec();
            self.writer.clear_output();
            let mut options = File::options();
            let mut file = options.create(true).append(true).open(self.path(self.header.fragment)).unwrap();
            file.write_all(&bytes).unwrap();
            self.reached.fragment_bytes = file.metadata().unwrap().len();
            self.reached.fragment = self.header.fragment;
        }

        /// Some blocks of one frame or more: each record has a text that is hardly shorter when compressed.
        fn write(&mut self, records: u64) {
            for _ in 0..records {
                self.number += 1;
                let time = Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + self.number as i64);
                let text = format!("{:x}", self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(60);
                let args = [Arg::U64(self.number), Arg::Text(&text)];
                let record = Record { time, thread: 1, callsite: 1, args: &args, extra: None, origin: None };
                self.writer.record(&record).unwrap();
                if self.number.is_multiple_of(20) {
                    self.writer.flush().unwrap();
                }
            }
            self.writer.reached(RingPosition { ring: 0, position: self.number * 8 }).unwrap();
            self.writer.flush().unwrap();
            self.push();
        }

        fn roll(&mut self) {
            use std::io::Write;
            let fragment = self.header.fragment + 1;
            let first_sequence = self.writer.next_sequence();
            let header = Header { fragment, first_sequence, ..self.header.clone() };
            let left = self.writer.next_fragment(&header).unwrap();
            let mut file = File::options().append(true).open(self.path(fragment - 1)).unwrap();
            file.write_all(&left).unwrap();
            self.header = header;
            self.push();
        }

        /// All that there is after a sequence, as a follower reads it: the first and the last one, with nothing missing.
        fn read(&self, after: u64) -> (u64, u64) {
            let mut tail = Tail::open(self.files(), after, &self.reached).unwrap();
            sequences(&all(&mut tail, &self.reached, MAGIC.to_vec()))
        }
    }

    fn all(tail: &mut Tail, reached: &Reached, mut bytes: Vec<u8>) -> Vec<u8> {
        loop {
            let mut out = Vec::new();
            tail.read(reached, &mut out).unwrap();
            if out.is_empty() {
                return bytes;
            }
            bytes.extend_from_slice(&out);
        }
    }

    fn sequences(bytes: &[u8]) -> (u64, u64) {
        // As the server cuts it, and as a viewer reads it.
        let (mut chunks, mut reader) = (Chunks::default(), Reader::new());
        chunks.feed(bytes);
        reader.feed(bytes);
        while let Some(chunk) = chunks.next().unwrap() {
            assert_ne!(chunk.what, ChunkKind::Other, "no index");
        }
        let mut seen: Option<(u64, u64)> = None;
        while let Some(item) = reader.next() {
            match item {
                Item::Record(record) => {
                    let (first, last) = seen.unwrap_or((record.sequence, record.sequence - 1));
                    assert_eq!(record.sequence, last + 1);
                    seen = Some((first, record.sequence));
                }
                Item::Damage(damage) => panic!("{damage:?}"),
                _ => {}
            }
        }
        assert_eq!(reader.position(), bytes.len() as u64, "whole chunks");
        seen.unwrap_or((0, 0))
    }

    #[test]
    fn it_begins_in_the_frame_of_any_sequence_and_goes_on_over_fragments() {
        let mut session = Session::new();
        assert_eq!(session.read(0), (0, 0), "a header, and nothing more");
        session.write(1500);
        session.roll();
        session.write(1000);
        session.roll();
        session.write(1200);
        let last = session.number;
        let mut firsts = Vec::new();
        for after in (0..=last).step_by(61).chain([last]) {
            let (first, read) = session.read(after);
            assert!(first <= after + 1 && read == last, "after {after}: {first} to {read}");
            assert!(after < 400 || after - first < 700, "after {after}: a frame before it, not {first}");
            firsts.push(first);
        }
        firsts.dedup();
        assert!(firsts.len() > 6, "closed fragments by their index, the last one by its frames: {firsts:?}");
        // What was pruned is a gap; from what is there it goes on.
        std::fs::remove_file(session.path(1)).unwrap();
        assert_eq!(session.read(0), (1501, last));
        assert_eq!(session.files().first(&session.reached).unwrap(), (2, 1501));
        std::fs::remove_file(session.path(2)).unwrap();
        std::fs::remove_file(session.path(3)).unwrap();
        let gone = Tail::open(session.files(), 0, &session.reached).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_grows_comes_once_and_whole_batches_only() {
        let mut session = Session::new();
        session.write(100);
        let mut tail = Tail::open(session.files(), 100, &session.reached).unwrap();
        let mut bytes = all(&mut tail, &session.reached, MAGIC.to_vec());
        for round in 0..30 {
            let before = session.reached;
            if round % 2 == 0 {
                bytes = all(&mut tail, &before, bytes);
            }
            session.write(37);
            if round % 2 == 0 {
                let seen = bytes.len();
                bytes = all(&mut tail, &before, bytes);
                assert_eq!(bytes.len(), seen, "it was not told yet");
            }
            if round % 7 == 0 {
                session.roll();
            }
            if round % 3 == 0 {
                bytes = all(&mut tail, &session.reached, bytes);
            }
            if round == 8 {
                // Read, and gone before the next is opened.
                std::fs::remove_file(session.path(1)).unwrap();
            }
        }
        bytes = all(&mut tail, &session.reached, bytes);
        assert_eq!(sequences(&bytes), (1, session.number));
        assert_eq!(tail.damaged(), 0);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        use std::io::Write;
        let mut session = Session::new();
        session.write(2000);
        let bytes = session.reached.fragment_bytes;
        let mut file = File::options().write(true).open(session.path(1)).unwrap();
        file.seek(SeekFrom::Start(bytes / 2)).unwrap();
        file.write_all(b"damaged!").unwrap();
        session.roll();
        session.write(100);
        let mut tail = Tail::open(session.files(), 0, &session.reached).unwrap();
        let read = all(&mut tail, &session.reached, MAGIC.to_vec());
        assert_eq!(tail.damaged(), 1);
        let mut reader = Reader::new();
        reader.feed(&read);
        let mut sequences = Vec::new();
        while let Some(item) = reader.next() {
            match item {
                Item::Record(record) => sequences.push(record.sequence),
                Item::Damage(damage) => panic!("{damage:?}"),
                _ => {}
            }
        }
        let gaps = sequences.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert_eq!((sequences[0], *sequences.last().unwrap(), gaps), (1, 2100, 1));
        assert!(sequences.len() > 1000, "{}", sequences.len());
    }
}
