//! *Once*: a person wants this session sent, and those that were not sent before it, whatever they said of sending in
//! general (D23).
//!
//! What is meant stands in wishes beside the sessions, made at the tick: what is recorded by later sessions has none. The
//! consent says so for people to see, and goes back to *no*.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Policy, nudge};
use crate::repository::{Consent, ConsentState};
use crate::sending::{Criteria, SendSettings, Wish, folders, select};
use crate::session::Running;

/// A person wants this session through its end, and the older ones that were not sent.
pub(super) fn report_at_end(running: &Arc<Running>) -> io::Result<()> {
    let settings = running.policy.settings();
    let wish = || Wish { when_ended: true, user_asked: true, ..Wish::default() };
    wish().make(&running.folder, &running.stem)?;
    for folder in folders(&running.folder, &settings) {
        // Another application's folder that cannot be read keeps nothing back of this one.
        let older = select(&folder, Criteria::NEW).unwrap_or_default();
        for session in older.iter().filter(|session| !session.is_running) {
            wish().make(&folder, &session.stem)?;
        }
    }
    if settings.consent_required
        && let Some(product) = running.folder.parent()
        && Consent::read_in(product).is_ok_and(|consent| consent.state != ConsentState::Granted)
    {
        let session = running.session.to_string();
        Consent::store(product, ConsentState::Once, running.settings_version(), running.user().as_deref())?;
        Consent::change(product, |consent| consent.once_session = Some(session))?;
    }
    running.policy.is_asked_for.store(true, Ordering::Release);
    Policy::changed(running);
    nudge(running);
    Ok(())
}

/// *No* was said: what was asked for before is not any more. In the folders of all applications of the product.
pub(super) fn take_back(running: &Arc<Running>) {
    running.policy.is_asked_for.store(false, Ordering::Release);
    let all = SendSettings { send_all_applications: true, ..SendSettings::default() };
    for folder in folders(&running.folder, &all) {
        if let Err(error) = take_back_in(&folder) {
            running.progress.failed(&error);
        }
    }
}

fn take_back_in(folder: &Path) -> io::Result<()> {
    for session in select(folder, Criteria::ALL)? {
        if session.wish.is_some_and(|wish| wish.user_asked) {
            Wish::remove(folder, &session.stem)?;
        }
    }
    Ok(())
}
