//! What of a session is known to have arrived: a small file beside it, `STEM.sent`. Without it, or with one that cannot be
//! read, the server is asked again, which knows better.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::repository::names::FileName;

/// Longest that is read: some hundred bytes, and 60 a fragment.
const BYTES_MAX: u64 = 1 << 20;

/// What is known to have arrived of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Where: the server's address, or `mail`. What arrived elsewhere counts for nothing there.
    pub to: String,
    /// What it wants of it: the word of its last answer.
    pub wanted: String,
    /// By number.
    pub fragments: BTreeMap<u64, SentFragment>,
    /// All of it, through its end.
    pub is_whole: bool,
}

/// What arrived of a fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentFragment {
    /// Bytes of it, from its beginning.
    pub bytes: u64,
    /// It is known to be all of it.
    pub is_complete: bool,
}

/// [`Sent::to`] of what went by mail.
pub(crate) const BY_MAIL: &str = "mail";

impl Sent {
    /// What is known went by mail.
    pub fn is_by_mail(&self) -> bool {
        self.to == BY_MAIL
    }

    /// Of a session of that folder; empty where nothing is known.
    pub(crate) fn read(folder: &Path, stem: &FileName) -> Self {
        let mut text = String::new();
        let read = File::open(folder.join(stem.sent()))
            .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Writes it in one step.
    pub(crate) fn write(&self, folder: &Path, stem: &FileName) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let new = folder.join(format!("{}-{}-new", stem.sent(), std::process::id()));
        let _ = std::fs::remove_file(&new);
        crate::spool::disk::create(&new)?.write_all(&text)?;
        std::fs::rename(&new, folder.join(stem.sent()))
    }
}
