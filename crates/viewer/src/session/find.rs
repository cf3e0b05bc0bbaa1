//! Which files there are, and which of them are one session.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kymo_format::Header;
use kymo_model::{SessionId, Timestamp};

use super::parts::{parts, pieces};
use crate::error::ViewError;

/// Folders below the one that was named: product, application and what people put around them.
pub const DEPTH_MAX: usize = 8;
/// Session files looked at. The agent keeps 150 MB of fragments of up to 4 MB; a folder of everything a
/// department has sent is some ten thousand. Each costs one open and read.
pub const FILES_MAX: usize = 20_000;
/// Entries of folders looked at, session files or not: somebody's whole disk must not take minutes.
const ENTRIES_MAX: usize = 500_000;
const ENDING: &str = "kymo";

/// One file of a session, or a part of a file that holds several.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// Where.
    pub path: PathBuf,
    /// Byte of the file at which it begins.
    pub start: u64,
    /// Byte of the file before which it ends; `None`: at the file's end, which may grow.
    pub end: Option<u64>,
    /// How long it was when it was found.
    pub bytes: u64,
    /// What it says of itself, if that can be read.
    pub header: Option<Arc<Header>>,
}

/// The files of one session, in order.
#[derive(Clone, Debug)]
pub struct SessionFiles {
    /// At least one. A file without a header that can be read is a session of its own.
    pub fragments: Vec<Fragment>,
    /// What a person should know about them.
    pub notes: Vec<String>,
}

impl SessionFiles {
    /// What the first fragment says, if any does.
    pub fn header(&self) -> Option<&Arc<Header>> {
        self.fragments.iter().find_map(|fragment| fragment.header.as_ref())
    }

    /// Whose files.
    pub fn id(&self) -> Option<SessionId> {
        self.header().map(|header| header.session)
    }

    /// When it began; files without a header count as oldest.
    pub fn started_at(&self) -> Timestamp {
        self.header().map_or(Timestamp::MIN, |header| header.started_at)
    }

    /// All fragments.
    pub fn bytes(&self) -> u64 {
        self.fragments.iter().map(|fragment| fragment.bytes).sum()
    }

    /// The id, or else the file.
    pub fn name(&self) -> String {
        self.id().map_or_else(|| self.fragments[0].path.display().to_string(), |id| id.to_string())
    }
}

/// What is in a file or a folder.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Oldest start first.
    pub sessions: Vec<SessionFiles>,
    /// What a person should know: folders that may not be read, limits that were met.
    pub notes: Vec<String>,
}

/// Sessions of a folder, or that of a file with all its fragments beside it.
///
/// # Errors
/// There is nothing of that name, or it may not be read.
pub fn find(path: &Path) -> Result<Found, ViewError> {
    let metadata = fs::metadata(path).map_err(|error| ViewError::at(path, error))?;
    if metadata.is_dir() {
        let mut search = Search::default();
        search.folder(path, 0).map_err(|error| ViewError::at(path, error))?;
        return Ok(search.done());
    }
    let (named, is_cut) = parts(path).map_err(|error| ViewError::at(path, error))?;
    let mut search = Search::default();
    let session = |fragment: &Fragment| fragment.header.as_ref().map(|header| header.session);
    // A package of many sessions is what was asked for; one session has its other files beside it.
    let is_one = named.iter().all(|fragment| session(fragment) == session(&named[0]));
    if let (true, Some(id), Some(folder)) = (is_one, session(&named[0]), folder_of(path)) {
        search.only = Some(id);
        // A folder that may not be listed has a file that may be read.
        if search.folder(folder, DEPTH_MAX).is_err() {
            search.found.clear();
        }
    }
    if !search.found.iter().any(|fragment| same_file(&fragment.path, path)) {
        search.found.extend(named);
        search.note_cut(path, is_cut);
    }
    Ok(search.done())
}

/// Fragments of the session that have come after the last one.
pub(crate) fn later_fragments(last: &Fragment) -> Vec<Fragment> {
    let (Some(header), Some(folder)) = (&last.header, folder_of(&last.path)) else { return Vec::new() };
    let mut search = Search { only: Some(header.session), ..Search::default() };
    if search.folder(folder, DEPTH_MAX).is_err() {
        return Vec::new();
    }
    let mut sessions = search.done().sessions;
    let mut fragments = sessions.pop().map(|session| session.fragments).unwrap_or_default();
    fragments.retain(|other| other.header.as_ref().is_some_and(|other| other.fragment > header.fragment));
    fragments
}

fn folder_of(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[derive(Default)]
struct Search {
    found: Vec<Fragment>,
    notes: Vec<String>,
    /// Fragments of this session only.
    only: Option<SessionId>,
    entries: usize,
    is_full: bool,
}

impl Search {
    fn folder(&mut self, folder: &Path, depth: usize) -> std::io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.entries += 1;
            if self.found.len() >= FILES_MAX || self.entries > ENTRIES_MAX {
                if !self.is_full {
                    self.notes.push(format!(
                        "{}: not everything was looked at: expected at most {FILES_MAX} session files, and {ENTRIES_MAX} files in all",
                        folder.display()
                    ));
                }
                self.is_full = true;
                return Ok(());
            }
            let path = entry.path();
            // Links are followed to files only: folders could go round in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if depth >= DEPTH_MAX {
                    if self.only.is_none() {
                        self.notes
                            .push(format!("{}: not looked into, {DEPTH_MAX} folders deep", path.display()));
                    }
                } else if let Err(error) = self.folder(&path, depth + 1) {
                    self.notes.push(format!("{} cannot be read: {error}", path.display()));
                }
            } else if path.extension().is_some_and(|ending| ending == ENDING) && path.is_file() {
                self.file(&path);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) {
        match parts(path) {
            Ok((parts, is_cut)) => {
                let is_wanted = |fragment: &Fragment| {
                    let header = fragment.header.as_ref();
                    self.only.is_none_or(|only| header.is_some_and(|header| header.session == only))
                };
                let wanted: Vec<Fragment> = parts.into_iter().filter(is_wanted).collect();
                self.found.extend(wanted);
                self.note_cut(path, is_cut);
            }
            Err(error) if self.only.is_none() => {
                self.notes.push(format!("{} cannot be read: {error}", path.display()));
            }
            Err(_) => {}
        }
    }

    fn note_cut(&mut self, path: &Path, is_cut: bool) {
        if is_cut {
            self.notes.push(format!("{}: not all of its sessions were looked at", path.display()));
        }
    }

    fn done(self) -> Found {
        let mut sessions: Vec<SessionFiles> = Vec::new();
        let mut places: HashMap<SessionId, usize> = HashMap::new();
        for fragment in self.found {
            let id = fragment.header.as_ref().map(|header| header.session);
            if let Some(&at) = id.and_then(|id| places.get(&id)) {
                sessions[at].fragments.push(fragment);
            } else {
                places.extend(id.map(|id| (id, sessions.len())));
                sessions.push(SessionFiles { fragments: vec![fragment], notes: Vec::new() });
            }
        }
        sessions.iter_mut().for_each(in_order);
        sessions.sort_by_key(SessionFiles::started_at);
        Found { sessions, notes: self.notes }
    }
}

/// By number. Of files with one number those stay that go on from one another.
fn in_order(session: &mut SessionFiles) {
    let number = |fragment: &Fragment| fragment.header.as_ref().map_or(0, |header| header.fragment);
    session.fragments.sort_by_key(number);
    let mut ordered: Vec<Fragment> = Vec::new();
    let mut rest = std::mem::take(&mut session.fragments).into_iter().peekable();
    while let Some(fragment) = rest.next() {
        let at = number(&fragment);
        let mut same = vec![fragment];
        while let Some(next) = rest.next_if(|next| next.header.is_some() && number(next) == at) {
            same.push(next);
        }
        if same.len() == 1 || same[0].header.is_none() {
            ordered.append(&mut same);
            continue;
        }
        let (mut kept, passed_over) = pieces(same);
        session.notes.extend(passed_over.iter().map(|fragment| {
            let path = fragment.path.display();
            format!("{path} is passed over: another file is fragment {at} of the session")
        }));
        ordered.append(&mut kept);
    }
    session.fragments = ordered;
}
