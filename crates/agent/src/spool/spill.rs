//! Records that go by `write(2)`: `bytes: u32, crc: u32, payload`, one after the other, in a file that only grows.
//! What is framed is given back to the disk as a hole, so positions are offsets for ever.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::disk::{self, Disk};
use crate::raw::{checksum, text};
use crate::record::PAYLOAD_WORDS_MAX;
use crate::ring::{Payload, WORD_BYTES, seed};

/// What may wait to be framed: some seconds of a program that does nothing but record, and one longest record.
pub(crate) const WAITING_BYTES_MAX: u64 = 64 << 20;
/// Holes are made in pieces of this size: a file system gives back whole blocks, and each is a system call.
const HOLE_BYTES: u64 = 1 << 20;
const HEAD_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    salt: u32,
    disk: Disk,
    /// Where the next record goes. The lock is held while it is written.
    end: Mutex<u64>,
    /// Everything before is written.
    written: AtomicU64,
    /// Everything before is framed.
    pub(crate) tail: AtomicU64,
    holes_to: AtomicU64,
}

pub(crate) enum NotSpilled {
    /// Too much waits.
    Full,
    Failed(io::Error),
}

pub(crate) fn path_of(spool: &Path) -> PathBuf {
    spool.with_extension("spill")
}

impl Spill {
    pub(crate) fn create(spool: &Path, salt: u32, disk: Disk) -> io::Result<Self> {
        Ok(Self {
            file: disk::create(&path_of(spool))?,
            salt,
            disk,
            end: Mutex::new(0),
            written: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            holes_to: AtomicU64::new(0),
        })
    }

    /// Writes one; it is with the operating system when this returns. After an error nothing of it counts.
    pub(crate) fn write(&self, payload: &impl Payload) -> Result<(), NotSpilled> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = HEAD_BYTES as u64 + payload.words() * WORD_BYTES;
        if *end - self.tail.load(Ordering::Acquire) + bytes > WAITING_BYTES_MAX {
            return Err(NotSpilled::Full);
        }
        let mut words = vec![0];
        payload.fill(&mut words);
        let crc = checksum::of_words(seed(self.salt, *end), &words[1..]);
        words[0] = head(words.len() - 1, crc);
        (self.disk.write_at)(&self.file, text::bytes(&words), *end).map_err(NotSpilled::Failed)?;
        *end += bytes;
        self.written.store(*end, Ordering::Release);
        Ok(())
    }

    /// The file and how far it is written.
    pub(crate) fn written(&self) -> (&File, u64) {
        (&self.file, self.written.load(Ordering::Acquire))
    }

    /// All before `tail` is framed.
    pub(crate) fn release(&self, tail: u64) {
        self.tail.store(tail, Ordering::Release);
        let from = self.holes_to.load(Ordering::Relaxed);
        let to = tail - tail % HOLE_BYTES;
        if to > from {
            disk::punch(&self.file, from, to);
            self.holes_to.store(to, Ordering::Relaxed);
        }
    }
}

#[cfg(target_endian = "little")]
fn head(words: usize, crc: u32) -> u64 {
    (words as u64 * WORD_BYTES) | (u64::from(crc) << 32)
}
#[cfg(target_endian = "big")]
fn head(words: usize, crc: u32) -> u64 {
    ((words as u64 * WORD_BYTES) << 32) | u64::from(crc)
}

/// Reads records one after the other, by pieces.
#[derive(Debug)]
pub(crate) struct SpillReader {
    pub(crate) next: u64,
    pub(crate) is_damaged: bool,
    salt: u32,
    buffer: Vec<u8>,
    buffer_at: u64,
}

/// Read at a time: a few thousand records.
const PIECE_BYTES: usize = 256 * 1024;

impl SpillReader {
    pub(crate) fn at(next: u64, salt: u32) -> Self {
        Self { next, is_damaged: false, salt, buffer: Vec::new(), buffer_at: 0 }
    }

    /// Appends the next record's payload; false at `end`, or where what follows is not whole.
    pub(crate) fn read(&mut self, file: &File, end: u64, payload: &mut Vec<u64>) -> io::Result<bool> {
        if self.next + HEAD_BYTES as u64 > end {
            return Ok(false);
        }
        let Some(head) = self.bytes(file, end, HEAD_BYTES)? else { return Ok(self.damaged()) };
        let bytes = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let crc = u32::from_ne_bytes([head[4], head[5], head[6], head[7]]);
        if bytes == 0 || !bytes.is_multiple_of(8) || bytes > PAYLOAD_WORDS_MAX * 8 {
            return Ok(self.damaged());
        }
        if self.next + (HEAD_BYTES + bytes) as u64 > end {
            // Half a write, cut short by a kill: the call that made it never returned.
            return Ok(false);
        }
        let seed = seed(self.salt, self.next);
        let Some(record) = self.bytes(file, end, HEAD_BYTES + bytes)? else { return Ok(self.damaged()) };
        let (words, _) = record[HEAD_BYTES..].as_chunks::<8>();
        let start = payload.len();
        payload.extend(words.iter().map(|word| u64::from_ne_bytes(*word)));
        if checksum::of_words(seed, &payload[start..]) != crc {
            payload.truncate(start);
            return Ok(self.damaged());
        }
        self.next += (HEAD_BYTES + bytes) as u64;
        Ok(true)
    }

    fn damaged(&mut self) -> bool {
        self.is_damaged = true;
        false
    }

    /// So many bytes from `next`, if the file has them before `end`.
    fn bytes(&mut self, file: &File, end: u64, bytes: usize) -> io::Result<Option<&[u8]>> {
        if self.next + bytes as u64 > end {
            return Ok(None);
        }
        let buffered = self.buffer_at..self.buffer_at + self.buffer.len() as u64;
        if self.next < buffered.start || self.next + bytes as u64 > buffered.end {
            let wanted = (end - self.next).min(PIECE_BYTES.max(bytes) as u64) as usize;
            self.buffer.resize(wanted, 0);
            let read = disk::read_at(file, &mut self.buffer, self.next)?;
            self.buffer.truncate(read);
            self.buffer_at = self.next;
        }
        let start = (self.next - self.buffer_at) as usize;
        Ok(self.buffer.get(start..start + bytes))
    }
}
