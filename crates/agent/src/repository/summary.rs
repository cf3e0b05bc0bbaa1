//! What a session is, in a small file beside it, so that a list of sessions needs not read them.
//!
//! `NAME.session` is JSON, written anew and renamed into place: at the start, every quarter of a minute while there is
//! something new, and at the end. Whoever finds none, or one that is older than the session's file, reads that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use kymo_model::EndReason;
use serde::{Deserialize, Serialize};

use crate::session::Tally;
use crate::spool::disk;

/// Longest summary that is read; ours are below one KiB and a resource's properties.
const BYTES_MAX: u64 = 512 * 1024;

/// A session as a list of sessions shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The session's id.
    pub id: String,
    /// The product that the application belongs to.
    pub product: String,
    /// The application.
    pub application: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whose session it is: the application's id for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The process.
    pub pid: u32,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// When its last message was made.
    pub last_at: String,
    /// `running`, or `ended`. A process that was killed leaves `running` here until its session is recovered.
    pub state: String,
    /// How it ended: `normal`, `crashed`, `killed`, `lost_power`, `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// The session before it, where this process was forked off one that records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// Its messages.
    #[serde(flatten)]
    pub tally: Tally,
    /// Number of its last record.
    pub last_sequence: u64,
    /// Messages that were not kept, for whatever reason.
    pub dropped: u64,
    /// The same by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub losses: BTreeMap<String, u64>,
    /// Fragments there were so far; the oldest may be pruned.
    pub fragments: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Summary {
    /// It is going on, by its own last word.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    pub(crate) fn end_reason(&self) -> Option<EndReason> {
        let word = self.end_reason.as_deref()?;
        let mut all = [
            EndReason::Normal,
            EndReason::Crashed,
            EndReason::Killed,
            EndReason::TimedOut,
            EndReason::LostPower,
            EndReason::Unknown,
        ]
        .into_iter();
        all.find(|reason| reason.as_str() == word)
    }

    /// Reads one. Errors: what the disk says; `InvalidData` for what is no summary.
    pub fn read(path: &Path) -> io::Result<Self> {
        use io::Read;
        let mut text = String::new();
        File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
        serde_json::from_str(&text).map_err(|error| {
            let text = format!("{}: expected the summary of a session: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Writes it in one step: who reads meanwhile finds the one before or this.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        disk::replace(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_written_and_others_are_told_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.session");
        let summary = Summary { id: "x".into(), pid: 7, state: "running".into(), ..Summary::default() };
        for pid in [7, 8] {
            let summary = Summary { pid, ..summary.clone() };
            summary.write(&path).unwrap();
            assert_eq!(Summary::read(&path).unwrap(), summary);
        }
        std::fs::write(&path, "{\"id\": 7}").unwrap();
        let error = Summary::read(&path).unwrap_err().to_string();
        assert!(error.contains("a.session") && error.contains("line 1 column 8"), "{error}");
    }
}
