//! Session files that come into a folder and those below it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use kymo_format::limits::HEADER_BYTES_MAX;
use kymo_format::{Header, Item, Reader};

use crate::session::{DEPTH_MAX, FILES_MAX};

const ENDING: &str = "kymo";
/// Looks after which folders are listed that do not seem changed: the moment of a change is coarser than two files that
/// come one after the other.
const LIST_EVERY: u32 = 20;
/// Bytes that certainly hold the header: its limit, and the first bytes and frame of its chunk.
const HEAD_BYTES: u64 = HEADER_BYTES_MAX as u64 + 64;

/// A session file that was not there before.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) path: PathBuf,
    pub(super) header: Arc<Header>,
}

#[derive(Debug, Default)]
struct Folder {
    depth: usize,
    changed_at: Option<SystemTime>,
    /// Session files in it whose headers were read.
    files: HashSet<OsString>,
}

/// The folders, with what is known to be in them.
#[derive(Debug)]
pub(super) struct Files {
    folders: HashMap<PathBuf, Folder>,
    looks: u32,
    count: usize,
    is_full: bool,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { folders: HashMap::from([(root, Folder::default())]), looks: 0, count: 0, is_full: false }
    }

    /// What came since the last look. Costs a system call a folder where nothing did.
    pub(super) fn look(&mut self, notes: &mut Vec<String>) -> Vec<NewFile> {
        let lists_all = self.looks.is_multiple_of(LIST_EVERY);
        self.looks = self.looks.wrapping_add(1);
        let mut came = Vec::new();
        let mut waiting: Vec<PathBuf> = self.folders.keys().cloned().collect();
        while let Some(path) = waiting.pop() {
            let changed_at = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            let known = self.folders.get(&path);
            let is_changed = known.is_none_or(|folder| folder.changed_at != changed_at);
            if !(lists_all || is_changed) {
                continue;
            }
            if let Some(below) = self.list(&path, changed_at, &mut came, notes) {
                waiting.extend(below);
            } else {
                self.count -= self.folders.remove(&path).map_or(0, |folder| folder.files.len());
            }
        }
        came
    }

    /// Folders below that are new; `None` where it cannot be listed any more.
    fn list(
        &mut self,
        path: &Path,
        changed_at: Option<SystemTime>,
        came: &mut Vec<NewFile>,
        notes: &mut Vec<String>,
    ) -> Option<Vec<PathBuf>> {
        let entries = fs::read_dir(path).ok()?;
        let before = self.folders.remove(path).unwrap_or_default();
        let mut folder = Folder { depth: before.depth, changed_at, files: HashSet::new() };
        let mut below = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let Ok(kind) = entry.file_type() else { continue };
            let at = entry.path();
            // Links are followed to files only: folders could go round in circles.
            if kind.is_dir() {
                if folder.depth < DEPTH_MAX && !self.folders.contains_key(&at) {
                    self.folders.insert(at.clone(), Folder { depth: folder.depth + 1, ..Folder::default() });
                    below.push(at);
                }
            } else if at.extension().is_some_and(|ending| ending == ENDING) {
                let name = entry.file_name();
                if before.files.contains(&name) {
                    folder.files.insert(name);
                    continue;
                }
                if self.count + folder.files.len() >= FILES_MAX.max(before.files.len()) {
                    if !std::mem::replace(&mut self.is_full, true) {
                        notes.push(format!(
                            "{}: not everything is looked at: expected at most {FILES_MAX} session files",
                            path.display()
                        ));
                    }
                    continue;
                }
                // One without a header that can be read is looked at again when its folder changes.
                if let Ok(Some(header)) = head_of(&at) {
                    folder.files.insert(name);
                    came.push(NewFile { path: at, header });
                }
            }
        }
        self.count = (self.count + folder.files.len()).saturating_sub(before.files.len());
        self.folders.insert(path.to_owned(), folder);
        Some(below)
    }
}

/// The header of the fragment that a file begins with; `None` where it does not begin with one.
pub(super) fn head_of(path: &Path) -> io::Result<Option<Arc<Header>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut bytes)?;
    let mut reader = Reader::new();
    reader.feed(&bytes);
    Ok(match reader.next() {
        Some(Item::Header(header)) => Some(header),
        _ => None,
    })
}
