//! Rings in memory where there is no mapping: other systems than Unix so far, and Miri.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

/// What a mapping is elsewhere.
#[derive(Debug)]
pub(crate) struct Map(Box<[AtomicU64]>);

impl Map {
    pub(crate) fn new(_: &File, _: u64, _: usize) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "no mapped files here"))
    }

    pub(crate) fn anonymous(bytes: usize) -> io::Result<Self> {
        Ok(Self((0..bytes / 8).map(|_| AtomicU64::new(0)).collect()))
    }

    pub(crate) fn words(&self) -> &[AtomicU64] {
        &self.0
    }

    pub(crate) fn populate(&self) {}
}
