//! Somebody wants a session sent, also while it runs: a small file beside it, `STEM.wish`, so that it holds whatever
//! becomes of the process, and whoever sends for the folder finds it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::repository::names::FileName;
use crate::spool::disk;

/// Longest wish that is read; ours have some hundred bytes.
const BYTES_MAX: u64 = 64 * 1024;
/// Held by who changes a wish of the folder, for a millisecond.
const LOCK: &str = "wish.lock";

/// What is wanted of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is said by itself, and added to the others")]
pub struct Wish {
    /// What there is of it now, also of the fragment that is being written.
    pub now: bool,
    /// All of it, through its end.
    pub through_end: bool,
    /// All of it, but not before it has ended.
    pub when_ended: bool,
    /// A person asked for it: consent does not hold it.
    pub user_asked: bool,
    /// Nobody asked for it but the rule for errors: what the server does not want of it stays.
    pub by_rule: bool,
    /// When it was wished last: RFC 3339, UTC.
    pub at: String,
}

impl Wish {
    pub(crate) fn read(folder: &Path, stem: &FileName) -> io::Result<Option<Self>> {
        let path = folder.join(stem.wish());
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => file.take(BYTES_MAX).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let text = format!("{}: expected a wish: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Adds to what is wished of a session already.
    pub(crate) fn make(self, folder: &Path, stem: &FileName) -> io::Result<()> {
        Self::change(folder, stem, |known| {
            let by_rule = self.by_rule && known.as_ref().is_none_or(|known| known.by_rule);
            let before = known.unwrap_or_default();
            Some(Self {
                by_rule,
                now: self.now || before.now,
                through_end: self.through_end || before.through_end,
                when_ended: self.when_ended || before.when_ended,
                user_asked: self.user_asked || before.user_asked,
                at: clock::now().to_string(),
            })
        })
    }

    /// Changes what is wished, while nobody else does: threads, processes and the helper make wishes and fulfil them. What
    /// cannot be read is no wish; one that wishes nothing is removed.
    pub(crate) fn change(
        folder: &Path,
        stem: &FileName,
        change: impl FnOnce(Option<Self>) -> Option<Self>,
    ) -> io::Result<()> {
        let _lock = disk::lock_briefly(&folder.join(LOCK))?;
        let known = Self::read(folder, stem).ok().flatten();
        match change(known.clone()).filter(|wish| wish.now || wish.through_end || wish.when_ended) {
            Some(wish) if known.as_ref() == Some(&wish) => Ok(()),
            Some(wish) => disk::replace(&folder.join(stem.wish()), &wish),
            None => Self::remove(folder, stem),
        }
    }

    /// It was fulfilled.
    pub(crate) fn remove(folder: &Path, stem: &FileName) -> io::Result<()> {
        match std::fs::remove_file(folder.join(stem.wish())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
