//! A file's pages as atomic words.

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};

/// Part of a file in memory, shared with the page cache: what is stored here survives the process at once. It is not
/// inherited by `fork(2)`, so a child cannot write into its parent's rings.
#[derive(Debug)]
pub(crate) struct Map {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: the pages belong to this value alone, and everything in them is atomic.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// Maps `bytes` of the file from `offset`, both multiples of the page size. The file has to be that long with its
    /// disk space allotted: a page without one ends the process with `SIGBUS`.
    pub(crate) fn new(file: &File, offset: u64, bytes: usize) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if bytes == 0 || offset.checked_add(bytes as u64).is_none_or(|end| end > length) {
            let text = format!("expected a file of {offset} + {bytes} bytes or more, found {length}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        // SAFETY: no address is asked for, so nothing that is mapped is replaced.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                offset,
            )?
        };
        Self::from_start(start, bytes)
    }

    /// Memory of this process alone, all zero.
    pub(crate) fn anonymous(bytes: usize) -> io::Result<Self> {
        // SAFETY: no address is asked for, so nothing that is mapped is replaced.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )?
        };
        Self::from_start(start, bytes)
    }

    fn from_start(start: *mut std::ffi::c_void, bytes: usize) -> io::Result<Self> {
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap gave address 0"))?;
        let map = Self { start, words: bytes / size_of::<AtomicU64>() };
        #[cfg(target_os = "linux")]
        map.advise(Advice::LinuxDontFork)?;
        Ok(map)
    }

    /// The words. Their values are the file's bytes in the machine's order.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: `start` points to `words` words that are mapped for reading and writing until `self` is dropped, at
        // a page's start and so aligned. They are only ever used as atomics, and the spool's lock keeps other
        // processes from writing; if one does all the same, words have other values, which every reader checks.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// Has the pages ready for writing, so that the first record in each does not wait for them. Does nothing where
    /// the system cannot.
    pub(crate) fn populate(&self) {
        #[cfg(target_os = "linux")]
        // Kernels before 5.14 refuse: then the pages come one by one as they are touched.
        drop(self.advise(Advice::LinuxPopulateWrite));
    }

    #[cfg(target_os = "linux")]
    fn advise(&self, advice: Advice) -> io::Result<()> {
        // SAFETY: the range is this mapping, and neither advice given here changes what is in it.
        unsafe { madvise(self.start.as_ptr().cast(), self.words * size_of::<AtomicU64>(), advice)? };
        Ok(())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no reference into it outlives `self`. A failure
        // leaves it mapped, which hurts nobody.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.words * size_of::<AtomicU64>()) };
    }
}
