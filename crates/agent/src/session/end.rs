//! Ending a session, and what comes before.

use std::sync::{Arc, Once, PoisonError};

use kymo_model::EndReason;

use super::{Running, SessionStatus, current, running, status_of};
#[cfg(unix)]
use crate::callsite::made::soon;
use crate::recorder::Recorder;

/// Has everything that was recorded before in the session's file, and waits for it: some milliseconds, and at most two
/// seconds without any progress. False if the disk refused it; then it is still in the spool. True without a session.
pub fn flush() -> bool {
    running().is_none_or(|running| running.shared.flush())
}

/// Closes the fragment that is being written, so that it can be sent or copied as a whole, and goes on in the next; one with
/// nothing in it stays. Waits as [`flush`] does. False if the disk refused it; then it is tried again with what is recorded
/// next.
pub fn close_fragment() -> bool {
    let Some(running) = running() else { return true };
    running.roll()
}

/// Ends the session of now: how, and why in words for who reads it. What was recorded is in its file when this
/// returns, unless the disk refused it; then the next start of the application brings it there. Waits as [`flush`]
/// does. What is recorded afterwards is not kept, until another session is started. `None` if there was no session.
pub fn end_session(reason: EndReason, note: Option<&str>) -> Option<SessionStatus> {
    let running = current().take()?;
    Some(end(&running, reason, note))
}

fn end(running: &Arc<Running>, reason: EndReason, note: Option<&str>) -> SessionStatus {
    running.progress.end(reason, note.map(str::to_owned));
    // It ends beside the rest.
    #[cfg(feature = "send")]
    let sender = running.sender().take();
    #[cfg(feature = "send")]
    if let Some(sender) = &sender {
        sender.tell_to_stop();
    }
    let keeper = running.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(keeper) = keeper {
        keeper.stop();
    }
    let recorder = running.recorder.lock().unwrap_or_else(PoisonError::into_inner).take();
    let is_whole = recorder.is_some_and(Recorder::stop_within);
    let (reason, _) = running.progress.ending().unwrap_or((reason, None));
    // Where the disk refused the end, recovery finds it here.
    running.summary.lock().unwrap_or_else(PoisonError::into_inner).end_reason =
        Some(reason.as_str().to_owned());
    if let Err(error) = running.summarize(is_whole.then_some(reason)) {
        running.progress.failed(&error);
    }
    // The file is whole. It ends beside the rest, too.
    #[cfg(feature = "live")]
    let live = running.live().take().map(|live| (live, std::time::Instant::now()));
    #[cfg(feature = "live")]
    if let Some((live, _)) = &live {
        live.tell_to_end();
    }
    #[cfg(feature = "send")]
    {
        crate::sending::policy::Policy::stop(running);
        if let Some(sender) = sender {
            sender.stop();
        }
        #[cfg(feature = "live")]
        if let Some((live, since)) = live {
            live.end(since);
        }
        // When everything is in the file, and nobody else is at it.
        running.policy.let_go();
    }
    status_of(running)
}

/// Ends the session with the process: also when the program forgot its guard, or leaves by `exit`.
pub(super) fn at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(unix)]
        crate::raw::exit::install(exiting);
    });
}

#[cfg(unix)]
extern "C" fn exiting() {
    // Whoever ends the program from within this lock, or forked so, has nobody to wait for.
    let running = soon(|| super::CURRENT.try_lock()).and_then(|mut current| current.take());
    let Some(running) = running else { return };
    let reason = if running.shared.panics() { EndReason::Crashed } else { EndReason::Normal };
    // A destructor that runs this late may panic for want of what is gone already; the spool has everything then.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| end(&running, reason, None)));
    // Its threads may still look at it.
    std::mem::forget(running);
}
