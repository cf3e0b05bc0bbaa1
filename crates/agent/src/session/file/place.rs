//! Where a fragment lies on the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::repository::names::FileName;
use crate::spool::disk;

/// A fragment's file, open to be written, locked as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    stem: FileName,
    file: File,
    bytes: u64,
    /// Of the fragments before.
    bytes_before: u64,
}

impl Place {
    /// A new file, which nobody else can read.
    pub(crate) fn create(folder: PathBuf, stem: FileName, fragment: u64) -> io::Result<Self> {
        let path = folder.join(stem.fragment(fragment));
        // Locked before it has its name: whoever finds it by that and can lock it knows that its process is gone.
        let unnamed = path.with_extension("kymo-new");
        let file = disk::create(&unnamed)?;
        let named = file.try_lock().map_err(io::Error::from).and_then(|()| std::fs::rename(&unnamed, &path));
        if let Err(error) = named {
            let _ = std::fs::remove_file(&unnamed);
            return Err(error);
        }
        Ok(Self { folder, stem, file, bytes: 0, bytes_before: 0 })
    }

    /// One that is there, behind its first `bytes` bytes; what follows them goes.
    pub(crate) fn open(path: &Path, folder: PathBuf, stem: FileName, bytes: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        file.set_len(bytes)?;
        Ok(Self { folder, stem, file, bytes, bytes_before: 0 })
    }

    /// The file of the fragment after this one.
    pub(crate) fn next(&self, fragment: u64) -> io::Result<Self> {
        let mut next = Self::create(self.folder.clone(), self.stem.clone(), fragment)?;
        next.bytes_before = self.total_bytes();
        Ok(next)
    }

    /// Writes at the end. After an error the end is where it was.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        disk::write_at(&self.file, bytes, self.bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of this fragment.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of all fragments.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.bytes_before + self.bytes
    }

    /// Has everything on the disk itself, with the file's name.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        disk::sync_folder(&self.folder)
    }

    pub(crate) fn descriptor(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}
