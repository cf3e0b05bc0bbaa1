//! Files of sessions on this machine, taken apart: which parts of which session are in them. Blocking.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use kymo_format::{Part, Plan, Splitter, Standing};
use kymo_model::SessionId;

/// Read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Parts of all files: what ten repositories of 150 MB have at 4 MB each is 400. A part takes a hundred bytes of memory.
const PARTS_MAX: usize = 100_000;

/// A fragment of a session, or what files have of it.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file with its beginning.
    pub path: PathBuf,
    /// What it is, all pieces together.
    pub part: Part,
    /// It has its file to itself, and a later fragment of the session has one, too: as in a folder that an agent writes to,
    /// where nothing is added to this one any more.
    pub is_followed: bool,
    /// What goes on from the beginning, in order.
    pieces: Vec<Piece>,
}

/// Bytes of a fragment that another part has.
#[derive(Clone, Debug)]
struct Piece {
    path: PathBuf,
    part: Part,
    /// Where in the fragment it begins, behind its own header.
    from: u64,
}

/// What there is of a session.
#[derive(Clone, Debug)]
pub struct SessionParts {
    /// The id that its agent gave it.
    pub session: SessionId,
    /// Each fragment once, by number.
    pub parts: Vec<FilePart>,
    /// What does not join, and so is left out, in words.
    pub notes: Vec<String>,
}

/// Parts by fragment, of which there may be several of each.
type Fragments = BTreeMap<u64, Vec<FilePart>>;

/// The sessions in these files, in the order they come. Pieces of one fragment are put together, wherever they are.
///
/// # Errors
/// A file cannot be read, as its name says, or there are too many parts.
pub fn sessions_of(files: &[PathBuf]) -> io::Result<Vec<SessionParts>> {
    let mut sessions: Vec<(SessionId, Fragments)> = Vec::new();
    let mut places: HashMap<SessionId, usize> = HashMap::new();
    let mut count = 0;
    for path in files {
        let parts = parts_of(path, PARTS_MAX - count)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        count += parts.len();
        let is_alone = parts.len() == 1;
        for part in parts {
            let place = *places.entry(part.session).or_insert_with(|| {
                sessions.push((part.session, BTreeMap::new()));
                sessions.len() - 1
            });
            let found = FilePart { path: path.clone(), part, is_followed: is_alone, pieces: Vec::new() };
            sessions[place].1.entry(part.fragment).or_default().push(found);
        }
    }
    Ok(sessions.into_iter().map(|(session, fragments)| in_order(session, fragments)).collect())
}

fn in_order(session: SessionId, fragments: Fragments) -> SessionParts {
    let mut notes = Vec::new();
    let mut parts: Vec<FilePart> =
        fragments.into_values().filter_map(|found| joined(found, &mut notes)).collect();
    let alone = parts.iter().filter(|part| part.is_followed).map(|part| part.part.fragment);
    let last_alone = alone.max().unwrap_or_default();
    for part in &mut parts {
        part.is_followed &= part.part.fragment < last_alone;
    }
    SessionParts { session, parts, notes }
}

/// What several files have of one fragment, as one. `None`, and a note, if nobody has its beginning.
fn joined(mut found: Vec<FilePart>, notes: &mut Vec<String>) -> Option<FilePart> {
    // Of those with one beginning the longest first: the others have nothing more.
    found.sort_by_key(|one| (one.part.frame_sequence.unwrap_or_default(), Reverse(one.part.whole_bytes)));
    let note = |one: &FilePart, what: &str| {
        let (path, part) = (one.path.display(), &one.part);
        format!(
            "{path}: session {}: {what} of fragment {} is not here: passed over",
            part.session, part.fragment
        )
    };
    let mut whole: Option<FilePart> = None;
    for one in found {
        let Some(whole) = &mut whole else {
            if one.part.is_beginning() {
                whole = Some(one);
            } else {
                notes.push(note(&one, "the beginning"));
            }
            continue;
        };
        let begins = one.part.frame_sequence.unwrap_or_default();
        let has_more = one.part.next_sequence > whole.part.next_sequence
            || (one.part.is_closed && !whole.part.is_closed && begins == whole.part.next_sequence);
        if one.part.is_beginning() || !has_more {
            continue;
        }
        // It may have been divided while it grew: then the frame that was not done is in both.
        let at = match whole.part.last_frame {
            Some((offset, sequence)) if sequence == begins => offset,
            _ if begins == whole.part.next_sequence => whole.part.whole_bytes,
            _ => {
                notes.push(note(&one, "what lies before this piece"));
                continue;
            }
        };
        whole.go_on(at, one);
    }
    whole
}

fn parts_of(path: &Path, parts_max: usize) -> io::Result<Vec<Part>> {
    let mut file = File::open(path)?;
    let mut splitter = Splitter::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(splitter.finish());
        }
        splitter.feed(&piece[..count]);
        if splitter.count() > parts_max {
            return Err(io::Error::other(format!("expected at most {PARTS_MAX} fragments in all")));
        }
    }
}

impl FilePart {
    /// See [`Part::plan`].
    pub fn plan(&self, there: Standing) -> Plan {
        self.part.plan(there, self.is_followed)
    }

    /// Goes on with a piece from that place on.
    fn go_on(&mut self, at: u64, piece: Self) {
        let own = piece.part;
        let moved = |place: u64| at + place.saturating_sub(own.head_bytes);
        let part = &mut self.part;
        part.bytes = moved(own.bytes);
        part.whole_bytes = moved(own.whole_bytes);
        part.content_bytes = moved(own.content_bytes);
        part.is_closed = own.is_closed;
        part.last_frame = own.last_frame.map(|(offset, sequence)| (moved(offset), sequence));
        part.next_sequence = own.next_sequence;
        self.is_followed = false;
        self.pieces.push(Piece { path: piece.path, part: own, from: at });
    }

    /// Bytes of the fragment as it is on its own.
    ///
    /// # Errors
    /// A file cannot be read, or became shorter.
    pub fn read(&self, stretch: Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let ends = self.pieces.iter().map(|piece| piece.from).chain([u64::MAX]);
        let beginning = (&self.path, &self.part, 0, 0);
        let rest =
            self.pieces.iter().map(|piece| (&piece.path, &piece.part, piece.from, piece.part.head_bytes));
        for ((path, part, from, behind), end) in std::iter::once(beginning).chain(rest).zip(ends) {
            let (first, last) = (stretch.start.max(from), stretch.end.min(end));
            if first < last {
                let own = first - from + behind..last - from + behind;
                read_of(path, part, own, &mut bytes)?;
            }
        }
        Ok(bytes)
    }
}

fn read_of(path: &Path, part: &Part, stretch: Range<u64>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let (magic, of_file) = part.place(stretch);
    bytes.extend_from_slice(magic);
    let length = of_file.end - of_file.start;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(of_file.start))?;
    let read = file.take(length).read_to_end(bytes)?;
    if read as u64 == length {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} became shorter", path.display())))
}

#[cfg(test)]
mod tests;
