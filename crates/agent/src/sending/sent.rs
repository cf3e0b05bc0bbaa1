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
    /// The server wanted less at first, and then all of it: somebody there asked for it.
    pub is_requested: bool,
}

/// What arrived of a fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentFragment {
    /// Bytes of it, from its beginning.
    pub bytes: u64,
    /// It is known to be all of it.
    pub is_complete: bool,
    /// The server has other bytes, or takes no fragment like it: it is not tried again, and not purged.
    pub is_given_up: bool,
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

    /// What is known to have arrived at that place.
    pub(crate) fn at(self, to: &str) -> Self {
        if self.to == to { self } else { Self { to: to.to_owned(), ..Self::default() } }
    }

    /// Nothing is to be sent of that fragment.
    pub(crate) fn is_done(&self, fragment: u64) -> bool {
        self.fragments.get(&fragment).is_some_and(|sent| sent.is_complete || sent.is_given_up)
    }

    /// With what another sender found out meanwhile.
    pub(crate) fn merged(mut self, other: &Self) -> Self {
        if other.to == self.to {
            for (number, theirs) in &other.fragments {
                let ours = self.fragments.entry(*number).or_default();
                ours.bytes = ours.bytes.max(theirs.bytes);
                ours.is_complete |= theirs.is_complete;
                ours.is_given_up |= theirs.is_given_up;
            }
            self.is_whole |= other.is_whole;
            self.is_requested |= other.is_requested;
        }
        self
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

#[cfg(test)]
mod tests {
    use kymo_model::{SessionId, Timestamp};

    use super::*;

    #[test]
    fn what_two_senders_know_is_put_together_and_elsewhere_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stem =
            FileName::new(SessionId::from_u128(7), Timestamp::from_unix_millis(1_790_000_000_000).unwrap());
        assert_eq!(Sent::read(folder.path(), &stem), Sent::default());
        let sent = |fragment, bytes, is_complete| Sent {
            to: "https://a".to_owned(),
            fragments: BTreeMap::from([(fragment, SentFragment { bytes, is_complete, is_given_up: false })]),
            ..Sent::default()
        };
        let both = sent(1, 5, false).merged(&sent(1, 3, true)).merged(&sent(2, 9, true));
        assert_eq!(both.fragments[&1], SentFragment { bytes: 5, is_complete: true, is_given_up: false });
        assert!(both.is_done(2) && !both.is_done(3));
        both.write(folder.path(), &stem).unwrap();
        assert_eq!(Sent::read(folder.path(), &stem), both);
        assert!(both.clone().at("https://b").fragments.is_empty());
        assert_eq!(both.clone().at("https://a"), both);
        std::fs::write(folder.path().join(stem.sent()), "{").unwrap();
        assert_eq!(Sent::read(folder.path(), &stem), Sent::default());
    }
}
