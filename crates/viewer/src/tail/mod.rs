//! Sessions of a folder while programs record them: what they write is told as it comes, without a server.
//!
//! ```text
//!  Files: the folder -> session files that came      Growing: fragment after fragment -> records behind a cursor
//!  Tail:  both, each time it is asked
//! ```

mod files;
mod growing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kymo_format::Header;
use kymo_model::SessionId;

use self::files::{Files, NewFile, head_of};
use self::growing::{Fragments, Growing, PIECE_BYTES};
use crate::error::ViewError;
use crate::session::ChannelItem;

/// Sessions followed at a time: each holds a file open, of which a process has 1,024 nearly everywhere.
pub const FOLLOWED_MAX: usize = 500;

/// From where on a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// What is written from now on; sessions that begin later from their start.
    Now,
    /// All that there is.
    Start,
    /// Behind that sequence.
    After(u64),
}

/// Something of a session.
#[derive(Debug)]
pub struct Told<'tail> {
    /// Whose.
    pub header: &'tail Arc<Header>,
    /// The file that is being read.
    pub path: &'tail Path,
    /// What.
    pub item: ChannelItem,
}

/// What takes what is told; an error of it ends the reading.
pub type Take<'take> = dyn FnMut(Told<'_>) -> io::Result<()> + 'take;

/// Follows sessions of a folder: all that run, or one.
#[derive(Debug)]
pub struct Tail {
    files: Files,
    only: Option<SessionId>,
    from: From,
    followed: HashMap<SessionId, Growing>,
    has_looked: bool,
    /// The one session has ended.
    is_over: bool,
    notes: Vec<String>,
    piece: Vec<u8>,
}

impl Tail {
    /// Of a folder and those below it, or of the session of a file. With `only` no other session.
    ///
    /// # Errors
    /// There is no such folder or file, or it is no session file.
    pub fn new(path: &Path, only: Option<SessionId>, from: From) -> Result<Self, ViewError> {
        let metadata = std::fs::metadata(path).map_err(|error| ViewError::at(path, error))?;
        let (mut root, mut only) = (path.to_owned(), only);
        if !metadata.is_dir() {
            let head = head_of(path).map_err(|error| ViewError::at(path, error))?;
            let head =
                head.ok_or_else(|| ViewError::input(format!("{} is no session file", path.display())))?;
            only.get_or_insert(head.session);
            root = path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
        }
        Ok(Self {
            files: Files::new(root),
            only,
            from,
            followed: HashMap::new(),
            has_looked: false,
            is_over: false,
            notes: Vec::new(),
            piece: vec![0; PIECE_BYTES],
        })
    }

    /// Tells what came since the last time. It looks at the folder and the files, and does not wait: call it again
    /// after a tenth of a second or so.
    ///
    /// # Errors
    /// What `take` said. What cannot be read is noted instead.
    pub fn poll(&mut self, take: &mut Take<'_>) -> io::Result<()> {
        let came = self.files.look(&mut self.notes);
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        self.arrive(came, is_first);
        let mut over = Vec::new();
        for (id, growing) in &mut self.followed {
            growing.poll(&mut self.piece, take)?;
            self.notes.append(&mut growing.notes);
            if growing.is_over() {
                over.push(*id);
            }
        }
        for id in over {
            self.followed.remove(&id);
            self.is_over |= self.only.is_some();
        }
        Ok(())
    }

    /// The one session that was asked for has ended, and all of it was told.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many sessions are followed.
    pub fn followed(&self) -> usize {
        self.followed.len()
    }

    /// Folders of sessions that are followed.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.followed.values().filter_map(Growing::folder).collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }

    /// What a person should know, once.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn arrive(&mut self, came: Vec<NewFile>, is_first: bool) {
        let mut sessions: HashMap<SessionId, Fragments> = HashMap::new();
        for file in came {
            let id = file.header.session;
            if self.only.is_some_and(|only| only != id) {
                continue;
            }
            if let Some(growing) = self.followed.get_mut(&id) {
                growing.fragment(file);
            } else {
                sessions.entry(id).or_default().insert(file.header.fragment, file);
            }
        }
        let mut sessions: Vec<_> = sessions.into_iter().collect();
        // Ids are ordered by when sessions began: of too many the newest are followed.
        sessions.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        for (id, fragments) in sessions {
            if self.followed.len() >= FOLLOWED_MAX {
                let note = format!("session {id} is not followed: expected at most {FOLLOWED_MAX} at a time");
                self.notes.push(note);
                continue;
            }
            let from = if is_first { self.from } else { From::After(0) };
            match Growing::begin(fragments, from, self.only.is_some()) {
                Ok(Some(growing)) => {
                    self.followed.insert(id, growing);
                }
                Ok(None) => {}
                Err(error) => self.notes.push(format!("session {id} cannot be read: {error}")),
            }
        }
    }
}
