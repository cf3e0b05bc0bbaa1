//! Sending because the program asks for it.

use std::sync::atomic::Ordering;

use super::locked;
use crate::sending::{Criteria, SendReason, SendReport, folders, send_now};
use crate::session::running;

/// Sends the sessions that are meant, with what there is of the one that runs if it is among them, and waits until they are
/// sent or could not be: as long as the line takes. One at a time; a second call waits for its turn.
///
/// It is a rule, not a person's word: where consent holds what is recorded, it holds this.
pub fn send_sessions(criteria: Criteria) -> SendReport {
    let Some(running) = running() else { return refused("there is no session") };
    let _turn = locked(&running.policy.turn);
    if criteria.active || criteria.all {
        running.shared.flush();
    }
    let settings = running.policy.settings();
    let folders = folders(&running.folder, &settings);
    send_now(&folders, &settings, criteria, SendReason::Rule, &mut |_| {}, &|| false)
}

/// The same in the background; `done` gets the report. False if one is under way that was started so, or no thread can
/// be started.
pub fn send_sessions_in_background(
    criteria: Criteria,
    done: impl FnOnce(SendReport) + Send + 'static,
) -> bool {
    let Some(running) = running() else { return false };
    if running.policy.is_in_background.swap(true, Ordering::AcqRel) {
        return false;
    }
    let its = std::sync::Arc::clone(&running);
    let spawned = std::thread::Builder::new().name("kymo-send".into()).spawn(move || {
        let sends = std::panic::AssertUnwindSafe(|| send_sessions(criteria));
        let report = std::panic::catch_unwind(sends);
        its.policy.is_in_background.store(false, Ordering::Release);
        done(report.unwrap_or_else(|_| refused("sending panicked")));
    });
    if spawned.is_err() {
        running.policy.is_in_background.store(false, Ordering::Release);
    }
    spawned.is_ok()
}

fn refused(text: &str) -> SendReport {
    SendReport { failed: vec![(None, text.to_owned())], ..SendReport::default() }
}
