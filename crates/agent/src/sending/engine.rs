//! The session's third thread: sends for its folder while the program runs, if no other process does.
//!
//! ```text
//!   start delay -> [ elected? -> something new, a nudge, a poll, a try that is due? -> pass -> status ] every two seconds
//!                     | no: another process sends; the lock is tried again         -> beats every minute
//! ```
//!
//! Asleep it looks at the folder's time every two seconds, and no more. The program never waits for it but at its end, and
//! then no longer than [`STOP_WITHIN`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::{Client, SendError, SendErrorKind};
use super::pace::{BackOff, Pace, Patience};
use super::pass::{Halt, Pass, Scope, SendReport};
use super::pieces::Growing;
use super::select::{Local, select_if};
use super::{Gate, SendReason, SendSettings, SendStatus, Sent};
use crate::recorder::muted;
use crate::repository::names::FileName;
use crate::session::Running;

mod beats;
mod folder;
mod timing;

use timing::TIMING;
pub use timing::Timing;
pub(crate) use timing::chance;

/// The end of a session waits so long for the thread, whose connections are closed then.
pub const STOP_WITHIN: Duration = Duration::from_secs(2);
/// A session that the server does not want, or that cannot be sent, is tried again after that.
const AGAIN_AFTER: Duration = Duration::from_mins(10);
/// Sessions that are not wanted, or fail, and are remembered as such: some 100 bytes each.
const AGAIN_MAX: usize = 10_000;

/// The thread that sends, in the hands of the session.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stops: AtomicBool,
    /// Of the place whose sender this process is. Let go of by a forked child, which has a share of it.
    elected: Mutex<Option<(PathBuf, File)>>,
    /// What closes the connections of the pass that is under way.
    requests: Mutex<Option<ureq::Agent>>,
    status: Mutex<SendStatus>,
}

#[derive(Debug, Default)]
struct State {
    is_nudged: bool,
    has_stopped: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole after any panic: each change is an assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts the thread for a session. Errors: what starting a thread says.
    pub(crate) fn start(running: &Arc<Running>) -> io::Result<Self> {
        let (running, shared) = (Arc::clone(running), Arc::new(Shared::default()));
        let told = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("kymo-sender".into()).spawn(move || {
            // What its libraries log would be sent, which they log.
            let sends = std::panic::AssertUnwindSafe(|| muted(|| run(&running, &told)));
            if std::panic::catch_unwind(sends).is_err() {
                locked(&told.status)
                    .failed("expected no panic of the sender, found one: nothing is sent", None);
            }
            locked(&told.requests).take();
            locked(&told.elected).take();
            locked(&told.state).has_stopped = true;
            told.changed.notify_all();
        })?;
        Ok(Self { shared, thread })
    }

    /// Has it look at once: something is to be sent. Returns at once.
    pub fn nudge(&self) {
        locked(&self.shared.state).is_nudged = true;
        self.shared.changed.notify_all();
    }

    /// Tells it to end, and ends its connections. Returns at once.
    pub(crate) fn tell_to_stop(&self) {
        self.shared.stops.store(true, Ordering::Release);
        // Locked, so that it does not go to sleep between its look and this.
        drop(locked(&self.shared.state));
        self.shared.changed.notify_all();
        if let Some(requests) = locked(&self.shared.requests).take() {
            requests.shutdown();
        }
    }

    /// Ends it, and waits for that no longer than [`STOP_WITHIN`].
    pub(crate) fn stop(self) {
        self.tell_to_stop();
        let state = locked(&self.shared.state);
        let waited = self.shared.changed.wait_timeout_while(state, STOP_WITHIN, |state| !state.has_stopped);
        if waited.is_ok_and(|(_, timeout)| !timeout.timed_out()) {
            drop(self.thread.join());
        }
    }

    /// In a child after a fork, which has a share of its parent's lock: the parent alone is to have it.
    pub(crate) fn disown(&self) {
        if let Ok(mut elected) = self.shared.elected.try_lock() {
            // Closed, not unlocked.
            elected.take();
        }
    }

    /// How sending goes.
    pub(crate) fn status(&self) -> SendStatus {
        locked(&self.shared.status).clone()
    }
}

impl Shared {
    fn stops(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// Waits that long, or until it is to look or to stop. True if it was nudged.
    fn wait(&self, time: Duration) -> bool {
        let state = locked(&self.state);
        let waited = self.changed.wait_timeout_while(state, time, |state| !state.is_nudged && !self.stops());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        std::mem::take(&mut state.is_nudged)
    }

    /// Whether this process sends for that place; tries to, if nobody does.
    fn is_elected(&self, place: &Path) -> bool {
        let mut elected = locked(&self.elected);
        if elected.as_ref().is_some_and(|(held, _)| held == place) {
            return true;
        }
        elected.take();
        *elected = folder::try_lock(place).map(|file| (place.to_owned(), file));
        elected.is_some()
    }
}

fn run(running: &Running, shared: &Shared) {
    let timing = TIMING.get().copied().unwrap_or_default();
    let mut is_nudged = shared.wait(timing.start_delay);
    let mut sender = Sender::new(running, shared, timing);
    while !shared.stops() {
        sender.turn(is_nudged);
        is_nudged = shared.wait(timing.look_every);
    }
}

/// What the thread knows from one turn to the next.
struct Sender<'a> {
    running: &'a Running,
    shared: &'a Shared,
    timing: Timing,
    growing: Growing,
    back_off: BackOff,
    /// After a failure; and what of it the server asked for, which a nudge does not shorten.
    not_before: (Instant, Instant),
    /// When it last went through everything.
    polled_at: Option<Instant>,
    /// How the folders looked then.
    seen: Option<u64>,
    /// Something was left over: it failed, or a fragment was just being closed.
    owes: bool,
    beaten_at: Instant,
    /// The server takes no beats, until then.
    no_beats_until: Option<Instant>,
    /// Not to be tried before.
    again: BTreeMap<FileName, PutOff>,
    /// What is in the file.
    written: SendStatus,
}

/// A session that is left alone for a while.
#[derive(Clone, Copy, Debug)]
struct PutOff {
    until: Instant,
    /// The server does not want it, as it is so far. Otherwise it failed.
    is_declined: bool,
}

impl PutOff {
    fn holds(self, local: &Local, now: Instant) -> bool {
        // An error came, or somebody asked for it.
        let is_wanted = self.is_declined && local.is_wanted(&local.sent.wanted);
        let is_wished = if self.is_declined { local.is_wished_by_somebody() } else { local.wish.is_some() };
        now < self.until && !is_wished && !is_wanted
    }
}

/// What there is to send after a turn.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    sessions: u64,
    bytes: u64,
}

impl<'a> Sender<'a> {
    fn new(running: &'a Running, shared: &'a Shared, timing: Timing) -> Self {
        let now = Instant::now();
        Self {
            running,
            shared,
            timing,
            growing: Growing::default(),
            back_off: BackOff::new(timing.back_off_first, timing.back_off_max),
            not_before: (now, now),
            polled_at: None,
            seen: None,
            owes: false,
            beaten_at: now,
            no_beats_until: None,
            again: BTreeMap::new(),
            written: SendStatus::default(),
        }
    }

    fn turn(&mut self, is_nudged: bool) {
        let settings = self.running.send_settings();
        if settings.server.is_none() {
            return;
        }
        let own = self.running.folder();
        let product = own.parent().unwrap_or(own);
        let place = if settings.send_all_applications { product } else { own };
        if !self.shared.is_elected(place) {
            // What the elected one knows.
            let known = SendStatus::read(place);
            *locked(&self.shared.status) = SendStatus { is_elected: false, ..known };
            (self.polled_at, self.seen) = (None, None);
            return;
        }
        let now = Instant::now();
        let (not_before, asked) = self.not_before;
        if now < if is_nudged { asked } else { not_before } {
            self.owes |= is_nudged;
            return;
        }
        let folders = super::folders(own, &settings);
        let looks = folder::looks(product, &folders);
        let is_polled = self.polled_at.is_some_and(|at| now < at + self.timing.poll_every);
        if is_nudged || self.owes || !is_polled || self.seen != Some(looks) {
            (self.polled_at, self.seen, self.owes) = (Some(now), Some(looks), false);
            self.pass(&settings, place, &folders);
        } else if settings.auto_send_sessions && now >= self.beaten_at + self.timing.beat_every {
            self.beaten_at = now;
            self.beat(&settings, place, &folders);
        }
    }

    fn pass(&mut self, settings: &SendSettings, place: &Path, folders: &[PathBuf]) {
        let mut pending = Pending::default();
        let done = self.with_client(settings, |sender, client| {
            let mut growing = std::mem::take(&mut sender.growing);
            let shared = sender.shared;
            let stop = || shared.stops();
            let mut pass = Pass {
                client,
                settings,
                pace: Pace::new(settings.bytes_per_second),
                patience: Patience::OFTEN,
                growing: &mut growing,
                progress: &mut |_| {},
                stop: &stop,
                report: SendReport::default(),
                answers: 0,
            };
            let mut halted = None;
            for folder in folders {
                sender.folder(&mut pass, folder, &mut pending, &mut halted);
            }
            let (report, answers) = (std::mem::take(&mut pass.report), pass.answers);
            sender.growing = growing;
            (report, answers, halted)
        });
        match done {
            Ok((report, answers, halted)) => self.tell(settings, place, &report, answers, halted, pending),
            Err(error) => self.failed(place, &error),
        }
    }

    /// Gives a client that `tell_to_stop` can interrupt.
    fn with_client<R>(
        &mut self,
        settings: &SendSettings,
        run: impl FnOnce(&mut Self, &Client) -> R,
    ) -> Result<R, SendError> {
        let client = Client::of(settings)?;
        *locked(&self.shared.requests) = Some(client.agent());
        let result = run(self, &client);
        // A connection is not kept while there is nothing to send; nor does a forked child get one then.
        locked(&self.shared.requests).take();
        Ok(result)
    }

    /// What there is to do in a folder; after a failure of the server it is only counted.
    fn folder(
        &mut self,
        pass: &mut Pass<'_>,
        folder: &Path,
        pending: &mut Pending,
        halted: &mut Option<Halt>,
    ) {
        if halted.is_none()
            && let Ok((_, failed)) = crate::repository::recover(folder)
        {
            pass.report.notes.extend(failed);
        }
        let (now, settings, server) = (Instant::now(), pass.settings, pass.client.server());
        let again = std::mem::take(&mut self.again);
        // A fragment that is just being closed is looked at again soon.
        let is_unsettled = std::cell::Cell::new(false);
        let is_due = |local: &Local| {
            is_unsettled.set(is_unsettled.get() || local.has_unsettled());
            let waits = again.get(&local.stem).is_some_and(|put_off| put_off.holds(local, now));
            !waits && scope(local, settings, server).is_some()
        };
        let found = select_if(folder, is_due);
        self.again = again;
        self.owes |= is_unsettled.get();
        let mut sessions = match found {
            Ok(sessions) => sessions,
            Err(error) => {
                pass.report.failed.push((None, format!("{}: {error}", folder.display())));
                return;
            }
        };
        // What somebody waits for comes first.
        sessions.sort_by_key(|session| session.wish.is_none());
        let gate = Gate::new(folder.parent().unwrap_or(folder), settings);
        for local in &sessions {
            let Some(scope) = scope(local, settings, server) else { continue };
            if halted.is_some() {
                pending.add(local, &local.sent, scope);
                continue;
            }
            let declined = pass.report.declined.len();
            match pass.session(local, &gate, SendReason::Rule, scope) {
                Ok(_) if pass.report.declined.len() > declined => self.put_off(local, true),
                Ok(sent) => pending.add(local, &sent, scope),
                Err(halt) => {
                    let known = Sent::read(&local.folder, &local.stem);
                    pending.add(local, &known, scope);
                    match halt {
                        Halt::Session(_) => self.put_off(local, false),
                        Halt::Held => {}
                        Halt::Stopped | Halt::Server(_) => *halted = Some(halt),
                    }
                }
            }
        }
    }

    fn put_off(&mut self, local: &Local, is_declined: bool) {
        let now = Instant::now();
        if self.again.len() >= AGAIN_MAX {
            self.again.retain(|_, put_off| put_off.until > now);
        }
        if self.again.len() < AGAIN_MAX {
            self.again.insert(local.stem.clone(), PutOff { until: now + AGAIN_AFTER, is_declined });
        }
    }

    /// What came of a pass, to who asks.
    fn tell(
        &mut self,
        settings: &SendSettings,
        place: &Path,
        report: &SendReport,
        answers: u64,
        halted: Option<Halt>,
        pending: Pending,
    ) {
        let mut status = locked(&self.shared.status).clone();
        status.is_elected = true;
        status.pid = std::process::id();
        status.server = settings.server.clone().unwrap_or_default();
        (status.sessions_unsent, status.bytes_pending) = (pending.sessions, pending.bytes);
        status.is_held = !report.held.is_empty();
        status.bytes_sent += report.bytes;
        status.sessions_sent += report.whole.len() as u64;
        status.note(&report.notes);
        if answers > 0 {
            self.running.policy.reached_server();
            status.succeeded();
        }
        let server = match halted {
            Some(Halt::Server(error)) => Some(error),
            _ => None,
        };
        if let Some(error) = &server {
            self.wait_after(error, &mut status);
        } else {
            self.back_off.succeeded();
            (status.failures, status.next_try_at) = (0, None);
            if let Some((_, text)) = report.failed.first() {
                status.failed(text, None);
            }
        }
        self.show(place, status);
    }

    fn failed(&mut self, place: &Path, error: &SendError) {
        let mut status = locked(&self.shared.status).clone();
        (status.is_elected, status.pid) = (true, std::process::id());
        self.wait_after(error, &mut status);
        self.show(place, status);
    }

    fn wait_after(&mut self, error: &SendError, status: &mut SendStatus) {
        let wait = match error.kind {
            // Only a person can mend it: there is no use in asking often.
            SendErrorKind::Refused | SendErrorKind::Misunderstood | SendErrorKind::Unknown => {
                Some(self.timing.back_off_max)
            }
            _ => error.retry_after,
        };
        let wait = self.back_off.failed(wait, chance());
        let now = Instant::now();
        self.not_before = (now + wait, now + error.retry_after.unwrap_or_default().min(wait));
        self.owes = true;
        status.failures = self.back_off.failures();
        status.failed(&error.text, Some(wait));
    }

    fn show(&mut self, place: &Path, status: SendStatus) {
        if status != self.written && status.write(place).is_ok() {
            self.written = status.clone();
        }
        *locked(&self.shared.status) = status;
    }
}

impl Pending {
    fn add(&mut self, local: &Local, sent: &Sent, scope: Scope) {
        let missing = |number: u64, bytes: u64| {
            bytes.saturating_sub(sent.fragments.get(&number).map_or(0, |sent| sent.bytes))
        };
        let open = local.fragments.iter().filter(|fragment| fragment.is_closed || scope.growing);
        let bytes: u64 = open
            .filter(|fragment| !sent.is_done(fragment.number))
            .map(|fragment| missing(fragment.number, fragment.bytes))
            .sum();
        if bytes > 0 && !sent.is_whole {
            self.sessions += 1;
            self.bytes += bytes;
        }
    }
}

/// What of a session is to be sent now, by rule or by wish; `None` if there is nothing to do.
fn scope(local: &Local, settings: &SendSettings, server: &str) -> Option<Scope> {
    let is_known = local.sent.to == server;
    // What is wished when it has ended waits for that.
    let is_wished = local.wish.as_ref().is_some_and(|wish| wish.now || wish.through_end || !local.is_running);
    if is_known && local.sent.is_whole && !is_wished && !settings.purge_sent_sessions {
        return None;
    }
    if !is_wished && !settings.auto_send_sessions {
        return None;
    }
    let is_done = |number: u64| is_known && local.sent.is_done(number);
    let growing = is_wished || (is_known && local.sent.is_requested);
    let is_shown = is_known && !local.sent.wanted.is_empty();
    let has_closed = local.fragments.iter().any(|one| one.is_closed && !is_done(one.number));
    let has_to_purge = settings.purge_sent_sessions
        && local.fragments.iter().any(|one| one.is_closed && is_done(one.number));
    let is_to_do = !is_shown || has_closed || growing || !local.is_running || has_to_purge;
    is_to_do.then_some(Scope { growing, beyond_policy: false, trusts_sent: true })
}
