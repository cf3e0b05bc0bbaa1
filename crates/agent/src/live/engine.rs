//! The thread: connects when it may, again when it has to, and ends with the session.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_format::live::Refusal;

use super::control::{self, Over};
use super::found::{self, Found};
use super::link::Refused;
use super::{Lines, LiveStatus, LiveTiming, raised};
use crate::recorder::muted;
use crate::repository::Leases;
use crate::sending::{BackOff, Client, Gate, SendErrorKind, SendReason, SendSettings, chance};
use crate::session::Running;

/// The end of a session waits at most so long for followers to have all of it.
pub(crate) const END_WITHIN: Duration = Duration::from_secs(2);
/// What a server may ask to wait at most.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// The thread, in the hands of the session.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// What the threads of live share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) running: Arc<Running>,
    pub(super) timing: LiveTiming,
    pub(super) lines: Arc<Lines>,
    pub(super) leases: Leases,
    /// The session's file is whole: what followers lack is sent, then it is over.
    ends: AtomicBool,
    /// Nothing is sent any more.
    stops: AtomicBool,
    /// Threads that send data.
    pub(super) follows: AtomicUsize,
    /// Such threads that were ever begun: each has a number of its own.
    pub(super) begun: AtomicU64,
    /// The control connection, whose end is waited for.
    control: Mutex<Option<Arc<TcpStream>>>,
    /// What closes the request that is under way.
    requests: Mutex<Option<ureq::Agent>>,
    pub(super) status: Mutex<LiveStatus>,
    has_ended: Mutex<bool>,
    changed: Condvar,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole after any panic: each change is an assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts the thread for a session. Errors: what starting a thread says.
    pub(crate) fn start(running: &Arc<Running>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            running: Arc::clone(running),
            timing: LiveTiming::of_now(),
            lines: Arc::default(),
            leases: Leases::of(&running.folder, &running.stem),
            ends: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            follows: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            control: Mutex::default(),
            requests: Mutex::default(),
            status: Mutex::default(),
            has_ended: Mutex::new(false),
            changed: Condvar::new(),
        });
        let told = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("kymo-live".into()).spawn(move || {
            // What its libraries log would be followed, which they log.
            let runs = std::panic::AssertUnwindSafe(|| muted(|| run(&told)));
            if std::panic::catch_unwind(runs).is_err() {
                told.failed("expected no panic of live, found one: nobody can follow");
            }
            raised::end();
            told.stops.store(true, Ordering::Release);
            told.lines.cut();
            locked(&told.requests).take();
            *locked(&told.has_ended) = true;
            told.changed.notify_all();
        })?;
        Ok(Self { shared, thread })
    }

    /// The session's file is whole: has it send what followers lack, say that it ended, and end. Returns at once.
    pub(crate) fn tell_to_end(&self) {
        let shared = &self.shared;
        shared.ends.store(true, Ordering::Release);
        // Locked, so that it does not go to sleep between its look and this.
        drop(locked(&shared.has_ended));
        shared.changed.notify_all();
        shared.running.progress.look_again();
        if let Some(requests) = locked(&shared.requests).take() {
            requests.shutdown();
        }
        if let Some(control) = &*locked(&shared.control) {
            // It waits for the server's word; what it has to say still goes.
            let _ = control.shutdown(Shutdown::Read);
        }
    }

    /// After [`tell_to_end`](Self::tell_to_end): waits for it, and no longer than [`END_WITHIN`] from that `since`.
    pub(crate) fn end(self, since: Instant) {
        let shared = &self.shared;
        let left = (since + shared.timing.end_within).saturating_duration_since(Instant::now());
        let ended = locked(&shared.has_ended);
        let waited = shared.changed.wait_timeout_while(ended, left, |ended| !*ended);
        let is_over = waited.is_ok_and(|(ended, _)| *ended);
        if is_over {
            drop(self.thread.join());
            return;
        }
        // It may be finding an address, which nothing ends; the rest finds its connections closed.
        shared.stops.store(true, Ordering::Release);
        shared.lines.cut();
        shared.running.progress.look_again();
    }

    /// In a child after a fork: what is connected is the parent's.
    pub(crate) fn disown(&self) {
        self.shared.lines.disown();
    }

    pub(crate) fn status(&self) -> LiveStatus {
        let mut status = locked(&self.shared.status).clone();
        status.follows = self.shared.follows.load(Ordering::Relaxed) as u64;
        status
    }
}

impl Shared {
    /// The session's file is whole.
    pub(super) fn ends(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// Nothing is to be sent any more.
    pub(super) fn stops(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// Whether anything may leave, as of now. Reads a small file.
    pub(super) fn is_allowed(&self, settings: &SendSettings) -> bool {
        let own = self.running.folder();
        Gate::new(own.parent().unwrap_or(own), settings).is_open(SendReason::Rule)
    }

    pub(super) fn failed(&self, text: &str) {
        locked(&self.status).failed(text);
    }

    /// The connection whose read the end of the session interrupts.
    pub(super) fn controls(&self, socket: Option<&Arc<TcpStream>>) {
        *locked(&self.control) = socket.cloned();
    }

    /// One that sent data is through.
    pub(super) fn follow_over(&self) {
        self.follows.fetch_sub(1, Ordering::AcqRel);
        drop(locked(&self.has_ended));
        self.changed.notify_all();
    }

    /// Waits until nobody sends data any more, until that time at most.
    pub(super) fn wait_for_follows(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let state = locked(&self.has_ended);
        let is_busy = |_: &mut bool| self.follows.load(Ordering::Acquire) > 0 && !self.stops();
        drop(self.changed.wait_timeout_while(state, left, is_busy));
    }

    /// Waits that long, or until the session ends.
    fn wait(&self, time: Duration) {
        let state = locked(&self.has_ended);
        drop(self.changed.wait_timeout_while(state, time, |_| !self.ends()));
    }
}

fn run(shared: &Arc<Shared>) {
    let timing = shared.timing;
    let mut back_off = BackOff::new(timing.back_off_first, timing.back_off_max);
    let mut not_before = Instant::now();
    while !shared.ends() {
        raised::tick();
        let settings = shared.running.send_settings();
        let is_allowed = shared.is_allowed(&settings);
        locked(&shared.status).is_held = !is_allowed;
        if !is_allowed || Instant::now() < not_before {
            shared.wait(timing.look_every);
            continue;
        }
        let over = connect(shared, &settings);
        {
            let mut status = locked(&shared.status);
            status.connected_since = None;
            if let Over::Failed { text, .. } | Over::Off { text } = &over {
                status.failed(text);
            }
        }
        let wait = match over {
            Over::Ended | Over::Held => Duration::ZERO,
            Over::Told(wait) => {
                back_off.succeeded();
                // Whoever asked for nothing would be asked again and again without a pause.
                wait.min(WAIT_MAX).max(timing.back_off_first) + timing.back_off_first.mul_f64(chance())
            }
            Over::Off { .. } => timing.off_wait.mul_f64(0.5 + chance() / 2.0),
            Over::Failed { wait, lasted, .. } => {
                // Of one that lets in and cuts off at once it is no success.
                if lasted > timing.back_off_max {
                    back_off.succeeded();
                }
                back_off.failed(wait, chance())
            }
        };
        not_before = Instant::now() + wait;
        locked(&shared.status).next_try_at = Some(crate::clock::now().plus(wait).to_string());
    }
}

/// One connection, from finding the port to its end.
fn connect(shared: &Arc<Shared>, settings: &SendSettings) -> Over {
    let client = match Client::of(settings) {
        Ok(client) => client,
        Err(error) => return Over::failed(&error.text, Some(shared.timing.back_off_max)),
    };
    *locked(&shared.requests) = Some(client.agent());
    // Told to end in between, it would not be interrupted.
    if shared.ends() {
        return Over::Ended;
    }
    let found = found::ask(&client);
    // A connection of HTTP is not kept; nor does a forked child get one.
    locked(&shared.requests).take();
    drop(client);
    let door = match found {
        Ok(Found::Door(door)) => door,
        Ok(Found::Off(text)) => return Over::Off { text },
        Err(_) if shared.ends() => return Over::Ended,
        Err(error) => {
            let wait = match error.kind {
                // Only a person can mend it.
                SendErrorKind::Refused => return Over::Off { text: error.text },
                SendErrorKind::Misunderstood => Some(shared.timing.back_off_max),
                _ => error.retry_after,
            };
            return Over::failed(&error.text, wait);
        }
    };
    let over = control::run(shared, settings, &door);
    shared.controls(None);
    match over {
        Ok(over) => over,
        Err(_) if shared.ends() => Over::Ended,
        Err(_) if !shared.is_allowed(settings) => Over::Held,
        Err(error) => match Refused::of(&error) {
            Some(Refused { code: Refusal::Off | Refusal::Unauthorized | Refusal::Version, why, .. }) => {
                Over::Off { text: why.clone() }
            }
            Some(refused) => Over::failed(&refused.why, Some(refused.wait)),
            None => Over::failed(&error.to_string(), None),
        },
    }
}
