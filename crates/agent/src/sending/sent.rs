//! What of a session is known to have arrived: a small file beside it, `STEM.sent`. Without it, or with one that cannot be
//! read, the server is asked again, which knows better.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::repository::names::FileName;
use crate::spool::disk;

/// Longest that is read: some hundred bytes, and 60 a fragment.
const BYTES_MAX: u64 = 1 << 20;

/// What is known to have arrived of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Where: the server's address. What arrived elsewhere counts for nothing there.
    pub to: String,
    /// What it wants of it: the word of its last answer.
    pub wanted: String,
    /// By number.
    pub fragments: BTreeMap<u64, SentFragment>,
    /// All of it, through its end.
    pub is_whole: bool,
    /// The server wanted less at first, and then all of it: somebody there asked for it.
    pub is_requested: bool,
    /// What went by mail: apart, so that neither way forgets what went the other.
    #[serde(skip_serializing_if = "Mailed::is_empty")]
    pub mailed: Mailed,
}

/// What of a session went by mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mailed {
    /// By number.
    pub fragments: BTreeMap<u64, SentFragment>,
    /// All of it, through its end.
    pub is_whole: bool,
}

impl Mailed {
    fn is_empty(&self) -> bool {
        self.fragments.is_empty() && !self.is_whole
    }
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

impl Sent {
    /// Of a session of that folder; empty where nothing is known.
    pub(crate) fn read(folder: &Path, stem: &FileName) -> Self {
        let mut text = String::new();
        let read = File::open(folder.join(stem.sent()))
            .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// What is known to have arrived at that place.
    pub(crate) fn at(self, to: &str) -> Self {
        if self.to == to {
            return self;
        }
        Self { to: to.to_owned(), mailed: self.mailed, ..Self::default() }
    }

    /// Nothing is to be sent of that fragment.
    pub(crate) fn is_done(&self, fragment: u64) -> bool {
        self.fragments.get(&fragment).is_some_and(|sent| sent.is_complete || sent.is_given_up)
    }

    /// With what another sender found out meanwhile.
    pub(crate) fn merged(mut self, other: &Self) -> Self {
        if other.to == self.to {
            merge(&mut self.fragments, &other.fragments);
            self.is_whole |= other.is_whole;
            self.is_requested |= other.is_requested;
        }
        merge(&mut self.mailed.fragments, &other.mailed.fragments);
        self.mailed.is_whole |= other.mailed.is_whole;
        self
    }

    /// The server does not have these: they are to be sent again.
    pub(crate) fn forget(&mut self, lost: &[u64]) {
        self.fragments.retain(|number, _| !lost.contains(number));
        self.is_whole = false;
    }

    /// The same in the file. Where that cannot be written the next one who looks finds out, too.
    pub(crate) fn forgotten(&self, lost: &[u64], folder: &Path, stem: &FileName) {
        let mut known = Self::read(folder, stem).at(&self.to);
        known.forget(lost);
        let _ = known.write(folder, stem);
    }

    /// Writes it in one step.
    pub(crate) fn write(&self, folder: &Path, stem: &FileName) -> io::Result<()> {
        disk::replace(&folder.join(stem.sent()), self)
    }
}

fn merge(ours: &mut BTreeMap<u64, SentFragment>, theirs: &BTreeMap<u64, SentFragment>) {
    for (number, theirs) in theirs {
        let ours = ours.entry(*number).or_default();
        ours.bytes = ours.bytes.max(theirs.bytes);
        ours.is_complete |= theirs.is_complete;
        ours.is_given_up |= theirs.is_given_up;
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
        // What went by mail is told apart, wherever else it goes.
        let mailed = Mailed { fragments: both.fragments.clone(), is_whole: true };
        let mail = Sent { mailed: mailed.clone(), ..Sent::default() };
        assert_eq!(both.clone().merged(&mail), Sent { mailed: mailed.clone(), ..both.clone() });
        assert_eq!(mail.clone().at("https://b").mailed, mailed);
        mail.write(folder.path(), &stem).unwrap();
        assert_eq!(Sent::read(folder.path(), &stem), mail);
        // And what a server lost is sent again.
        let mut lost = Sent { is_whole: true, ..both.clone() };
        lost.write(folder.path(), &stem).unwrap();
        lost.forget(&[1]);
        lost.forgotten(&[1], folder.path(), &stem);
        assert_eq!(Sent::read(folder.path(), &stem), lost);
        assert!(!lost.is_whole && lost.is_done(2) && !lost.is_done(1));
        std::fs::write(folder.path().join(stem.sent()), "{").unwrap();
        assert_eq!(Sent::read(folder.path(), &stem), Sent::default());
    }
}
