//! Whether something changed since it was last done.
//!
//! A stamp is a small file that holds a hash of everything a step works from. Content counts, not
//! dates: a fresh clone and a switched branch change every date.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// FNV-1a, 64 bits: notices change; it is no protection against anybody.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a piece; its length counts, so that pieces cannot flow into each other.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes.len().to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Adds a file's name and content.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        self.add(path.as_os_str().as_encoded_bytes());
        self.add(&bytes);
        Ok(())
    }

    /// Adds every file below `folder`, leaving out the folders named in `but`.
    pub(crate) fn add_folder(&mut self, folder: &Path, but: &[&str]) -> Result<()> {
        let entries =
            fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            let left_out = path.file_name().is_some_and(|name| but.iter().any(|other| name == *other));
            if path.is_dir() && !left_out {
                self.add_folder(&path, but)?;
            } else if path.is_file() {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    pub(crate) fn text(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// Hash of one file's content.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut hash = Hash::new();
    hash.add(&bytes);
    Ok(hash.text())
}

/// Whether the stamp says that this was done.
pub(crate) fn holds(stamp: &Path, hash: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text.trim_end() == hash)
}

/// Writes the stamp after the work is done.
pub(crate) fn write(stamp: &Path, hash: &str) -> Result<()> {
    fs::write(stamp, format!("{hash}\n")).with_context(|| format!("{} cannot be written", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(pieces: &[&str]) -> String {
        let mut hash = Hash::new();
        for piece in pieces {
            hash.add(piece.as_bytes());
        }
        hash.text()
    }

    #[test]
    fn pieces_do_not_flow_into_each_other() {
        assert_eq!(hash(&["ab", "c"]), hash(&["ab", "c"]));
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a"]), hash(&["b"]));
    }

    #[test]
    fn a_folder_changes_with_its_files_only() {
        let folder = std::env::temp_dir().join(format!("kymo-stamp-{}", std::process::id()));
        fs::create_dir_all(folder.join("left_out")).unwrap();
        fs::write(folder.join("a"), "1").unwrap();
        let of = || {
            let mut hash = Hash::new();
            hash.add_folder(&folder, &["left_out"]).unwrap();
            hash.text()
        };
        let before = of();
        fs::write(folder.join("left_out/b"), "2").unwrap();
        assert_eq!(of(), before);
        fs::write(folder.join("a"), "2").unwrap();
        assert_ne!(of(), before);

        let stamp = folder.join("left_out/stamp");
        assert!(!holds(&stamp, &before));
        write(&stamp, &before).unwrap();
        assert!(holds(&stamp, &before) && !holds(&stamp, &of()));
        fs::remove_dir_all(folder).unwrap();
    }
}
