//! A session that is looked at while threads read it: one counts and follows, one looks for what a filter wants,
//! one fetches what is on the screen. Whoever draws takes a short lock and never waits for a file.
//!
//! ```text
//!  counter: files -> frames, summary, density, severe      again every POLL while the file may grow
//!  finder:  files -> matches (a bit an event)               one for each filter, cancelled by the next
//!  fetcher: frames + wanted places -> rows, one whole event
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kymo_filter::{Query, Subject, event_fits};
use kymo_format::{Item, ReadRecord};
use kymo_model::Timestamp;

use super::find::{Fragment, SessionFiles, later_fragments};
use super::fragment::{FragmentReader, Step, Walk};
use super::{Density, Frames, LazyEvent, Selection, Summary, is_severe};
use crate::row::Row;

/// How often a file is looked at that may grow: people see a quarter of a second as soon.
const POLL: Duration = Duration::from_millis(250);
/// Polls without news after which what is not whole at the end of a file is told: a program flushes every two
/// seconds at the slowest, and a block comes with one write.
const QUIET_POLLS: u32 = 4;
/// Items taken between two locks.
const BATCH: usize = 1024;
/// Rows kept: some screens up and down. A row has bounded texts, all of them a few megabytes.
const ROWS_MAX: usize = 2048;

/// What was counted so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) frames: Frames,
    pub(crate) summary: Summary,
    pub(crate) density: Density,
    pub(crate) severe: Selection,
    /// Everything that is there was read.
    pub(crate) is_caught_up: bool,
    /// What cannot be read at the end of the file, which may be because it is being written.
    pub(crate) tail: Vec<String>,
}

/// What fits the filter.
#[derive(Clone, Debug)]
pub(crate) struct Matches {
    pub(crate) selection: Selection,
    pub(crate) density: Density,
}

#[derive(Default)]
struct State {
    fragments: Arc<Vec<Fragment>>,
    counted: Snapshot,
    matches: Option<Matches>,
    /// Of the filter that holds; a finder with another one stops.
    filter_number: u64,
    rows: HashMap<u64, Row>,
    wanted: Vec<u64>,
    /// The event whose details are shown.
    wanted_whole: Option<u64>,
    whole: Option<(u64, Arc<ReadRecord>)>,
    /// It was looked for and is not there.
    lost_whole: Option<u64>,
    trouble: Option<String>,
}

struct Shared {
    state: Mutex<State>,
    is_stopped: AtomicBool,
    /// Something is wanted, or there is more to look at, or all is over.
    news: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked ends the program (see `screen::terminal`); until then what is there is shown.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Tells the other threads and whoever draws.
    fn tell(&self) {
        self.news.notify_all();
        (self.wake)();
    }

    fn pause(&self) {
        let guard = self.lock();
        drop(self.news.wait_timeout(guard, POLL));
    }
}

/// A session and its threads, which stop when this is dropped.
pub(crate) struct Live {
    shared: Arc<Shared>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        self.shared.news.notify_all();
    }
}

impl Live {
    /// Begins to read. `wake` is called from the threads whenever there is something new.
    pub(crate) fn open(session: &SessionFiles, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let state = State { fragments: Arc::new(session.fragments.clone()), ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            is_stopped: AtomicBool::new(false),
            news: Condvar::new(),
            wake: Box::new(wake),
        });
        for work in [count, fetch] {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || work(&shared));
        }
        Self { shared }
    }

    /// What was counted and found so far.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Snapshot, Option<&Matches>) -> T) -> T {
        let state = self.shared.lock();
        at(&state.counted, state.matches.as_ref())
    }

    /// The files, those among them that came later.
    pub(crate) fn fragments(&self) -> Arc<Vec<Fragment>> {
        Arc::clone(&self.shared.lock().fragments)
    }

    /// Why something could not be read, once.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.shared.lock().trouble.take()
    }

    /// Looks for what fits from now on; `None`: everything does.
    pub(crate) fn filter(&self, query: Option<Query>) {
        let mut state = self.shared.lock();
        state.filter_number += 1;
        let number = state.filter_number;
        state.matches =
            query.is_some().then(|| Matches { selection: Selection::default(), density: Density::default() });
        drop(state);
        if let Some(query) = query {
            let shared = Arc::clone(&self.shared);
            std::thread::spawn(move || seek(&shared, &query, number));
        }
    }

    /// Asks for rows (places rise) and one whole event; they come later. What is not wanted any more may be forgotten.
    pub(crate) fn want(&self, places: &[u64], whole: Option<u64>) {
        let mut state = self.shared.lock();
        let is_news = state.wanted != places || state.wanted_whole != whole;
        state.wanted = places.to_vec();
        state.wanted_whole = whole;
        drop(state);
        if is_news {
            self.shared.news.notify_all();
        }
    }

    /// The row of that event, if it is here.
    pub(crate) fn row(&self, place: u64) -> Option<Row> {
        self.shared.lock().rows.get(&place).cloned()
    }

    /// The event of that place, if it is here.
    pub(crate) fn whole(&self, place: u64) -> Option<Arc<ReadRecord>> {
        let state = self.shared.lock();
        state.whole.as_ref().filter(|(at, _)| *at == place).map(|(_, record)| Arc::clone(record))
    }

    /// The place of the first event at or after that time. Reads one frame.
    pub(crate) fn at_time(&self, time: Timestamp) -> Option<u64> {
        let state = self.shared.lock();
        let (frames, fragments) = (state.counted.frames.clone(), Arc::clone(&state.fragments));
        drop(state);
        frames.at_time(&fragments, time).ok().flatten()
    }
}

/// The counter: reads everything once, then follows.
fn count(shared: &Shared) {
    let mut walk = Walk::default();
    let mut quiet_polls = 0;
    let mut folder_at = None;
    while !shared.is_stopped() {
        let fragments = Arc::clone(&shared.lock().fragments);
        let steps = batch(&mut walk, &fragments);
        if steps.is_empty() {
            quiet_polls += 1;
            idle(shared, &fragments, quiet_polls, &mut folder_at);
            shared.pause_for_growth();
            continue;
        }
        quiet_polls = 0;
        let mut state = shared.lock();
        let counted = &mut state.counted;
        (counted.is_caught_up, counted.tail) = (false, Vec::new());
        for (at, step) in steps {
            match step {
                Ok(item) => take(counted, at, &fragments[at], &item),
                Err(error) => counted.summary.account.trouble(&fragments[at], &error),
            }
        }
        drop(state);
        shared.tell();
    }
}

impl Shared {
    /// Only time can bring more to a file: whatever else wakes goes back to sleep.
    fn pause_for_growth(&self) {
        let guard = self.lock();
        drop(self.news.wait_timeout_while(guard, POLL, |_| !self.is_stopped()));
    }
}

type BatchStep = (usize, Result<Item, std::io::Error>);

fn batch(walk: &mut Walk, fragments: &[Fragment]) -> Vec<BatchStep> {
    let mut steps = Vec::new();
    while steps.len() < BATCH {
        match walk.next(fragments, false) {
            Step::Item(at, item) => steps.push((at, Ok(item))),
            Step::Trouble(at, error) => steps.push((at, Err(error))),
            Step::End => break,
        }
    }
    steps
}

fn take(counted: &mut Snapshot, at: usize, fragment: &Fragment, item: &Item) {
    counted.summary.take(fragment, item);
    counted.frames.take(at, item);
    if let Item::Record(record) = item {
        let is_severe = is_severe(record);
        counted.severe.push(is_severe);
        counted.density.add(record.time, record.severity, is_severe);
    }
}

/// Nothing new came: are there fragments that follow, and does the file end where it should?
fn idle(shared: &Shared, fragments: &[Fragment], quiet_polls: u32, folder_at: &mut Option<SystemTime>) {
    let Some(last) = fragments.last() else { return };
    // A new file changes its folder; reading all heads in it is done only then.
    let folder = last.path.parent().and_then(|folder| std::fs::metadata(folder).ok());
    let changed_at = folder.and_then(|folder| folder.modified().ok());
    if changed_at.is_none() || changed_at != *folder_at {
        *folder_at = changed_at;
        let later = later_fragments(last);
        if !later.is_empty() {
            let mut all = fragments.to_vec();
            all.extend(later);
            shared.lock().fragments = Arc::new(all);
            return;
        }
    }
    let (was_caught_up, from) = {
        let mut state = shared.lock();
        let was = std::mem::replace(&mut state.counted.is_caught_up, true);
        (was, state.counted.frames.last())
    };
    if quiet_polls == QUIET_POLLS || quiet_polls == 1 && fragments.iter().all(|one| one.header.is_none()) {
        let offset =
            from.filter(|(fragment, _)| fragment + 1 == fragments.len()).map_or(0, |(_, offset)| offset);
        let tail = tail_damage(last, fragments.len() - 1, offset);
        let mut state = shared.lock();
        let is_news = state.counted.tail != tail;
        state.counted.tail = tail;
        drop(state);
        if is_news {
            shared.tell();
        }
    }
    if !was_caught_up {
        shared.tell();
    }
}

/// What would be damage if the file did not grow any more.
fn tail_damage(fragment: &Fragment, at: usize, offset: u64) -> Vec<String> {
    let opened =
        if offset == 0 { FragmentReader::open(fragment) } else { FragmentReader::open_at(fragment, offset) };
    let Ok(mut reader) = opened else { return Vec::new() };
    while let Ok(Some(_)) = reader.next() {}
    reader.finish();
    let bytes = std::fs::metadata(&fragment.path).map_or(fragment.bytes, |metadata| metadata.len());
    let fragment = Fragment { bytes: bytes.saturating_sub(fragment.start), ..fragment.clone() };
    let mut account = super::Account::default();
    if offset > 0 || fragment.header.is_some() || at > 0 {
        account.begin_inside();
    }
    while let Ok(Some(item)) = reader.next() {
        account.take(&fragment, &item);
    }
    account.settle();
    account.damages
}

/// The finder: what fits, as far as the counter has come.
fn seek(shared: &Shared, query: &Query, number: u64) {
    let needs_session = !query.root.is_about(Subject::Event);
    let mut walk = Walk::default();
    loop {
        let (fragments, looked_at, counted, facts) = {
            let state = shared.lock();
            let Some(matches) = state.matches.as_ref().filter(|_| state.filter_number == number) else {
                return;
            };
            let header = state.fragments.iter().find_map(|fragment| fragment.header.as_ref());
            let facts = needs_session.then(|| state.counted.summary.facts(header));
            (Arc::clone(&state.fragments), matches.selection.len(), state.counted.frames.events(), facts)
        };
        if shared.is_stopped() {
            return;
        }
        // What is said about the session is known when all of it was counted once.
        if looked_at >= counted || needs_session && !shared.lock().counted.is_caught_up {
            shared.pause();
            continue;
        }
        let steps = batch(&mut walk, &fragments);
        if steps.is_empty() {
            shared.pause();
            continue;
        }
        let judged: Vec<(bool, Item)> = steps
            .into_iter()
            .filter_map(|(_, step)| step.ok())
            .filter_map(|item| match &item {
                Item::Record(record) => {
                    Some((event_fits(&query.root, &LazyEvent::new(record), facts.as_ref()), item))
                }
                _ => None,
            })
            .collect();
        let mut state = shared.lock();
        let is_ours = state.filter_number == number;
        let Some(matches) = state.matches.as_mut().filter(|_| is_ours) else { return };
        for (fits, item) in judged {
            matches.selection.push(fits);
            if let (true, Item::Record(record)) = (fits, item) {
                matches.density.add(record.time, record.severity, is_severe(&record));
            }
        }
        drop(state);
        shared.tell();
    }
}

/// The fetcher: what is on the screen, the latest wish first.
fn fetch(shared: &Shared) {
    loop {
        let (fragments, frames, wanted, whole) = {
            let mut state = shared.lock();
            loop {
                if shared.is_stopped() {
                    return;
                }
                if state.wants_something() {
                    break;
                }
                state = shared.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let whole = state.missing_whole();
            let rows: Vec<u64> = state.missing_rows().collect();
            (Arc::clone(&state.fragments), state.counted.frames.clone(), rows, whole)
        };
        let mut was_cut = false;
        let read = frames.read(&fragments, &wanted, &mut |place, record| {
            let is_wanted = shared.lock().keep(place, Row::of(&record)) && !shared.is_stopped();
            (shared.wake)();
            was_cut |= !is_wanted;
            is_wanted
        });
        let read = read.and_then(|()| match whole {
            None => Ok(()),
            Some(place) => frames.read(&fragments, &[place], &mut |place, record| {
                shared.lock().whole = Some((place, Arc::from(record)));
                (shared.wake)();
                false
            }),
        });
        let mut state = shared.lock();
        if let Err(error) = read {
            state.trouble = Some(format!("the files cannot be read: {error}"));
        }
        // What was not found now will not be found: the file is not what it was.
        let lost: Vec<u64> =
            wanted.into_iter().filter(|place| !was_cut && !state.rows.contains_key(place)).collect();
        state.rows.extend(lost.into_iter().map(|place| (place, Row::unreadable())));
        state.lost_whole = whole.filter(|place| state.whole.as_ref().is_none_or(|(at, _)| at != place));
        drop(state);
        (shared.wake)();
    }
}

impl State {
    /// Keeps a row and says whether it is still wanted.
    fn keep(&mut self, place: u64, row: Row) -> bool {
        let Self { rows, wanted, .. } = self;
        if rows.len() >= ROWS_MAX {
            rows.retain(|place, _| wanted.binary_search(place).is_ok());
        }
        rows.insert(place, row);
        wanted.binary_search(&place).is_ok()
    }

    fn missing_rows(&self) -> impl Iterator<Item = u64> {
        self.wanted.iter().copied().filter(|place| !self.rows.contains_key(place))
    }

    fn missing_whole(&self) -> Option<u64> {
        let is_here = |place: &u64| self.whole.as_ref().is_some_and(|(at, _)| at == place);
        self.wanted_whole.filter(|place| !is_here(place) && self.lost_whole != Some(*place))
    }

    fn wants_something(&self) -> bool {
        self.missing_rows().next().is_some() || self.missing_whole().is_some()
    }
}
