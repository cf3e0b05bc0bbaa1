//! Whether what is recorded may leave the machine: a person's word, kept for each product of a computer, for all its
//! applications.
//!
//! `ROOT/PRODUCT/consent.json`, written anew and renamed into place, by one process at a time (`consent.lock`): who only
//! counts a question must not write over a *no* that was said meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::names;
use crate::clock;
use crate::spool::disk;

const FILE: &str = "consent.json";
const LOCK: &str = "consent.lock";
/// Longest file that is read; ours have some hundred bytes.
const BYTES_MAX: u64 = 64 * 1024;

/// What was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsentState {
    /// Yes.
    Granted,
    /// No.
    Refused,
    /// For the session of then through its end, and those that were not sent when it was said; else no. What that is
    /// stands in the wishes of these sessions.
    Once,
    /// Nobody was asked, or said anything. Also what a newer version means that this one does not know.
    #[default]
    #[serde(other)]
    Unset,
}

/// What was said, when, by whom, and of which version of the product: to ask again when that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// An application of the product wants a yes before anything leaves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What was said.
    pub state: ConsentState,
    /// Version of the application that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who: the user of the operating system, unless the program records nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Starts at which the question was asked since the last answer, for `prompts_version`.
    pub prompts: u32,
    /// Version of the application that asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts_version: Option<String>,
    /// What is personal may be in it: for the program, which knows what that is.
    pub include_details: bool,
    /// Of *once*: the session that it holds for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_session: Option<String>,
}

impl Consent {
    /// What is stored for a product in the repository under that root; unset if nothing is.
    ///
    /// Errors: what the disk says; `InvalidData` for what is no consent.
    pub fn read(root: &Path, product: &str) -> io::Result<Self> {
        Self::read_in(&root.join(names::folder(product)))
    }

    pub(crate) fn read_in(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => file.take(BYTES_MAX).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        serde_json::from_str(&text).map_err(|error| {
            let text = format!("{}: expected a consent: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Stores what was said now, in the product's folder.
    pub(crate) fn store(
        folder: &Path,
        state: ConsentState,
        version: Option<&str>,
        by: Option<&str>,
    ) -> io::Result<Self> {
        Self::change(folder, |consent| {
            consent.state = state;
            consent.version = version.map(str::to_owned);
            consent.at = Some(clock::now().to_string());
            consent.by = by.map(str::to_owned);
            consent.prompts = 0;
            consent.once_session = None;
        })
    }

    /// Changes what is stored, while nobody else does. What cannot be read is taken for unset.
    pub(crate) fn change(folder: &Path, change: impl FnOnce(&mut Self)) -> io::Result<Self> {
        let _lock = disk::lock_briefly(&folder.join(LOCK))?;
        let mut consent = Self::read_in(folder).unwrap_or_default();
        change(&mut consent);
        disk::replace(&folder.join(FILE), &consent)?;
        Ok(consent)
    }

    /// Whether somebody is to be asked: nobody answered, or with *no* for another version, and fewer than `prompts_max`
    /// starts of this version asked. A *yes* holds for later versions.
    #[cfg(feature = "send")]
    pub(crate) fn is_due(&self, version: Option<&str>, prompts_max: u32) -> bool {
        let is_open = match self.state {
            ConsentState::Unset => true,
            ConsentState::Refused | ConsentState::Once => self.version.as_deref() != version,
            ConsentState::Granted => false,
        };
        is_open
            && prompts_max > 0
            && (self.prompts_version.as_deref() != version || self.prompts < prompts_max)
    }

    /// Counts that the question is being asked.
    #[cfg(feature = "send")]
    pub(crate) fn count_prompt(folder: &Path, version: Option<&str>) -> io::Result<Self> {
        Self::change(folder, |consent| {
            if consent.prompts_version.as_deref() != version {
                consent.prompts_version = version.map(str::to_owned);
                consent.prompts = 0;
            }
            consent.prompts = consent.prompts.saturating_add(1);
        })
    }

    /// A *once* of another session than this is over: it is *no* again.
    #[cfg(feature = "send")]
    pub(crate) fn end_once(folder: &Path, but_of: Option<&str>) -> io::Result<()> {
        let is_over = |consent: &Self| {
            consent.state == ConsentState::Once
                && (but_of.is_none() || consent.once_session.as_deref() != but_of)
        };
        if !is_over(&Self::read_in(folder)?) {
            return Ok(());
        }
        Self::change(folder, |consent| {
            if is_over(consent) {
                consent.state = ConsentState::Refused;
                consent.once_session = None;
            }
        })
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product() -> (tempfile::TempDir, std::path::PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("Shop");
        std::fs::create_dir(&folder).unwrap();
        (root, folder)
    }

    #[test]
    fn what_was_said_is_kept_and_what_is_unknown_is_no_yes() {
        let (root, folder) = product();
        assert_eq!(Consent::read(root.path(), "Shop").unwrap(), Consent::default());
        for state in [ConsentState::Granted, ConsentState::Refused] {
            let stored = Consent::store(&folder, state, Some("1.2"), Some("ann")).unwrap();
            assert_eq!(Consent::read(root.path(), "Shop").unwrap(), stored);
            let said = (stored.state, stored.version.as_deref(), stored.by.as_deref());
            assert_eq!(said, (state, Some("1.2"), Some("ann")));
        }
        std::fs::write(folder.join(FILE), "{\"state\": \"sometimes\", \"until\": 7}").unwrap();
        assert_eq!(Consent::read(root.path(), "Shop").unwrap().state, ConsentState::Unset);
        std::fs::write(folder.join(FILE), "[").unwrap();
        let error = Consent::read(root.path(), "Shop").unwrap_err();
        assert!(error.to_string().contains("consent.json: expected a consent"), "{error}");
    }

    #[cfg(feature = "send")]
    #[test]
    fn people_are_asked_so_often_and_again_by_another_version() {
        let (_root, folder) = product();
        let is_due = |version| Consent::read_in(&folder).unwrap().is_due(Some(version), 2);
        for _ in 0..2 {
            assert!(is_due("1.0"));
            Consent::count_prompt(&folder, Some("1.0")).unwrap();
        }
        assert!(!is_due("1.0"), "nobody answered twice");
        assert!(is_due("1.1"));
        Consent::count_prompt(&folder, Some("1.1")).unwrap();
        Consent::store(&folder, ConsentState::Refused, Some("1.1"), None).unwrap();
        assert!(!is_due("1.1") && is_due("1.2"));
        Consent::store(&folder, ConsentState::Granted, Some("1.2"), None).unwrap();
        assert!(!is_due("1.2") && !is_due("1.3"), "a yes holds");
        assert!(!Consent::default().is_due(Some("1.0"), 0), "never is never");
    }

    #[cfg(feature = "send")]
    #[test]
    fn once_is_no_again_with_the_next_session() {
        let (_root, folder) = product();
        let once = |consent: &mut Consent| {
            (consent.state, consent.once_session) = (ConsentState::Once, Some("a".to_owned()));
        };
        Consent::change(&folder, once).unwrap();
        Consent::end_once(&folder, Some("a")).unwrap();
        assert_eq!(Consent::read_in(&folder).unwrap().state, ConsentState::Once);
        Consent::end_once(&folder, Some("b")).unwrap();
        assert_eq!(Consent::read_in(&folder).unwrap().state, ConsentState::Refused);
    }

    /// Eight at once: each change is on top of the one before.
    #[test]
    fn no_word_is_lost_to_another() {
        let (_root, folder) = product();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        Consent::change(&folder, |consent| consent.prompts += 1).unwrap();
                    }
                });
            }
        });
        assert_eq!(Consent::read_in(&folder).unwrap().prompts, 200);
    }
}
