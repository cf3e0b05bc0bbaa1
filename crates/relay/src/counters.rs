//! What is counted, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since the start, but for the first four, which are of now.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) agents: AtomicU64,
    pub(crate) viewers: AtomicU64,
    pub(crate) followed: AtomicU64,
    pub(crate) followers: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) broken: AtomicU64,
    pub(crate) silent: AtomicU64,
    pub(crate) registered: AtomicU64,
    pub(crate) follows: AtomicU64,
}

/// What the counters stand at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sessions with a control connection.
    pub agents: u64,
    /// Connections of viewers.
    pub viewers: u64,
    /// Sessions with a data connection.
    pub followed: u64,
    /// Places in them.
    pub followers: u64,
    /// Bytes of session files from agents.
    pub bytes_in: u64,
    /// Bytes of session files to followers.
    pub bytes_out: u64,
    /// Records in what came.
    pub records: u64,
    /// Records that a follower was told it missed.
    pub missed: u64,
    /// Connections that were not let in.
    pub refused: u64,
    /// Connections that ended because what came was not the protocol.
    pub broken: u64,
    /// Connections that ended because nothing came.
    pub silent: u64,
    /// Registrations: beyond the number of sessions they are reconnects.
    pub registered: u64,
    /// Data connections.
    pub follows: u64,
}

pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

pub(crate) fn subtract(counter: &AtomicU64, count: u64) {
    counter.fetch_sub(count, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn now(&self) -> Counted {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            agents: get(&self.agents),
            viewers: get(&self.viewers),
            followed: get(&self.followed),
            followers: get(&self.followers),
            bytes_in: get(&self.bytes_in),
            bytes_out: get(&self.bytes_out),
            records: get(&self.records),
            missed: get(&self.missed),
            refused: get(&self.refused),
            broken: get(&self.broken),
            silent: get(&self.silent),
            registered: get(&self.registered),
            follows: get(&self.follows),
        }
    }
}

/// Counts one for as long as it lives.
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a AtomicU64);

impl<'a> Held<'a> {
    pub(crate) fn new(counter: &'a AtomicU64) -> Self {
        add(counter, 1);
        Self(counter)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        subtract(self.0, 1);
    }
}
