//! Fragments of sessions as they came, each a file named by our own number.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder::sync_folder;

/// Extension of a fragment's file.
const EXTENSION: &str = "kymo";

/// Where the fragment of that number lies.
pub(crate) fn path(folder: &Path, pk: i64) -> PathBuf {
    folder.join(format!("{pk:012}.{EXTENSION}"))
}

/// Makes the file end with these bytes at `offset`, durably. What a write before left beyond the offset goes: it was
/// never answered. Blocking.
pub(crate) fn append(folder: &Path, pk: i64, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
    let path = path(folder, pk);
    let file = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && offset == 0 => File::create_new(&path)?,
        Err(error) => return Err(error.into()),
    };
    let length = file.metadata()?.len();
    if length < offset {
        let detail = format!("{} has {length} bytes, expected {offset}", path.display());
        return Err(StoreError::corrupt(detail));
    }
    if length > offset {
        file.set_len(offset)?;
    }
    file.write_all_at(bytes, offset)?;
    file.sync_all()?;
    // Also when the file is there: whoever made it may not have come as far as here.
    if offset == 0 {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Removes files that no row names any more.
pub(crate) fn remove(folder: &Path, fragments: &[i64]) {
    for pk in fragments {
        // What cannot be removed now goes at the next start.
        let _ = fs::remove_file(path(folder, *pk));
    }
}

/// Removes every file that is not listed; returns how many there were, and the listed ones that are not there as long as
/// they have to be.
pub(crate) fn tidy(folder: &Path, listed: &[(i64, u64)]) -> Result<(usize, Vec<i64>), StoreError> {
    let names: BTreeSet<PathBuf> = listed.iter().map(|(pk, _)| path(folder, *pk)).collect();
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A folder was not made by us: it is left alone.
        if !entry.file_type()?.is_dir() && !names.contains(&entry.path()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    // A disk that does not answer is no reason to forget a file.
    let is_short = |(pk, bytes): &&(i64, u64)| match fs::metadata(path(folder, *pk)) {
        Ok(file) => file.len() < *bytes,
        Err(error) => *bytes > 0 && error.kind() == ErrorKind::NotFound,
    };
    Ok((removed, listed.iter().filter(is_short).map(|(pk, _)| *pk).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_where_it_was_last_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let read = || fs::read(path(folder.path(), 7)).unwrap();
        append(folder.path(), 7, 0, b"hello").unwrap();
        append(folder.path(), 7, 5, b" world").unwrap();
        assert_eq!(read(), b"hello world");
        append(folder.path(), 7, 2, b"y").unwrap();
        assert_eq!(read(), b"hey");
        assert!(append(folder.path(), 7, 9, b"!").is_err(), "a hole");
        assert!(append(folder.path(), 8, 1, b"!").is_err(), "nothing before it");
        fs::write(folder.path().join("stray"), b"").unwrap();
        assert_eq!(tidy(folder.path(), &[(7, 3), (8, 0)]).unwrap(), (1, vec![]));
        assert_eq!(tidy(folder.path(), &[(7, 4), (8, 1)]).unwrap(), (0, vec![7, 8]));
        remove(folder.path(), &[7]);
        assert!(!path(folder.path(), 7).exists());
    }
}
