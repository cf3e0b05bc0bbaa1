//! How sending goes: for [`kymo::status`](crate::status), and in a file for who looks from outside, `send-status.json`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::spool::disk;

/// Beside the lock of who sends.
const FILE: &str = "send-status.json";
/// Longest that is read; ours have some KiB.
const BYTES_MAX: u64 = 256 * 1024;
/// Texts that are kept; the oldest go.
const NOTES_MAX: usize = 10;
/// Of a text: most of it is foreign.
const TEXT_BYTES_MAX: usize = 1024;

/// How sending goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SendStatus {
    /// This process sends for the folder. Otherwise another does, and the rest is its word.
    pub is_elected: bool,
    /// The process that said this.
    pub pid: u32,
    /// Where to.
    pub server: String,
    /// When the server last answered as it should: RFC 3339, UTC.
    pub last_success_at: Option<String>,
    /// When something last went wrong.
    pub last_failure_at: Option<String>,
    /// What that was: where, what was expected, what was found.
    pub last_failure: Option<String>,
    /// Failures of the server in a row.
    pub failures: u32,
    /// When it is tried again after these.
    pub next_try_at: Option<String>,
    /// Sessions of which something is to be sent that is not there.
    pub sessions_unsent: u64,
    /// Bytes of that.
    pub bytes_pending: u64,
    /// Sessions that were sent whole since this process sends.
    pub sessions_sent: u64,
    /// Bytes that were sent since.
    pub bytes_sent: u64,
    /// Consent holds something.
    pub is_held: bool,
    /// What is odd, in words, oldest first.
    pub notes: Vec<String>,
}

impl SendStatus {
    /// What is said in a folder: an application's, or a product's where one process sends for all its applications. Empty
    /// where nothing is, or nothing that can be read.
    pub fn read(folder: &Path) -> Self {
        let mut text = String::new();
        let read =
            File::open(folder.join(FILE)).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Writes it in one step.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        disk::replace(&folder.join(FILE), self)
    }

    /// Adds what came of sending something by hand.
    pub(super) fn record(folder: &Path, server: &str, failure: Option<&str>, bytes: u64) {
        let mut status = Self::read(folder);
        server.clone_into(&mut status.server);
        status.bytes_sent += bytes;
        match failure {
            Some(text) => status.failed(text, None),
            None => status.succeeded(),
        }
        // It is told by the report, too.
        let _ = status.write(folder);
    }

    pub(super) fn succeeded(&mut self) {
        self.last_success_at = Some(clock::now().to_string());
    }

    pub(super) fn failed(&mut self, text: &str, next_try: Option<Duration>) {
        let now = clock::now();
        self.last_failure_at = Some(now.to_string());
        self.last_failure = Some(text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned());
        self.next_try_at = next_try.map(|wait| now.plus(wait).to_string());
    }

    pub(super) fn note(&mut self, notes: &[String]) {
        for note in notes {
            let note = &note[..note.floor_char_boundary(TEXT_BYTES_MAX)];
            if !self.notes.iter().any(|known| known == note) {
                self.notes.push(note.to_owned());
            }
        }
        let too_many = self.notes.len().saturating_sub(NOTES_MAX);
        self.notes.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_written_and_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SendStatus::read(folder.path()), SendStatus::default());
        let mut status = SendStatus { server: "https://a".to_owned(), ..SendStatus::default() };
        for number in 0..100 {
            status.note(&["x".repeat(100_000), format!("note {number}")]);
            status.failed(&"ü".repeat(100_000), Some(Duration::from_secs(5)));
        }
        assert_eq!((status.notes.len(), status.notes.last().unwrap().as_str()), (NOTES_MAX, "note 99"));
        assert!(
            status.last_failure.as_ref().unwrap().len() <= TEXT_BYTES_MAX && status.next_try_at.is_some()
        );
        status.write(folder.path()).unwrap();
        assert_eq!(SendStatus::read(folder.path()), status);
        std::fs::write(folder.path().join(FILE), "[").unwrap();
        SendStatus::record(folder.path(), "https://a", None, 7);
        let status = SendStatus::read(folder.path());
        assert_eq!((status.bytes_sent, status.last_failure), (7, None));
        assert!(status.last_success_at.is_some());
    }
}
