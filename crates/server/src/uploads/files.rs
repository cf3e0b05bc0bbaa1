//! Files of sessions on this machine, taken apart: which parts of which session are in them. Blocking.

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

/// A part of a session, in a file.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file.
    pub path: PathBuf,
    /// Which part of it.
    pub part: Part,
    /// It has its file to itself, and a later fragment of the session has one, too: as in a folder that an agent writes to,
    /// where nothing is added to this one any more.
    pub is_followed: bool,
}

/// What there is of a session.
#[derive(Clone, Debug)]
pub struct SessionParts {
    /// The id that its agent gave it.
    pub session: SessionId,
    /// Each fragment once, by number; at least one.
    pub parts: Vec<FilePart>,
}

/// The sessions in these files, in the order they come.
///
/// # Errors
/// A file cannot be read, as its name says, or there are too many parts.
pub fn sessions_of(files: &[PathBuf]) -> io::Result<Vec<SessionParts>> {
    let mut sessions: Vec<(SessionId, BTreeMap<u64, FilePart>)> = Vec::new();
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
            let found = FilePart { path: path.clone(), part, is_followed: is_alone };
            let known = sessions[place].1.get(&part.fragment);
            // Of two the longer has more of it.
            if known.is_none_or(|known| known.part.whole_bytes < part.whole_bytes) {
                sessions[place].1.insert(part.fragment, found);
            }
        }
    }
    Ok(sessions.into_iter().map(|(session, parts)| in_order(session, parts)).collect())
}

fn in_order(session: SessionId, parts: BTreeMap<u64, FilePart>) -> SessionParts {
    let last_alone = parts
        .values()
        .filter(|part| part.is_followed)
        .map(|part| part.part.fragment)
        .max()
        .unwrap_or_default();
    let mut parts: Vec<FilePart> = parts.into_values().collect();
    for part in &mut parts {
        part.is_followed &= part.part.fragment < last_alone;
    }
    SessionParts { session, parts }
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

    /// Bytes of the fragment as it is on its own.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter.
    pub fn read(&self, stretch: Range<u64>) -> io::Result<Vec<u8>> {
        let (magic, of_file) = self.part.place(stretch);
        let mut bytes = magic.to_vec();
        let length = of_file.end - of_file.start;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(of_file.start))?;
        let read = file.take(length).read_to_end(&mut bytes)?;
        if read as u64 == length {
            return Ok(bytes);
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} became shorter", self.path.display())))
    }
}
