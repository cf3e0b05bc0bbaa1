//! Which sessions are meant, and what of them is there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use kymo_model::SessionId;
use serde::{Deserialize, Serialize};

use super::{Sent, Wish};
use crate::repository::Summary;
use crate::repository::names::FileName;

/// Which sessions; what fits any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of conditions that people choose by name")]
pub struct Criteria {
    /// That ended.
    pub completed: bool,
    /// That were not sent whole before, to the server or by mail.
    pub new: bool,
    /// That crashed or were killed.
    pub crashed: bool,
    /// With an error, or worse.
    pub with_errors: bool,
    /// That run.
    pub active: bool,
    /// That a person asked for.
    pub asked: bool,
    /// Every one.
    pub all: bool,
}

impl Criteria {
    /// Every session.
    pub const ALL: Self = Self {
        completed: false,
        new: false,
        crashed: false,
        with_errors: false,
        active: false,
        asked: false,
        all: true,
    };
    /// What was not sent whole before.
    pub const NEW: Self = Self { new: true, all: false, ..Self::ALL };

    /// Whether a session is meant.
    pub fn fits(self, session: &Local) -> bool {
        let summary = &session.summary;
        let reason = summary.end_reason.as_deref();
        self.all
            || (self.completed && !session.is_running)
            || (self.new && !session.sent.is_whole && !session.sent.mailed.is_whole)
            || (self.crashed && reason.is_some_and(|reason| ["crashed", "killed"].contains(&reason)))
            || (self.with_errors && summary.tally.errors + summary.tally.fatal > 0)
            || (self.active && session.is_running)
            || (self.asked && session.wish.as_ref().is_some_and(|wish| wish.user_asked))
    }
}

/// A session of the repository.
#[derive(Clone, Debug)]
pub struct Local {
    /// The application's folder.
    pub folder: PathBuf,
    pub(crate) stem: FileName,
    /// What it is, by its own last word.
    pub summary: Summary,
    /// What is there of it, oldest first.
    pub fragments: Vec<LocalFragment>,
    /// Its process holds it, or it waits to be recovered.
    pub is_running: bool,
    /// What is known to have arrived.
    pub sent: Sent,
    /// What somebody wants of it.
    pub wish: Option<Wish>,
}

impl Local {
    /// Its id.
    pub fn id(&self) -> Option<SessionId> {
        self.stem.session()
    }

    /// Whether a server with that policy wants it. What is not known here is wanted.
    pub(super) fn is_wanted(&self, policy: &str) -> bool {
        let tally = &self.summary.tally;
        match policy {
            "none" => false,
            "with_errors" => tally.errors + tally.fatal > 0,
            _ => true,
        }
    }

    /// Somebody wants it, not only the rule for errors.
    pub(super) fn is_wished_by_somebody(&self) -> bool {
        self.wish.as_ref().is_some_and(|wish| !wish.by_rule)
    }

    /// A fragment that is not the newest is just being closed.
    pub(super) fn has_unsettled(&self) -> bool {
        self.fragments.iter().rev().skip(1).any(|fragment| !fragment.is_closed)
    }
}

/// A fragment on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFragment {
    /// From 1.
    pub number: u64,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of it, when it was looked at.
    pub bytes: u64,
    /// Nothing will follow in it.
    pub is_closed: bool,
}

/// The sessions of an application's folder, oldest first. What has no summary, or no fragment, is left out; so is what
/// cannot be read.
///
/// Errors: what the disk says of the folder itself.
pub fn select(folder: &Path, criteria: Criteria) -> io::Result<Vec<Local>> {
    select_if(folder, |session| criteria.fits(session))
}

/// Those of which `fits` says so: of the others nothing stays in memory.
pub(super) fn select_if(folder: &Path, fits: impl Fn(&Local) -> bool) -> io::Result<Vec<Local>> {
    let mut files: BTreeMap<FileName, Vec<(u64, u64)>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let (Some(stem), Some(number)) = (FileName::of(name), FileName::number_of(name))
            && let Ok(found) = entry.metadata()
        {
            files.entry(stem).or_default().push((number, found.len()));
        }
    }
    let sessions = files.into_iter().filter_map(|(stem, fragments)| local(folder, stem, fragments));
    Ok(sessions.filter(fits).collect())
}

/// A session with the numbers and lengths of its fragments.
fn local(folder: &Path, stem: FileName, mut files: Vec<(u64, u64)>) -> Option<Local> {
    let summary = Summary::read(&folder.join(stem.summary())).ok()?;
    let sent = Sent::read(folder, &stem);
    let wish = Wish::read(folder, &stem).ok().flatten();
    // One that is empty is just being made, or was when its process was killed.
    files.retain(|(_, bytes)| *bytes > 0);
    files.sort_unstable();
    let newest = folder.join(stem.fragment(files.last()?.0));
    let is_running = summary.is_running() || folder.join(stem.spool()).exists() || is_held(&newest);
    let fragments = files.into_iter().map(|(number, bytes)| {
        let path = folder.join(stem.fragment(number));
        let is_newest = path == newest;
        // Behind the newest one its process may still write the index of the one before.
        let is_closed = if is_newest { !is_running } else { sent.is_done(number) || !is_held(&path) };
        LocalFragment { number, path, bytes, is_closed }
    });
    let fragments = fragments.collect();
    Some(Local { folder: folder.to_owned(), stem, summary, fragments, is_running, sent, wish })
}

/// Whether all that is there of a session is done, by a listing of now too: since it was selected, its process may have begun
/// a last fragment and ended.
pub(super) fn has_all(local: &Local, is_done: impl Fn(u64) -> bool) -> io::Result<bool> {
    let is_known = local.fragments.iter().all(|fragment| is_done(fragment.number));
    Ok(is_known && there_now(local)?.into_iter().all(is_done))
}

/// Numbers of the fragments that are there now, but of those that are empty: nothing was written before its process ended.
pub(super) fn there_now(local: &Local) -> io::Result<Vec<u64>> {
    let found = crate::repository::fragments(&local.folder, &local.stem)?;
    let has_bytes = |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.len() > 0);
    Ok(found.into_iter().filter(|(_, path)| has_bytes(path)).map(|(number, _)| number).collect())
}

/// Its process holds it, or somebody who recovers it.
pub(super) fn is_held(fragment: &Path) -> bool {
    File::open(fragment).is_ok_and(|file| file.try_lock_shared().is_err())
}

#[cfg(test)]
mod tests {
    use kymo_model::Timestamp;

    use super::*;

    #[test]
    fn a_fragment_that_came_after_the_listing_counts_too() {
        let folder = tempfile::tempdir().unwrap();
        let started_at = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let stem = FileName::new(SessionId::from_u128(7), started_at);
        std::fs::write(folder.path().join(stem.fragment(1)), [0; 100]).unwrap();
        let summary = Summary { state: "ended".to_owned(), ..Summary::default() };
        summary.write(&folder.path().join(stem.summary())).unwrap();
        let local = select(folder.path(), Criteria::ALL).unwrap().remove(0);
        assert!(!has_all(&local, |_| false).unwrap());
        assert!(has_all(&local, |number| number == 1).unwrap());
        // One that is empty says nothing.
        std::fs::write(folder.path().join(stem.fragment(2)), "").unwrap();
        assert!(has_all(&local, |number| number == 1).unwrap());
        std::fs::write(folder.path().join(stem.fragment(2)), [0; 10]).unwrap();
        assert!(!has_all(&local, |number| number == 1).unwrap());
        assert!(has_all(&local, |_| true).unwrap());
    }
}
