//! Segments: immutable Parquet files of one project's events, sorted by (session, sequence).

mod merge;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use merge::{Part, merge};
pub(crate) use read::{Footers, SegmentFile};
pub(crate) use write::{Written, write_sorted};

use crate::catalog::events::SegmentRow;
use crate::error::StoreError;

/// A listed segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) row: SegmentRow,
    pub(crate) file: SegmentFile,
    /// Set when it is not listed any more: the file goes when the last reader is done.
    replaced: AtomicBool,
}

impl Segment {
    pub(crate) fn new(folder: &Path, row: SegmentRow, footers: &Arc<Footers>) -> Self {
        let file = SegmentFile::new(path(folder, row.pk), Arc::clone(footers));
        Self { row, file, replaced: AtomicBool::new(false) }
    }

    pub(crate) fn mark_replaced(&self) {
        self.replaced.store(true, Ordering::Release);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.replaced.load(Ordering::Acquire) {
            // What cannot be removed now is unlisted and goes at the next start.
            let _ = fs::remove_file(self.file.path());
        }
    }
}

/// Where the segment of that number lies.
pub(crate) fn path(folder: &Path, pk: i64) -> PathBuf {
    folder.join(format!("{pk:012}.parquet"))
}

/// Removes what a failed write left at a path that was never listed.
pub(crate) fn remove_unfinished(path: &Path) {
    for left in [path.with_extension(write::UNFINISHED), path.to_owned()] {
        // What cannot be removed now goes at the next start.
        let _ = fs::remove_file(left);
    }
}

/// Removes every file that is not of a listed segment, and returns how many there were and the
/// next free number.
pub(crate) fn remove_unlisted(folder: &Path, listed: &[SegmentRow]) -> Result<(usize, i64), StoreError> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path_found = entry.path();
        // A folder was not made by us: it is left alone.
        if !entry.file_type()?.is_dir() && !listed.iter().any(|row| path(folder, row.pk) == path_found) {
            fs::remove_file(&path_found)?;
            removed += 1;
        }
    }
    let next = listed.iter().map(|row| row.pk).max().unwrap_or(0) + 1;
    Ok((removed, next))
}
