//! The sessions of a folder, counted by a thread while they are looked at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kymo_filter::Query;

use super::Waker;
use crate::session::{Found, SessionFiles, Summary, find, fits};

/// How often the folder is looked through for new sessions and longer files: it costs an open for each.
const POLL: Duration = Duration::from_secs(3);

/// A session and what was counted in it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) files: SessionFiles,
    pub(super) summary: Option<Arc<Summary>>,
    /// The files have grown since.
    is_stale: bool,
    /// By the filter that holds.
    pub(super) fits: Option<bool>,
}

#[derive(Default)]
struct State {
    /// Newest start first.
    entries: Vec<Entry>,
    notes: Vec<String>,
    query: Option<Query>,
    query_number: u64,
}

struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    news: Condvar,
    is_stopped: AtomicBool,
    waker: Waker,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

pub(super) struct Overview(Arc<Shared>);

impl Drop for Overview {
    fn drop(&mut self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
        self.0.news.notify_all();
    }
}

impl Overview {
    pub(super) fn new(folder: &Path, found: Found, waker: Waker) -> Self {
        let mut state = State::default();
        state.merge(found);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            state: Mutex::new(state),
            news: Condvar::new(),
            is_stopped: AtomicBool::new(false),
            waker,
        });
        let worker = Arc::clone(&shared);
        std::thread::spawn(move || work(&worker));
        Self(shared)
    }

    pub(super) fn filter(&self, query: Option<Query>) {
        let mut state = self.0.lock();
        state.query_number += 1;
        state.query = query;
        state.entries.iter_mut().for_each(|entry| entry.fits = None);
        drop(state);
        self.0.news.notify_all();
    }

    /// What is listed: everything, or what is known to fit. And how many there are in all, and how many of these
    /// were not looked at yet.
    pub(super) fn look<T>(&self, at: impl FnOnce(&[&Entry], usize, usize) -> T) -> T {
        let state = self.0.lock();
        let has_query = state.query.is_some();
        let shown: Vec<&Entry> =
            state.entries.iter().filter(|entry| !has_query || entry.fits == Some(true)).collect();
        let is_open = |entry: &&Entry| entry.summary.is_none() || has_query && entry.fits.is_none();
        at(&shown, state.entries.len(), state.entries.iter().filter(is_open).count())
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let state = self.0.lock();
        let damages = state.entries.iter().filter_map(|entry| entry.summary.as_ref());
        let damages = damages.flat_map(|summary| summary.account.damages.iter().cloned());
        damages.chain(state.notes.iter().cloned()).take(100).collect()
    }
}

impl State {
    /// Takes over what was counted of files that are as they were.
    fn merge(&mut self, found: Found) {
        let mut known: HashMap<String, Entry> =
            self.entries.drain(..).map(|entry| (entry.files.name(), entry)).collect();
        self.notes = found.notes;
        for files in found.sessions.into_iter().rev() {
            let entry = match known.remove(&files.name()) {
                Some(entry) => {
                    let has_grown = entry.files.bytes() != files.bytes();
                    Entry {
                        is_stale: entry.is_stale || has_grown,
                        // What fitted stays in sight until it was looked at again.
                        fits: entry.fits,
                        summary: entry.summary,
                        files,
                    }
                }
                None => Entry { files, summary: None, is_stale: false, fits: None },
            };
            self.entries.push(entry);
        }
    }

    fn open(&self) -> Option<&Entry> {
        let has_query = self.query.is_some();
        let is_open =
            |entry: &&Entry| entry.summary.is_none() || entry.is_stale || has_query && entry.fits.is_none();
        self.entries.iter().find(is_open)
    }
}

fn work(shared: &Shared) {
    while !shared.is_stopped() {
        let state = shared.lock();
        let (entry, query, number) = (state.open().cloned(), state.query.clone(), state.query_number);
        let Some(entry) = entry else {
            // Under the lock under which there was nothing to do: no word can come in between.
            let (guard, waited) = match shared.news.wait_timeout(state, POLL) {
                Ok((guard, waited)) => (guard, waited),
                Err(poisoned) => poisoned.into_inner(),
            };
            drop(guard);
            if waited.timed_out()
                && let Ok(found) = find(&shared.folder)
            {
                shared.lock().merge(found);
                shared.waker.wake();
            }
            continue;
        };
        drop(state);
        let summary = match entry.summary {
            Some(summary) if !entry.is_stale => summary,
            _ => Arc::new(Summary::of(&entry.files, &|| shared.is_stopped())),
        };
        let verdict = query.as_ref().map(|query| fits(query, &entry.files, &summary));
        let mut state = shared.lock();
        let is_same_query = state.query_number == number;
        let name = entry.files.name();
        if let Some(place) = state.entries.iter_mut().find(|other| other.files.name() == name) {
            place.summary = Some(summary);
            place.is_stale = place.files.bytes() != entry.files.bytes();
            if is_same_query {
                place.fits = verdict;
            }
        }
        drop(state);
        shared.waker.wake();
    }
}
