//! The session's second thread: what takes time and may wait.
//!
//! * at the start, sessions that other processes left are recovered, and the folder is pruned;
//! * every two seconds what was written is brought to the disk itself, so that a loss of power costs no more;
//! * every quarter of a minute the summary is written, if there is something new;
//! * what the inputs do now and then: samples of metrics, heartbeats;
//! * every ten minutes, and when the disk is full, the folder is pruned.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_model::Severity;

use super::Running;
use super::event::Event;
use crate::clock;
use crate::inputs::Due;
use crate::repository::{self, Pruned, Recovered};
use crate::spool::disk;

/// How often what was written goes to the disk itself.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// How old a summary may be.
const SUMMARY_EVERY: Duration = Duration::from_secs(15);
/// How often the folder is looked through.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// The end of a session waits so long for the thread, which may be waiting for the disk.
const STOP_WITHIN: Duration = Duration::from_secs(2);
const CATEGORY: &str = "kymo.repository";

#[derive(Debug)]
pub(super) struct Keeper {
    signal: Arc<Signal>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Signal {
    /// It is to stop; it has stopped.
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Signal {
    /// Waits that long, or until it is to stop: then true.
    fn wait(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, time, |(stops, _)| !*stops);
        waited.unwrap_or_else(PoisonError::into_inner).0.0
    }

    fn stops(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn set(&self, set: impl FnOnce(&mut (bool, bool))) {
        set(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

impl Keeper {
    pub(super) fn start(running: &Arc<Running>) -> io::Result<Self> {
        let (running, signal) = (Arc::clone(running), Arc::new(Signal::default()));
        let told = Arc::clone(&signal);
        let thread = std::thread::Builder::new().name("kymo-keeper".into()).spawn(move || {
            let keeps = std::panic::AssertUnwindSafe(|| run(&running, &told));
            if std::panic::catch_unwind(keeps).is_err() {
                running.progress.failed(&io::Error::other("the keeper panicked"));
            }
            told.set(|(_, stopped)| *stopped = true);
        })?;
        Ok(Self { signal, thread })
    }

    /// Has it stop, and the inputs say their last: also when it hangs at a disk that does not answer.
    pub(super) fn stop(self) {
        self.signal.set(|(stops, _)| *stops = true);
        let state = self.signal.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.signal.changed.wait_timeout_while(state, STOP_WITHIN, |(_, stopped)| !*stopped);
        if waited.is_ok_and(|(_, timeout)| !timeout.timed_out()) {
            drop(self.thread.join());
        }
        Due::last();
    }
}

fn run(running: &Running, signal: &Signal) {
    // At the end what is left waits for the next start.
    match repository::recover_until(&running.folder, &|| signal.stops()) {
        Ok((recovered, failed)) => {
            recovered.iter().for_each(tell_recovered);
            for text in failed {
                tell(Severity::WARN, format!("a session was not recovered: {text}"));
            }
        }
        Err(error) => running.progress.failed(&error),
    }
    let mut synced = (0, 0);
    let mut summarized = (running.progress.now(), Instant::now());
    let mut pruned: Option<Instant> = None;
    let mut due = Due::new(running.settings.rhythm(), running.folder.clone());
    loop {
        let is_in_need = running.shared.is_disk_full();
        if pruned.is_none_or(|when| when.elapsed() >= PRUNE_EVERY || is_in_need) {
            pruned = Some(Instant::now());
            prune(running, signal);
        }
        if signal.wait(SYNC_EVERY) {
            return;
        }
        due.tick();
        let now = running.progress.now();
        if (now.bytes, now.fragment) != synced {
            running.progress.sync();
            // A fragment that is new has a name that is only in memory so far.
            if now.fragment != synced.1
                && let Err(error) = disk::sync_folder(&running.folder)
            {
                running.progress.failed(&error);
            }
            synced = (now.bytes, now.fragment);
        }
        if summarized.1.elapsed() >= SUMMARY_EVERY && summarized.0 != now {
            summarized = (now, Instant::now());
            if let Err(error) = running.summarize(None) {
                running.progress.failed(&error);
            }
        }
    }
}

fn prune(running: &Running, signal: &Signal) {
    let stops = || signal.stops();
    match repository::prune(&running.folder, &running.settings.retention, clock::now(), &stops) {
        Ok(pruned) => {
            let was_held = running.progress.hold(pruned.is_disk_low);
            tell_pruned(&pruned, was_held);
        }
        Err(error) => running.progress.failed(&error),
    }
}

fn tell_pruned(pruned: &Pruned, was_held: bool) {
    if let Some(because) = pruned.because {
        let (fragments, sessions, bytes) = (pruned.fragments, pruned.sessions, pruned.bytes);
        let because = because.as_str();
        tell(
            Severity::INFO,
            format!("removed {fragments} fragments of {bytes} bytes, {sessions} whole sessions: {because}"),
        );
    }
    if pruned.is_disk_low && !was_held {
        tell(
            Severity::WARN,
            "the disk has less free space than the limit: what is recorded from now on waits".to_owned(),
        );
    }
}

fn tell_recovered(recovered: &Recovered) {
    let Recovered { session, reason, records, damaged_places } = recovered;
    let text = format!(
        "session {session} of a process that is gone was recovered: {reason}, {records} messages, {damaged_places} damaged places"
    );
    tell(Severity::INFO, text);
}

fn tell(severity: Severity, text: String) {
    Event::new(severity, text).category(CATEGORY).record();
}
