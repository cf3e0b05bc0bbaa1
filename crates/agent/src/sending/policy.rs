//! When something is to be sent: what the program and people say, errors, and the end, made into wishes and handed to
//! who sends.
//!
//! ```text
//!   drainer counts an error -> queue (bounded) -> alerts   the program's handler; the rule `auto_send_on_error`
//!   set_…, consent, a tick  -> queue           -> launch   the helper that sends after the end, started or told to go
//!   front end's answer      -> asking, problem -> consent, wishes
//! ```
//!
//! One thread, `kymo-alerts`, which is started when there is something for it to do. Nothing here waits for the network
//! but [`send_sessions`], whose caller asked for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Gate, SendReason, SendSettings, Wish};
use crate::session::{Running, running};

mod alerts;
mod asking;
mod dialogs;
mod launch;
mod once;
mod problem;
mod request;
mod switches;
mod terminal;

pub use alerts::{Alert, AlertEvent, on_alert};
pub(crate) use alerts::{Queue, THREAD};
pub use asking::{ConsentAnswer, ConsentQuestion, FrontEnd, ask_consent, ask_consent_if_due, set_front_end};
pub use dialogs::DialogFrontEnd;
pub(crate) use problem::tell_panic;
pub use problem::{Choice, Problem, ProblemAnswer, tell_problem};
pub use request::{send_sessions, send_sessions_in_background};
pub use switches::{
    set_auto_send_on_error, set_auto_send_sessions, set_purge_sent_sessions, set_send_sessions_on_exit,
};
pub use terminal::TerminalFrontEnd;

/// What a session keeps of it.
#[derive(Debug)]
pub(crate) struct Policy {
    /// As they are now: the program may change some at any time.
    settings: Mutex<SendSettings>,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    helper: Mutex<launch::Helper>,
    /// The server answered: what was recorded can go there at the end.
    has_reached_server: AtomicBool,
    /// A person wants this session sent through its end.
    is_asked_for: AtomicBool,
    /// One call at a time that sends: two would only share the line.
    turn: Mutex<()>,
    /// One of them is in the background.
    is_in_background: AtomicBool,
    /// A person does not want to be told of more problems in this session.
    ignores_problems: AtomicBool,
    /// When a panic was made a wish last.
    panicked_at: Mutex<Option<Instant>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole after any panic: it is assigned or copied.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps for other programs, which may send for this one, that nothing leaves before a yes.
fn require(running: &Running, settings: &SendSettings) -> std::io::Result<()> {
    let Some(product) = running.folder.parent().filter(|_| settings.consent_required) else { return Ok(()) };
    if !crate::Consent::read_in(product)?.required {
        crate::Consent::change(product, |consent| consent.required = true)?;
    }
    Ok(())
}

impl Policy {
    pub(crate) fn new(settings: &SendSettings) -> Self {
        let settings = switches::with_what_was_said(settings.clone());
        Self {
            settings: Mutex::new(settings),
            queue: Arc::new(Queue::default()),
            thread: Mutex::default(),
            helper: Mutex::default(),
            has_reached_server: AtomicBool::new(false),
            is_asked_for: AtomicBool::new(false),
            turn: Mutex::new(()),
            is_in_background: AtomicBool::new(false),
            ignores_problems: AtomicBool::new(false),
            panicked_at: Mutex::default(),
        }
    }

    /// What is to be sent when, as it is now.
    pub(crate) fn settings(&self) -> SendSettings {
        locked(&self.settings).clone()
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Events that no alert told, because too many waited.
    pub(crate) fn left_out(&self) -> u64 {
        self.queue.left_out()
    }

    /// What did not go as it should, in words.
    pub(crate) fn notes(&self) -> Vec<String> {
        locked(&self.helper).note().into_iter().collect()
    }

    fn is_asked_for(&self) -> bool {
        self.is_asked_for.load(Ordering::Acquire)
    }

    /// The server answered.
    pub(crate) fn reached_server(&self) {
        if !self.has_reached_server.swap(true, Ordering::AcqRel) {
            self.queue.look_at_helper();
        }
    }

    /// Begins: what the settings want at once.
    pub(crate) fn start(running: &Arc<Running>) {
        let policy = &running.policy;
        // Nobody will say *no* to what was allowed for another session: that one has ended.
        if let Some(product) = running.folder.parent()
            && let Err(error) = crate::Consent::end_once(product, Some(running.session.to_string().as_str()))
        {
            running.progress.failed(&error);
        }
        let settings = policy.settings();
        if let Err(error) = require(running, &settings) {
            running.progress.failed(&error);
        }
        let can_send = settings.server.is_some() || settings.mail.is_some();
        let sends_on_error = settings.auto_send_on_error && can_send;
        policy.queue.want_alerts(sends_on_error || alerts::has_handler());
        if settings.send_sessions_on_exit {
            policy.queue.look_at_helper();
        }
        if sends_on_error || alerts::has_handler() || settings.send_sessions_on_exit {
            Self::wake(running);
        }
    }

    /// Has the thread running.
    fn wake(running: &Arc<Running>) {
        let mut thread = locked(&running.policy.thread);
        if thread.is_some() || running.policy.queue.has_stopped() {
            return;
        }
        let (its, queue) = (Arc::clone(running), running.policy.queue());
        let spawned = std::thread::Builder::new().name(THREAD.into()).spawn(move || {
            let runs = std::panic::AssertUnwindSafe(|| alerts::run(&its));
            if std::panic::catch_unwind(runs).is_err() {
                its.progress.failed(&std::io::Error::other("the thread for alerts panicked"));
            }
            queue.stopped();
        });
        match spawned {
            Ok(spawned) => *thread = Some(spawned),
            Err(error) => running.progress.failed(&error),
        }
    }

    /// The settings, the consent, or a person's wish changed: the helper is started or told to go, soon.
    fn changed(running: &Arc<Running>) {
        running.policy.queue.look_at_helper();
        Self::wake(running);
    }

    /// The session has ended: alerts that wait are told. Waits for a handler for two seconds at most.
    pub(crate) fn stop(running: &Arc<Running>) {
        let policy = &running.policy;
        let thread = locked(&policy.thread).take();
        if let Some(thread) = thread {
            if policy.queue.stop() {
                drop(thread.join());
            }
        } else {
            policy.queue.stopped();
        }
    }

    /// The helper sends, if there is one.
    pub(crate) fn let_go(&self) {
        locked(&self.helper).let_go();
    }

    /// An error that may be the last there is: by the usual way nobody may come to wish anything. Writes a small file.
    pub(crate) fn panicked(&self, running: &Running) {
        // Panics may be caught, and come by the thousand.
        let mut last = self.panicked_at.try_lock().ok();
        let is_recent =
            last.as_deref().is_none_or(|last| last.is_some_and(|at| at.elapsed() < alerts::SEND_EVERY));
        if is_recent {
            return;
        }
        let settings = self.settings();
        if settings.auto_send_on_error && settings.server.is_some() && Self::is_open(running, &settings) {
            let wish = Wish { now: true, by_rule: true, ..Wish::default() };
            if let Err(error) = wish.make(&running.folder, &running.stem) {
                running.progress.failed(&error);
            }
            if let Some(last) = &mut last {
                **last = Some(Instant::now());
            }
        }
    }

    /// Whether a rule may send now.
    fn is_open(running: &Running, settings: &SendSettings) -> bool {
        let Some(product) = running.folder.parent() else { return false };
        Gate::new(product, settings).is_open(SendReason::Rule)
    }
}

/// The consent changed: who holds it back or sends it is told.
pub(crate) fn consent_changed(state: crate::ConsentState) {
    let Some(running) = running() else { return };
    if state == crate::ConsentState::Refused {
        once::take_back(&running);
    }
    Policy::changed(&running);
    nudge(&running);
}

thread_local! {
    /// Held from before a fork until after it, as the session's own is.
    static HELD: std::cell::RefCell<Option<(asking::Held, alerts::Held, switches::Held)>> =
        const { std::cell::RefCell::new(None) };
}

/// Before a fork, in the thread that forks.
pub(crate) fn before_fork() {
    let held = (asking::hold(), alerts::hold(), switches::hold());
    let _ = HELD.try_with(|place| place.borrow_mut().replace(held));
}

/// After it, in both processes.
pub(crate) fn after_fork() {
    let _ = HELD.try_with(|place| place.borrow_mut().take());
}

/// Whoever sends looks at what there is to do.
fn nudge(running: &Arc<Running>) {
    running.nudge_sender();
}
