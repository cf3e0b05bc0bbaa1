//! The fragments of a session as a program wrote them, put together of what files have of them: whole files, parts of
//! packages, pieces that mail was divided into.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use kymo_format::{Item, MAGIC, Reader};
use kymo_model::SessionId;
use kymo_viewer::SessionFiles;
use kymo_viewer::session::Fragment;

/// Read at a time.
const PIECE_BYTES: usize = 64 * 1024;
const MAGIC_BYTES: u64 = MAGIC.len() as u64;

/// A fragment, or what is there of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) session: SessionId,
    /// Its number.
    pub(super) fragment: u64,
    /// Where its bytes are, in order. The magic stands before the first, unless that begins a file.
    stretches: Vec<Stretch>,
    /// Bytes of it, with the magic.
    pub(super) bytes: u64,
    /// Bytes to the end of the last chunk that is whole.
    pub(super) whole_bytes: u64,
    /// Bytes to the end of the header.
    pub(super) head_bytes: u64,
    /// Nothing will follow: it ends with an index, or the session has ended.
    pub(super) is_closed: bool,
    next_sequence: u64,
}

/// Bytes of a file.
#[derive(Clone, Debug)]
struct Stretch {
    path: PathBuf,
    from: u64,
    to: u64,
}

/// What reading a piece through says.
struct Found {
    /// In bytes of the file.
    head_end: u64,
    whole_end: u64,
    end: u64,
    is_closed: bool,
    /// Of the header.
    first_sequence: u64,
    /// Of the first frame, if it follows the header at once.
    frame_sequence: Option<u64>,
    next_sequence: u64,
}

/// Every fragment of a session, by number. What does not join is told.
pub(super) fn parts(session: &SessionFiles, notes: &mut Vec<String>) -> anyhow::Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for fragment in &session.fragments {
        let Some(header) = &fragment.header else { continue };
        let found = look(fragment)?;
        let sequence = found.frame_sequence.unwrap_or(found.first_sequence);
        let goes_on = parts.last_mut().filter(|part| part.fragment == header.fragment);
        let passed_over = |what: &str| {
            format!(
                "{}: {what} of fragment {} is not here: passed over",
                fragment.path.display(),
                header.fragment
            )
        };
        match goes_on {
            None if sequence > found.first_sequence => notes.push(passed_over("the beginning")),
            None => parts.push(Part::first(fragment, header.session, header.fragment, &found)),
            Some(part) if part.next_sequence == sequence => part.goes_on(fragment, &found),
            Some(part) => {
                part.is_closed = false;
                notes.push(passed_over("what lies before this piece"));
            }
        }
    }
    Ok(parts)
}

fn look(fragment: &Fragment) -> anyhow::Result<Found> {
    let name = || fragment.path.display().to_string();
    let mut file = File::open(&fragment.path).with_context(name)?;
    file.seek(SeekFrom::Start(fragment.start)).with_context(name)?;
    let room = fragment.end.map_or(u64::MAX, |end| end - fragment.start);
    let mut file = file.take(room);
    let mut reader =
        if fragment.start == 0 { Reader::new() } else { Reader::from_the_middle(fragment.start) };
    let mut piece = vec![0; PIECE_BYTES];
    let mut found = Found {
        head_end: fragment.start,
        whole_end: 0,
        end: fragment.start,
        is_closed: false,
        first_sequence: 1,
        frame_sequence: None,
        next_sequence: 1,
    };
    loop {
        let count = file.read(&mut piece).with_context(name)?;
        if count == 0 {
            break;
        }
        found.end += count as u64;
        reader.feed(&piece[..count]);
        while let Some(item) = reader.next() {
            match item {
                Item::Header(header) => {
                    found.head_end = reader.position();
                    (found.first_sequence, found.next_sequence) =
                        (header.first_sequence, header.first_sequence);
                }
                Item::Frame { offset, first_sequence, .. } if offset == found.head_end => {
                    found.frame_sequence = Some(first_sequence);
                    found.next_sequence = first_sequence;
                }
                Item::Record(record) => found.next_sequence = record.sequence + 1,
                Item::Index(_) | Item::End(_) => found.is_closed = true,
                _ => {}
            }
        }
    }
    found.whole_end = reader.position().min(found.end);
    Ok(found)
}

impl Part {
    fn first(fragment: &Fragment, session: SessionId, number: u64, found: &Found) -> Self {
        let stretch = Stretch { path: fragment.path.clone(), from: fragment.start, to: found.end };
        let added = if fragment.start == 0 { 0 } else { MAGIC_BYTES };
        let of_fragment = |at: u64| at - fragment.start + added;
        Self {
            session,
            fragment: number,
            stretches: vec![stretch],
            bytes: of_fragment(found.end),
            whole_bytes: of_fragment(found.whole_end),
            head_bytes: of_fragment(found.head_end),
            is_closed: found.is_closed,
            next_sequence: found.next_sequence,
        }
    }

    /// A piece, whose header is said already.
    fn goes_on(&mut self, fragment: &Fragment, found: &Found) {
        self.whole_bytes = self.bytes + found.whole_end - found.head_end;
        self.bytes += found.end - found.head_end;
        self.is_closed |= found.is_closed;
        self.next_sequence = found.next_sequence;
        let stretch = Stretch { path: fragment.path.clone(), from: found.head_end, to: found.end };
        self.stretches.push(stretch);
    }

    /// Its first file.
    pub(super) fn path(&self) -> &Path {
        &self.stretches[0].path
    }

    /// Bytes of the fragment as it is on its own.
    pub(super) fn read(&self, from: u64, to: u64) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut at = 0;
        if self.stretches[0].from > 0 {
            let magic = from.min(MAGIC_BYTES) as usize..to.min(MAGIC_BYTES) as usize;
            bytes.extend_from_slice(&MAGIC[magic]);
            at = MAGIC_BYTES;
        }
        for stretch in &self.stretches {
            let end = at + stretch.to - stretch.from;
            let (begin, stop) = (from.clamp(at, end), to.clamp(at, end));
            if begin < stop {
                let mut file =
                    File::open(&stretch.path).with_context(|| stretch.path.display().to_string())?;
                file.seek(SeekFrom::Start(stretch.from + begin - at))?;
                file.take(stop - begin).read_to_end(&mut bytes)?;
            }
            at = end;
        }
        anyhow::ensure!(bytes.len() as u64 == to - from, "{} became shorter", self.path().display());
        Ok(bytes)
    }
}
