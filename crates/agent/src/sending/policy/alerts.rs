//! Errors and worse, told in batches to the program, and to the rule that sends on an error.
//!
//! The drainer puts them in when it counts them, so the thread that recorded an error does nothing more than for any
//! other message.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use kymo_model::{Severity, Timestamp};

use super::{Policy, launch, locked, nudge};
use crate::sending::Wish;
use crate::session::{self, Running};

/// The thread on which handlers are called. What is recorded on it makes no alert: a handler that records its own
/// failure would be called for ever.
pub(crate) const THREAD: &str = "kymo-alerts";
/// Events that wait to be told. Each has a text of at most [`TEXT_BYTES_MAX`]: with the rest some 1.2 MB.
const EVENTS_MAX: usize = 256;
/// Longest text of an event in an alert; the session has all of it.
const TEXT_BYTES_MAX: usize = 4096;
/// One error often brings others: these come in one alert. Loupe's figure.
const BURST: Duration = Duration::from_millis(28);
/// What there is of a session is sent on an error, and again after this at the earliest.
pub(super) const SEND_EVERY: Duration = Duration::from_mins(5);
/// After a panic a handler is called again so much later.
const PANICKED_DELAY: Duration = Duration::from_mins(1);
/// The end of a session waits so long for a handler.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// An error, or worse.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AlertEvent {
    /// Its text, at most 4 KiB of it.
    pub message: String,
    /// How bad.
    pub severity: Severity,
    /// Where it belongs.
    pub category: Option<String>,
    /// When.
    pub time: Timestamp,
    /// The type of the error behind it, if there is one and it is known.
    pub exception_type: Option<String>,
}

impl AlertEvent {
    pub(crate) fn new(
        mut message: String,
        severity: Severity,
        category: Option<&str>,
        time: Timestamp,
        exception_type: Option<&str>,
    ) -> Self {
        message.truncate(message.floor_char_boundary(TEXT_BYTES_MAX));
        let kept = |text: &str| text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
        let (category, exception_type) = (category.map(kept), exception_type.map(kept));
        Self { message, severity, category, time, exception_type }
    }
}

/// Errors of the last moments; see [`on_alert`].
#[derive(Debug)]
pub struct Alert<'a> {
    running: &'a Arc<Running>,
    events: Vec<AlertEvent>,
    left_out: u64,
    delay: Mutex<Option<Duration>>,
}

impl Alert<'_> {
    /// What happened, oldest first.
    pub fn events(&self) -> &[AlertEvent] {
        &self.events
    }

    /// How many more happened that are not among them, since the alert before.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Sends what there is of the session by now, in the background, if consent does not hold it. What follows goes by
    /// the other rules.
    pub fn send_session(&self) {
        send_active(self.running, false);
    }

    /// Sends the whole session as soon as the process has ended: [`set_send_sessions_on_exit`](crate::set_send_sessions_on_exit).
    pub fn send_on_exit(&self) {
        super::set_send_sessions_on_exit(true);
    }

    /// The next alert comes so much later at the earliest. Until it is said again.
    pub fn minimum_delay(&self, time: Duration) {
        *locked(&self.delay) = Some(time);
    }
}

pub(super) type Handler = Arc<dyn Fn(&Alert<'_>) + Send + Sync>;

static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

/// Has `handler` called with errors and worse, those of some 28 ms at a time, on a thread of the agent's own: it may
/// take its time, and what it records makes no alert. The last one said is the one that is called. One that panics is
/// called again a minute later.
///
/// The rule [`auto_send_on_error`](crate::Builder::auto_send_on_error) goes on beside it.
///
/// ```
/// kymo::on_alert(|alert| {
///     alert.minimum_delay(std::time::Duration::from_secs(60));
///     if alert.events().iter().any(|event| event.severity >= kymo::Severity::FATAL) {
///         alert.send_session();
///     }
/// });
/// ```
pub fn on_alert(handler: impl Fn(&Alert<'_>) + Send + Sync + 'static) {
    *locked(&HANDLER) = Some(Arc::new(handler));
    if let Some(running) = session::running() {
        running.policy.queue.want_alerts(true);
        Policy::wake(&running);
    }
}

/// Nobody is within it as long as this lives.
pub(super) type Held = std::sync::MutexGuard<'static, Option<Handler>>;

/// For who forks.
pub(super) fn hold() -> Held {
    locked(&HANDLER)
}

pub(super) fn has_handler() -> bool {
    locked(&HANDLER).is_some()
}

/// What waits for the thread.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    is_wanted: AtomicBool,
    left_out: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<AlertEvent>,
    /// Since the last time.
    left_out: u64,
    looks_at_helper: bool,
    stops: bool,
    stopped: bool,
}

impl Queue {
    /// Whether anybody wants to be told.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    pub(super) fn want_alerts(&self, is_wanted: bool) {
        self.is_wanted.fetch_or(is_wanted, Ordering::Relaxed);
    }

    /// Whether one more may wait; if not, it is counted as left out.
    pub(crate) fn has_room(&self) -> bool {
        let mut waiting = locked(&self.waiting);
        let has_room = waiting.events.len() < EVENTS_MAX;
        if !has_room {
            waiting.left_out += 1;
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// One more. Who adds has asked whether there [is room](Self::has_room), and nobody else adds.
    pub(crate) fn push(&self, event: AlertEvent) {
        locked(&self.waiting).events.push_back(event);
        self.changed.notify_all();
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    pub(super) fn look_at_helper(&self) {
        locked(&self.waiting).looks_at_helper = true;
        self.changed.notify_all();
    }

    /// Has the thread stop when it has told what waits; true if it has.
    pub(super) fn stop(&self) -> bool {
        let mut waiting = locked(&self.waiting);
        waiting.stops = true;
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(waiting, STOP_WITHIN, |waiting| !waiting.stopped);
        waited.is_ok_and(|(waiting, _)| waiting.stopped)
    }

    pub(super) fn stopped(&self) {
        locked(&self.waiting).stopped = true;
        self.changed.notify_all();
    }

    pub(super) fn has_stopped(&self) -> bool {
        locked(&self.waiting).stopped
    }

    /// Waits until something is there, or for that moment.
    fn take(&self, until: Option<Instant>) -> Waiting {
        let mut waiting = locked(&self.waiting);
        while waiting.events.is_empty() && !waiting.looks_at_helper && !waiting.stops {
            let Some(until) = until else {
                waiting = self.changed.wait(waiting).unwrap_or_else(std::sync::PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        let taken = std::mem::take(&mut *waiting);
        // It holds until it has.
        waiting.stops = taken.stops;
        taken
    }
}

/// Who is told.
enum Told {
    /// What the program said.
    Program,
    /// What there is of the session is sent.
    Sender,
}

struct Listener {
    told: Told,
    events: Vec<AlertEvent>,
    left_out: u64,
    /// Of the oldest that waits.
    since: Option<Instant>,
    called_at: Option<Instant>,
    delay: Duration,
}

impl Listener {
    fn new(told: Told, delay: Duration) -> Self {
        Self { told, events: Vec::new(), left_out: 0, since: None, called_at: None, delay }
    }

    fn add(&mut self, events: &VecDeque<AlertEvent>, left_out: u64, queue: &Queue) {
        if events.is_empty() {
            return;
        }
        self.since.get_or_insert_with(Instant::now);
        let room = EVENTS_MAX - self.events.len();
        self.events.extend(events.iter().take(room).cloned());
        let beyond = events.len().saturating_sub(room) as u64;
        self.left_out += left_out + beyond;
        if matches!(self.told, Told::Program) {
            queue.left_out.fetch_add(beyond, Ordering::Relaxed);
        }
    }

    fn due_at(&self) -> Option<Instant> {
        let burst = self.since? + BURST;
        Some(self.called_at.map_or(burst, |called_at| burst.max(called_at + self.delay)))
    }

    fn call(&mut self, running: &Arc<Running>) {
        self.called_at = Some(Instant::now());
        self.since = None;
        let events = std::mem::take(&mut self.events);
        let left_out = std::mem::take(&mut self.left_out);
        match self.told {
            Told::Sender => {
                if running.policy.settings().auto_send_on_error {
                    send_active(running, true);
                }
            }
            Told::Program => {
                let Some(handler) = locked(&HANDLER).clone() else { return };
                let alert = Alert { running, events, left_out, delay: Mutex::default() };
                let calls = std::panic::AssertUnwindSafe(|| handler(&alert));
                if std::panic::catch_unwind(calls).is_err() {
                    self.delay = PANICKED_DELAY;
                    running.progress.failed(&std::io::Error::other("a handler of alerts panicked"));
                    return;
                }
                self.delay = locked(&alert.delay).unwrap_or(self.delay);
            }
        }
    }
}

pub(super) fn run(running: &Arc<Running>) {
    let queue = &running.policy.queue;
    let mut listeners =
        [Listener::new(Told::Program, Duration::ZERO), Listener::new(Told::Sender, SEND_EVERY)];
    loop {
        let next = listeners.iter().filter_map(Listener::due_at).min();
        let taken = queue.take(next);
        if taken.looks_at_helper {
            launch::align(running);
        }
        for listener in &mut listeners {
            listener.add(&taken.events, taken.left_out, queue);
            let is_due = listener.due_at().is_some_and(|at| at <= Instant::now());
            // At the end there is no later.
            if is_due || (taken.stops && listener.since.is_some()) {
                listener.call(running);
            }
        }
        if taken.stops {
            // A handler may have asked for the helper just now.
            launch::align(running);
            return;
        }
    }
}

/// What there is of the session now goes, if a rule may send. What the program asks for goes beyond the server's policy.
fn send_active(running: &Arc<Running>, by_rule: bool) {
    let settings = running.policy.settings();
    if settings.server.is_none() || !Policy::is_open(running, &settings) {
        return;
    }
    // Otherwise what is in the rings would go with the next flush.
    running.shared.flush();
    let wish = Wish { now: true, by_rule, ..Wish::default() };
    match wish.make(&running.folder, &running.stem) {
        Ok(()) => nudge(running),
        Err(error) => running.progress.failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> AlertEvent {
        AlertEvent::new(number.to_string(), Severity::ERROR, None, Timestamp::default(), None)
    }

    #[test]
    fn too_many_are_counted_and_the_oldest_are_told() {
        let queue = Queue::default();
        (0..EVENTS_MAX + 7).filter(|_| queue.has_room()).for_each(|number| queue.push(event(number)));
        let taken = queue.take(None);
        assert_eq!((taken.events.len(), taken.left_out, queue.left_out()), (EVENTS_MAX, 7, 7));
        assert_eq!(taken.events[0].message, "0");
        let mut listener = Listener::new(Told::Program, Duration::ZERO);
        listener.add(&taken.events, taken.left_out, &queue);
        listener.add(&taken.events, 0, &queue);
        assert_eq!((listener.events.len(), listener.left_out), (EVENTS_MAX, 7 + EVENTS_MAX as u64));
        assert_eq!(queue.left_out(), 7 + EVENTS_MAX as u64);
    }

    #[test]
    fn the_first_comes_after_the_burst_and_the_next_after_the_delay() {
        let mut listener = Listener::new(Told::Program, Duration::from_mins(1));
        assert_eq!(listener.due_at(), None);
        let queue = Queue::default();
        listener.add(&VecDeque::from([event(1)]), 0, &queue);
        assert_eq!(listener.due_at(), listener.since.map(|since| since + BURST));
        let called_at = Instant::now();
        listener.called_at = Some(called_at);
        assert_eq!(listener.due_at(), Some(called_at + Duration::from_mins(1)));
    }

    #[test]
    fn texts_are_cut_between_letters() {
        let long = "ä".repeat(TEXT_BYTES_MAX);
        let event =
            AlertEvent::new(format!("x{long}"), Severity::ERROR, Some(&long), Timestamp::default(), None);
        assert_eq!(
            (event.message.len(), event.category.unwrap().len()),
            (TEXT_BYTES_MAX - 1, TEXT_BYTES_MAX)
        );
    }
}
