//! The spool: what a session has recorded and not yet framed, on disk from the moment a call returns.
//!
//! ```text
//!   NAME.spool   0     header: what, whose, sizes, salt               (written once)
//!                1024  state, two slots written in turn: tails, next sequence, clocks, drops
//!                2048
//!                3072  mark of a panic
//!                4096  rings, mapped into memory, allotted by fallocate
//!                      dictionary: callsites and threads, appended by write(2) before their first record
//!   NAME.spill   records that go by write(2): too long for a ring, or all where there are no rings
//! ```
//!
//! All is in the machine's order of bytes: a spool is read on the machine that wrote it, by this version or a later
//! one. It is made beside its place, locked, and then given its name, so whoever can lock a spool knows that its
//! process is gone. The lock is on a file description that nothing but this handle refers to: a mapping would keep it
//! alive, also in a child.
//!
//! Where something fails it degrades in this order, and tells: mapped rings; the spill file for all records; rings in
//! memory, which do not survive the process.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use crate::raw::map::Map;
use crate::ring::Ring;

pub(crate) mod collect;
pub(crate) mod dictionary;
pub(crate) mod disk;
pub(crate) mod header;
mod recover;
pub(crate) mod spill;

use dictionary::Dictionary;
use disk::Disk;
use header::{Header, State};
pub(crate) use recover::{DeadSpool, Framed, OpenError, RecoveryReport};
use spill::Spill;

/// Rings of a spool: more threads than this rarely record at once; those that do share some.
pub(crate) const RINGS: usize = 16;
/// Rings that are written under a lock, by all threads that found no ring of their own.
pub(crate) const RINGS_SHARED: usize = 2;
/// Default size: 3,600 records of 72 bytes, which is 0.1 ms of a thread that does nothing but record, and with 16 of
/// them half of the 8 MB that an agent may take.
pub(crate) const RING_BYTES: usize = 256 * 1024;
/// Where the rings begin: a page.
pub(crate) const RINGS_AT: u64 = 4096;
/// Allotted for the dictionary at the start, so that a disk that fills up later does not stop the first callsites:
/// some 500 of them.
const DICTIONARY_BYTES: u64 = 64 * 1024;

/// What the records of now go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolKind {
    /// Rings in a mapped file: survive `kill -9`, nearly free.
    Mapped,
    /// A `write(2)` for each record: survive `kill -9`, a few hundred nanoseconds each.
    Written,
    /// Rings in memory: what was not framed yet is lost with the process.
    Memory,
}

#[derive(Debug)]
pub(crate) struct Spool {
    pub(crate) kind: SpoolKind,
    /// Why it is not [`SpoolKind::Mapped`].
    pub(crate) degraded: Option<String>,
    pub(crate) rings: Vec<Arc<Map>>,
    pub(crate) salt: u32,
    pub(crate) spill: Option<Spill>,
    dictionary: Option<Mutex<Dictionary>>,
    file: Option<File>,
    /// Held for its lock. Taken out by a child after a fork.
    lock: Mutex<Option<File>>,
    generation: AtomicU64,
    path: PathBuf,
    disk: Disk,
}

impl Spool {
    /// Makes one at `path`, whose folder exists, or as much of one as can be.
    pub(crate) fn create(path: &Path, session: u128, ring_bytes: usize, disk: Disk) -> io::Result<Self> {
        let salt = header::random_salt();
        let on_disk = Self::on_disk(path, session, ring_bytes, salt, disk);
        on_disk.or_else(|error| {
            let rings =
                (0..RINGS).map(|_| Map::anonymous(ring_bytes).map(Arc::new)).collect::<io::Result<_>>()?;
            Ok(Self {
                kind: SpoolKind::Memory,
                degraded: Some(format!("{}: {error}", path.display())),
                rings,
                salt,
                spill: None,
                dictionary: None,
                file: None,
                lock: Mutex::new(None),
                generation: AtomicU64::new(0),
                path: path.to_owned(),
                disk,
            })
        })
    }

    fn on_disk(path: &Path, session: u128, ring_bytes: usize, salt: u32, disk: Disk) -> io::Result<Self> {
        let unnamed = path.with_extension("spool-new");
        let made = Self::fill(path, &unnamed, session, ring_bytes, salt, disk);
        if made.is_err() {
            // What could not be made is not left lying; if that fails too, there is nothing more to do.
            let _ = std::fs::remove_file(&unnamed);
            let _ = std::fs::remove_file(spill::path_of(path));
        }
        made
    }

    fn fill(
        path: &Path,
        unnamed: &Path,
        session: u128,
        ring_bytes: usize,
        salt: u32,
        disk: Disk,
    ) -> io::Result<Self> {
        let lock = disk::create(unnamed)?;
        lock.try_lock()?;
        let file = File::options().read(true).write(true).open(unnamed)?;
        let mapped = Self::map_rings(&file, ring_bytes, disk);
        let (rings, degraded) = match mapped {
            Ok(rings) => (rings, None),
            Err(error) => {
                file.set_len(0)?;
                (Vec::new(), Some(format!("{}: {error}", path.display())))
            }
        };
        let ring_bytes = if rings.is_empty() { 0 } else { ring_bytes };
        let header = Header::new(session, rings.len() as u32, ring_bytes as u32, salt);
        (disk.write_at)(&file, &header.to_bytes(), 0)?;
        let spill = Spill::create(path, salt, disk)?;
        std::fs::rename(unnamed, path)?;
        Ok(Self {
            kind: if rings.is_empty() { SpoolKind::Written } else { SpoolKind::Mapped },
            degraded,
            dictionary: Some(Mutex::new(Dictionary::new(header.dictionary_at(), salt))),
            rings,
            salt,
            spill: Some(spill),
            file: Some(file),
            lock: Mutex::new(Some(lock)),
            generation: AtomicU64::new(0),
            path: path.to_owned(),
            disk,
        })
    }

    fn map_rings(file: &File, ring_bytes: usize, disk: Disk) -> io::Result<Vec<Arc<Map>>> {
        let bytes = RINGS_AT + (RINGS * ring_bytes) as u64 + DICTIONARY_BYTES;
        (disk.allocate)(file, bytes)?;
        (0..RINGS)
            .map(|ring| {
                let at = RINGS_AT + (ring * ring_bytes) as u64;
                (disk.map)(file, at, ring_bytes).map(Arc::new)
            })
            .collect()
    }

    #[inline]
    pub(crate) fn ring(&self, ring: usize) -> Ring<'_, AtomicU64> {
        Ring::new(self.rings[ring].words(), self.salt)
    }

    /// Adds an entry, which is on disk when this returns.
    pub(crate) fn add_entry(&self, entry: &dictionary::Entry) -> io::Result<()> {
        let (Some(dictionary), Some(file)) = (&self.dictionary, &self.file) else { return Ok(()) };
        let mut dictionary = dictionary.lock().unwrap_or_else(PoisonError::into_inner);
        dictionary.add(entry, |bytes, at| (self.disk.write_at)(file, bytes, at))
    }

    /// Keeps the state; what was kept before stays whole until this is.
    pub(crate) fn keep(&self, state: &mut State) -> io::Result<()> {
        use std::sync::atomic::Ordering::Relaxed;
        let Some(file) = &self.file else { return Ok(()) };
        state.generation = self.generation.fetch_add(1, Relaxed) + 1;
        (self.disk.write_at)(file, &state.to_bytes(), State::place(state.generation))
    }

    /// Marks that the program panicked at that moment, or that it lived on.
    pub(crate) fn mark_panic(&self, at_ns: Option<i64>) {
        if let Some(file) = &self.file {
            // Without the mark it is a killed session rather than a crashed one.
            let _ = (self.disk.write_at)(file, &header::panic_bytes(at_ns), header::PANIC_AT);
        }
    }

    /// Removes its files: everything is framed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let spilled = std::fs::remove_file(spill::path_of(&self.path));
        std::fs::remove_file(&self.path).and(spilled)
    }

    /// Lets go of the lock. In a child after a fork, which holds a share of its parent's, and when all is done.
    pub(crate) fn disown(&self) {
        if let Ok(mut lock) = self.lock.try_lock() {
            lock.take();
        }
    }
}

/// For tests: the spool at `path` says that another boot of the machine made it.
pub fn pretend_earlier_boot(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut page = vec![0; RINGS_AT as usize];
    disk::read_at(&file, &mut page, 0)?;
    let mut header = Header::read(&page).ok_or(io::ErrorKind::InvalidData)?;
    header.boot_id ^= 1;
    disk::write_at(&file, &header.to_bytes(), 0)
}

#[cfg(test)]
mod tests;
