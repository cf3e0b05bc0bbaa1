//! Sessions of users, for programs that serve many: each begins and ends within the session of the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use kymo_model::{EndReason, Severity};

use super::counts;
use crate::session::{Event, new_id};

/// Sessions that are watched at a time: with heartbeats every 30 s these are 330 records a second, and some 3 MB.
/// Those beyond record as others do, without heartbeats.
const WATCHED_MAX: usize = 10_000;
const CATEGORY: &str = "session";
/// Of each of its events, by OpenTelemetry's name.
const SESSION_ID: &str = "session.id";

/// Those that want heartbeats, by their own id. Held for a look only.
static WATCHED: Mutex<Option<HashMap<String, Watched>>> = Mutex::new(None);

#[derive(Debug)]
pub(super) struct Watched {
    user: (String, Option<String>),
    beaten_at: Instant,
    /// A forked child has a copy of those of its parent.
    process: u32,
}

/// The session of one user, in a program that serves many; from [`user_session`] to its end, or till it is dropped.
#[derive(Debug)]
#[must_use = "the user's session ends when this is dropped"]
pub struct UserSession {
    id: String,
    user: (String, Option<String>),
    process: u32,
    has_ended: bool,
}

/// Begins a session of that user: the application's id for them, and what to call them. An event says so, of kind
/// `session.start` with the attribute `session.id`. Every 30 s another says that it lives
/// ([`heartbeats`](crate::Builder::heartbeats)), and at last one of kind `session.end` how it ended.
///
/// ```
/// let visit = kymo::user_session("17", Some("Ann"));
/// visit.event(kymo::Severity::INFO, "the cart was opened").record();
/// visit.end(kymo::EndReason::TimedOut, Some("silent for 20 minutes"));
/// ```
#[track_caller]
pub fn user_session(id: &str, name: Option<&str>) -> UserSession {
    let session = UserSession {
        id: new_id(crate::clock::now()).to_string(),
        user: (id.to_owned(), name.map(str::to_owned)),
        process: std::process::id(),
        has_ended: false,
    };
    session.watch();
    let text = format!("{} begins", name.unwrap_or(id));
    session.event(Severity::INFO, text).kind("session.start").category(CATEGORY).record();
    session
}

fn watched() -> MutexGuard<'static, Option<HashMap<String, Watched>>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody is within it as long as this lives.
pub(super) type Held = MutexGuard<'static, Option<HashMap<String, Watched>>>;

/// For who forks.
pub(super) fn hold() -> Held {
    watched()
}

impl UserSession {
    /// Its own id, as its events say it: to go on with elsewhere, in a cookie or a header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Something that happened for this user, in this session.
    #[track_caller]
    pub fn event(&self, severity: Severity, text: impl Into<String>) -> Event {
        let (id, name) = &self.user;
        Event::new(severity, text).user(id, name.as_deref()).attribute(SESSION_ID, self.id.as_str())
    }

    /// No heartbeats for this one: whoever holds it may forget it for long.
    pub fn without_heartbeats(self) -> Self {
        self.unwatch();
        self
    }

    /// Ends it: how, and why in words for who reads it.
    pub fn end(mut self, reason: EndReason, note: Option<&str>) {
        self.tell_end(reason, note);
    }

    #[track_caller]
    fn tell_end(&mut self, reason: EndReason, note: Option<&str>) {
        if std::mem::replace(&mut self.has_ended, true) || self.process != std::process::id() {
            return;
        }
        self.unwatch();
        let who = self.user.1.as_deref().unwrap_or(&self.user.0);
        let text = match note {
            Some(note) => format!("{who} ends: {note}"),
            None => format!("{who} ends"),
        };
        let event = self.event(Severity::INFO, text).kind("session.end").category(CATEGORY);
        event.attribute("session.end_reason", reason.as_str()).record();
    }

    fn watch(&self) {
        let mut watched = watched();
        let watched = watched.get_or_insert_default();
        if watched.len() >= WATCHED_MAX {
            return counts::unwatched_user_session();
        }
        let one = Watched { user: self.user.clone(), beaten_at: Instant::now(), process: self.process };
        watched.insert(self.id.clone(), one);
        counts::user_sessions(watched.len());
    }

    fn unwatch(&self) {
        if let Some(watched) = watched().as_mut() {
            watched.remove(&self.id);
            counts::user_sessions(watched.len());
        }
    }
}

impl Drop for UserSession {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() { EndReason::Crashed } else { EndReason::Normal };
        self.tell_end(reason, None);
    }
}

/// Says of those that said nothing for so long that they live.
pub(super) fn beat(every: Duration) {
    let due: Vec<(String, (String, Option<String>))> = {
        let mut watched = match WATCHED.try_lock() {
            Ok(watched) => watched,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The next time; in a child, perhaps never.
            Err(TryLockError::WouldBlock) => return,
        };
        let process = std::process::id();
        let all = watched.iter_mut().flatten();
        let due = all.filter(|(_, one)| one.process == process && one.beaten_at.elapsed() >= every);
        due.map(|(id, one)| {
            one.beaten_at = Instant::now();
            (id.clone(), one.user.clone())
        })
        .collect()
    };
    for (session, (user, name)) in due {
        Event::new(Severity::INFO, format!("{} lives", name.as_deref().unwrap_or(&user)))
            .kind("session.heartbeat")
            .category(CATEGORY)
            .user(&user, name.as_deref())
            .attribute(SESSION_ID, session)
            .record();
    }
}
