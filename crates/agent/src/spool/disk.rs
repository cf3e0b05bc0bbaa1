//! What the spool asks of the disk, exchangeable in tests.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::raw::map::Map;

/// The operations that fail on a full or unusual disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disk {
    /// Makes the file that long, with disk space for all of it.
    pub(crate) allocate: fn(&File, u64) -> io::Result<()>,
    pub(crate) map: fn(&File, u64, usize) -> io::Result<Map>,
    /// Writes all of it at that offset; part of it may be there after an error.
    pub(crate) write_at: fn(&File, &[u8], u64) -> io::Result<()>,
}

impl Disk {
    pub(crate) const SYSTEM: Self = Self { allocate, map: Map::new, write_at };
}

/// A new file that only its owner may open.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Puts a value as JSON into a file in one step: who reads meanwhile finds the one before or this. What is
/// killed in between leaves a file that ends with `-new`.
pub(crate) fn replace(path: &Path, value: &impl serde::Serialize) -> io::Result<()> {
    use std::io::Write;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    // A name of its own: threads and processes may write the same at once, and the later word is whole as well.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut new = path.as_os_str().to_owned();
    new.push(format!("-{}-{count}-new", std::process::id()));
    let new = PathBuf::from(new);
    let written = create(&new).or_else(|error| match error.kind() {
        // Left by a process that had this number before, and was killed just then.
        io::ErrorKind::AlreadyExists => std::fs::remove_file(&new).and_then(|()| create(&new)),
        _ => Err(error),
    });
    let done = written.and_then(|mut file| file.write_all(&text)).and_then(|()| std::fs::rename(&new, path));
    if done.is_err() {
        // Half of it takes up room on a full disk, and is of no use.
        let _ = std::fs::remove_file(&new);
    }
    done
}

/// Opens a file for its lock, and waits for that as long as a change of a small file takes. What others do with the lock held
/// is quick; should it not be had, the file is given all the same: the later word is whole as well.
pub(crate) fn lock_briefly(path: &Path) -> io::Result<File> {
    const LOCK_WITHIN: Duration = Duration::from_secs(1);
    const LOOK_EVERY: Duration = Duration::from_millis(2);
    let lock = File::options().create(true).truncate(false).write(true).open(path)?;
    let since = Instant::now();
    while lock.try_lock().is_err() && since.elapsed() < LOCK_WITHIN {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(lock)
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    // Where a file system copies on every write, allotted space says nothing, and a full disk would be a SIGBUS.
    const BTRFS: u64 = 0x9123_683e;
    const ZFS: u64 = 0x2fc1_2fc1;
    const BCACHEFS: u64 = 0xca45_1a4e;
    let kind = rustix::fs::fstatfs(file)?.f_type as u64 & 0xffff_ffff;
    if [BTRFS, ZFS, BCACHEFS].contains(&kind) {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this file system copies on every write"));
    }
    Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes)?)
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "mapped spools are for Linux so far"))
}

#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
pub(crate) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        written += std::os::windows::fs::FileExt::seek_write(file, &bytes[written..], at + written as u64)?;
    }
    Ok(())
}

/// Has the names in a folder on the disk itself, where a folder can be synced. One that is gone has none.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened?.sync_all(),
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

/// Reads what is there, up to the buffer's length; fewer bytes at the file's end.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        #[cfg(unix)]
        let now = std::os::unix::fs::FileExt::read_at(file, &mut bytes[read..], at + read as u64);
        #[cfg(windows)]
        let now = std::os::windows::fs::FileExt::seek_read(file, &mut bytes[read..], at + read as u64);
        match now {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Gives the disk space of these bytes back; they read as zeros. Where that is not possible they stay.
pub(crate) fn punch(file: &File, from: u64, to: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::FallocateFlags;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // It only saves space.
        let _ = rustix::fs::fallocate(file, flags, from, to - from);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, from, to);
}
