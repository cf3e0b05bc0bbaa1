//! The data folder: what lies where, and that only one server uses it.
//!
//! ```text
//! DIR/            0700
//!   lock          locked while a server or a command has the folder open; holds its pid
//!   catalog.db    SQLite, with -wal and -shm beside it
//!   segments/     Parquet files, named by our own numbers
//!   uploads/      fragments of sessions of processes as they came, named alike
//!   control.sock  0600, while a server runs: commands talk to it
//! ```

pub(crate) mod backup;
pub(crate) mod health;
pub(crate) mod raw;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::{StoreError, StoreErrorKind};

/// Name of the catalog in a folder.
pub(crate) const CATALOG: &str = "catalog.db";
/// Name of the folder of segments.
pub(crate) const SEGMENTS: &str = "segments";
/// Name of the folder of fragments of sessions.
pub(crate) const UPLOADS: &str = "uploads";

/// A data folder that this process holds the lock of.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held for its lock, which the operating system releases however the process ends.
    _lock: File,
}

impl Folder {
    /// Opens the folder, making it if need be, and locks it.
    ///
    /// # Errors
    /// [`StoreErrorKind::Retry`] with the pid of the other process while one holds the lock.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(|source| {
            StoreError::new(StoreErrorKind::Input, format!("cannot make the data folder {}", root.display()))
                .because(source)
        })?;
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(root.join("lock"))?;
        if lock.try_lock().is_err() {
            let mut holder = String::new();
            lock.read_to_string(&mut holder)?;
            return Err(StoreError::retry(format!(
                "the data folder {} is in use by process {}",
                root.display(),
                holder.trim()
            )));
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        let folder = Self { root: root.to_owned(), _lock: lock };
        fs::create_dir_all(folder.segments())?;
        fs::create_dir_all(folder.uploads())?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where commands reach the running server.
    pub fn control_socket(root: &Path) -> PathBuf {
        root.join("control.sock")
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join(CATALOG)
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join(SEGMENTS)
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join(UPLOADS)
    }
}

/// Makes a rename or a removal inside `folder` survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)?.sync_all()?;
    Ok(())
}
