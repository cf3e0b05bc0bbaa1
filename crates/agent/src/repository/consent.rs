//! Whether what is recorded may leave the machine: a person's word, kept for each product, for all its applications.
//!
//! `ROOT/PRODUCT/consent.json`, written anew and renamed into place. It only lies here so far; what sends is to ask it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::names;
use crate::clock;

const FILE: &str = "consent.json";
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
    /// Nobody was asked, or said anything. Also what a newer version means that this one does not know.
    #[default]
    #[serde(other)]
    Unset,
}

/// What was said, when, and of which version of the product: to ask again when that changed much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// What was said.
    pub state: ConsentState,
    /// Version of the application that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
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
    pub(crate) fn store(folder: &Path, state: ConsentState, version: Option<&str>) -> io::Result<Self> {
        let consent = Self { state, version: version.map(str::to_owned), at: Some(clock::now().to_string()) };
        let mut text = serde_json::to_vec(&consent)?;
        text.push(b'\n');
        // A name of its own: two processes may be told at once, and the later word is whole as well.
        let new = folder.join(format!("{FILE}-{}", std::process::id()));
        let _ = std::fs::remove_file(&new);
        crate::spool::disk::create(&new)?.write_all(&text)?;
        std::fs::rename(&new, folder.join(FILE))?;
        Ok(consent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_kept_and_what_is_unknown_is_no_yes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("Shop");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(Consent::read(root.path(), "Shop").unwrap(), Consent::default());
        for state in [ConsentState::Granted, ConsentState::Refused] {
            let stored = Consent::store(&folder, state, Some("1.2")).unwrap();
            assert_eq!(Consent::read(root.path(), "Shop").unwrap(), stored);
            assert_eq!((stored.state, stored.version.as_deref()), (state, Some("1.2")));
        }
        std::fs::write(folder.join(FILE), "{\"state\": \"once\", \"until\": 7}").unwrap();
        assert_eq!(Consent::read(root.path(), "Shop").unwrap().state, ConsentState::Unset);
        std::fs::write(folder.join(FILE), "[").unwrap();
        let error = Consent::read(root.path(), "Shop").unwrap_err();
        assert!(error.to_string().contains("consent.json: expected a consent"), "{error}");
    }
}
