//! The session of this process: what [`start`](Builder::start) begins and the end of the process, or
//! [`end_session`], ends.
//!
//! ```text
//!   Builder -> folder (repository) -> file with header -> summary -> spool, recorder
//!                                                          keeper: recovers and prunes, syncs, tells the summary
//!   end of the process, end_session, panic -> end in the file -> summary -> spool removed
//! ```
//!
//! There is one at a time. Whatever fails, the program goes on, and [`status`] says what it was.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_model::{EndReason, SessionId, Severity};

use crate::inputs::InputCounts;
use crate::inputs::filter::{self, Filter};
use crate::recorder::{Recorder, Shared, Status};
use crate::repository::names::FileName;
use crate::repository::{Consent, ConsentState, Summary};

mod builder;
mod end;
mod event;
pub(crate) mod file;
mod fork;
mod keeper;
mod panic;
pub(crate) mod progress;
mod resource;
#[cfg(all(unix, feature = "signals"))]
mod signals;
mod start;

pub use builder::{Builder, Users, builder};
pub use end::{close_fragment, end_session, flush};
#[cfg(feature = "tracing")]
pub(crate) use event::exception;
pub use event::{Event, set_user};
pub(crate) use fork::{after_fork_in_child, before_fork, in_parent};
use progress::Progress;
pub use progress::Tally;
#[cfg(all(unix, feature = "signals"))]
pub use signals::end_on_signals;
pub(crate) use start::new_id;

/// Name and version of what writes session files.
pub(crate) const AGENT: &str = concat!("kymo-rust ", env!("CARGO_PKG_VERSION"));

/// The session of now.
static CURRENT: Mutex<Option<Arc<Running>>> = Mutex::new(None);

/// Locked in this order only: this, then the recorder's registry.
fn current() -> MutexGuard<'static, Option<Arc<Running>>> {
    // What it guards is whole after any panic: it is assigned.
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The session of now, if there is one.
pub(crate) fn running() -> Option<Arc<Running>> {
    current().clone()
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) session: SessionId,
    pub(crate) folder: PathBuf,
    pub(crate) stem: FileName,
    settings: Builder,
    pub(crate) progress: Arc<Progress>,
    pub(crate) shared: Arc<Shared>,
    /// Taken out by who ends the session.
    recorder: Mutex<Option<Recorder>>,
    summary: Mutex<Summary>,
    keeper: Mutex<Option<keeper::Keeper>>,
    #[cfg(feature = "send")]
    sender: Mutex<Option<crate::sending::Engine>>,
    #[cfg(feature = "live")]
    live: Mutex<Option<crate::live::Engine>>,
    /// What did not go as it should at the start.
    notes: Vec<String>,
    #[cfg(feature = "send")]
    pub(crate) policy: crate::sending::policy::Policy,
}

#[cfg(feature = "send")]
impl Running {
    /// The folder with its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is to be sent when, as of now.
    pub(crate) fn send_settings(&self) -> crate::sending::SendSettings {
        self.policy.settings()
    }

    fn sender(&self) -> MutexGuard<'_, Option<crate::sending::Engine>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wishes something of this session.
    pub(crate) fn wish(&self, wish: crate::sending::Wish) -> std::io::Result<()> {
        wish.make(&self.folder, &self.stem)
    }

    pub(crate) fn nudge_sender(&self) {
        if let Some(sender) = &*self.sender() {
            sender.nudge();
        }
    }

    /// In a child after a fork: what sends is the parent's.
    fn disown_sender(&self) {
        if let Ok(sender) = self.sender.try_lock()
            && let Some(sender) = &*sender
        {
            sender.disown();
        }
        #[cfg(feature = "live")]
        if let Ok(live) = self.live.try_lock()
            && let Some(live) = &*live
        {
            live.disown();
        }
    }
}

#[cfg(feature = "live")]
impl Running {
    fn live(&self) -> MutexGuard<'_, Option<crate::live::Engine>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Closes the fragment that is being written; see [`close_fragment`].
    pub(crate) fn roll(&self) -> bool {
        self.progress.wish_to_roll();
        self.shared.flush() && !self.progress.is_wished_to_roll()
    }

    pub(crate) fn settings_version(&self) -> Option<&str> {
        self.settings.version.as_deref()
    }

    #[cfg(feature = "send")]
    pub(crate) fn settings_product(&self) -> &str {
        &self.settings.product
    }

    #[cfg(feature = "send")]
    pub(crate) fn settings_application(&self) -> &str {
        &self.settings.application
    }

    /// Whose session it is, if that is known and told.
    pub(crate) fn user(&self) -> Option<String> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).user.clone()
    }

    fn set_user(&self, id: &str) {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).user = Some(id.to_owned());
    }

    /// Writes what the session is to its summary.
    fn summarize(&self, end: Option<EndReason>) -> std::io::Result<()> {
        let reached = self.progress.now();
        let mut held = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        let summary = &mut *held;
        summary.tally = reached.tally;
        if reached.last_sequence > 0 {
            summary.last_at = reached.last_time.to_string();
        }
        summary.fragments = reached.fragment.max(1);
        summary.bytes = reached.bytes;
        summary.last_sequence = reached.last_sequence;
        let dropped = self.shared.status().dropped;
        summary.dropped = dropped.total();
        summary.losses = dropped.iter().map(|(reason, count)| (reason.as_str().to_owned(), count)).collect();
        if let Some(reason) = end {
            "ended".clone_into(&mut summary.state);
            summary.end_reason = Some(reason.as_str().to_owned());
        }
        // Not while others wait for it: the disk may take its time. The keeper has stopped before the end is written.
        let summary = held.clone();
        drop(held);
        summary.write(&self.folder.join(self.stem.summary()))
    }
}

/// Stands for the session in the program's hands.
///
/// It need not be kept: the session ends with the process. Dropping it flushes; dropping it while the thread panics
/// tells that the session ends by a crash, if it does.
#[derive(Debug)]
#[must_use = "dropping it flushes; the session itself ends with the process or by `end_session`"]
pub struct Session {
    running: Option<Arc<Running>>,
    /// Why there is none.
    refused: Option<String>,
}

impl Session {
    /// Its id, if it is recorded.
    pub fn id(&self) -> Option<SessionId> {
        self.running.as_ref().map(|running| running.session)
    }

    /// The folder with its files.
    pub fn folder(&self) -> Option<&Path> {
        self.running.as_ref().map(|running| running.folder.as_path())
    }

    /// Why nothing is recorded, if so: the disk refused every folder it may use.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Ends it; see [`end_session`].
    pub fn end(self, reason: EndReason, note: Option<&str>) -> Option<SessionStatus> {
        end_session(reason, note)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(running) = &self.running
        {
            // As at the panic itself: should nothing be heard of the program a second from now.
            running.shared.panicked();
        }
        flush();
    }
}

/// How the session goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// Its id.
    pub session: SessionId,
    /// The folder with its files.
    pub folder: PathBuf,
    /// Its messages that are in the file.
    pub tally: Tally,
    /// Bytes of its fragments.
    pub bytes: u64,
    /// The fragment that is being written, from 1.
    pub fragment: u64,
    /// What is dropped and why, the spool, the last error.
    pub recorder: Status,
    /// What the inputs hold and what went beyond their limits.
    pub inputs: InputCounts,
    /// Errors that no [alert](crate::on_alert) told, because too many waited.
    #[cfg(feature = "send")]
    pub alerts_left_out: u64,
    /// How sending goes; `None` without a server.
    #[cfg(feature = "send")]
    pub sending: Option<crate::sending::SendStatus>,
    /// How live stands; `None` where it is off.
    #[cfg(feature = "live")]
    pub live: Option<crate::live::LiveStatus>,
    /// What did not go as it should, in words, oldest first.
    pub notes: Vec<String>,
}

/// From now on nothing below this is recorded, by any input and of any target: [`set_filter`](crate::set_filter) with a
/// level alone.
pub fn set_severity_min(severity: Severity) {
    filter::apply(&Arc::new(Filter::at_least(severity)));
}

/// How the session of now goes; `None` if there is none.
pub fn status() -> Option<SessionStatus> {
    running().map(|running| status_of(&running))
}

/// What was said of sending what this product records, in the session's repository; `None` if there is no session.
/// What cannot be read is unset. Reads a small file.
pub fn consent() -> Option<Consent> {
    let running = running()?;
    let folder = running.folder.parent()?;
    Some(Consent::read_in(folder).unwrap_or_default())
}

/// Keeps what a person said of sending what this product records, for all its applications. Writes a small file.
///
/// With *no* what is being sent stops within seconds; recording goes on.
///
/// Errors: `NotFound` if there is no session; `InvalidInput` for [`ConsentState::Once`], which only a person says, by a front
/// end; what the disk says.
pub fn set_consent(state: ConsentState) -> std::io::Result<Consent> {
    let running = running().ok_or(std::io::ErrorKind::NotFound)?;
    let folder = running.folder.parent().ok_or(std::io::ErrorKind::NotFound)?;
    if state == ConsentState::Once {
        let text = "once: only the answer of a front end says that";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
    }
    let kept = Consent::store(folder, state, running.settings_version(), running.user().as_deref())?;
    #[cfg(feature = "send")]
    crate::sending::policy::consent_changed(state);
    Ok(kept)
}

fn status_of(running: &Running) -> SessionStatus {
    let reached = running.progress.now();
    let mut notes = running.notes.clone();
    notes.extend(running.progress.last_error());
    #[cfg(feature = "send")]
    notes.extend(running.policy.notes());
    SessionStatus {
        session: running.session,
        folder: running.folder.clone(),
        tally: reached.tally,
        bytes: reached.bytes,
        fragment: reached.fragment,
        recorder: running.shared.status(),
        inputs: crate::inputs::counts::now(),
        #[cfg(feature = "send")]
        alerts_left_out: running.policy.left_out(),
        #[cfg(feature = "send")]
        sending: running.sender().as_ref().map(crate::sending::Engine::status),
        #[cfg(feature = "live")]
        live: running.live().as_ref().map(crate::live::Engine::status),
        notes,
    }
}
