//! What the program may change at any time.

use std::sync::Mutex;

use super::{Policy, SendSettings, locked, nudge};
use crate::session::running;

/// Said for this process, also before there is a session, and for those that follow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    auto_send_sessions: Option<bool>,
    auto_send_on_error: Option<bool>,
    purge_sent_sessions: Option<bool>,
    send_sessions_on_exit: Option<bool>,
}

static SAID: Mutex<Said> = Mutex::new(Said {
    auto_send_sessions: None,
    auto_send_on_error: None,
    purge_sent_sessions: None,
    send_sessions_on_exit: None,
});

/// Nobody is within it as long as this lives.
pub(super) type Held = std::sync::MutexGuard<'static, Said>;

/// For who forks.
pub(super) fn hold() -> Held {
    locked(&SAID)
}

/// The settings, and over them what was said since the process began.
pub(super) fn with_what_was_said(mut settings: SendSettings) -> SendSettings {
    let said = *locked(&SAID);
    said.put(&mut settings);
    settings
}

impl Said {
    fn put(self, settings: &mut SendSettings) {
        for (said, setting) in [
            (self.auto_send_sessions, &mut settings.auto_send_sessions),
            (self.auto_send_on_error, &mut settings.auto_send_on_error),
            (self.purge_sent_sessions, &mut settings.purge_sent_sessions),
            (self.send_sessions_on_exit, &mut settings.send_sessions_on_exit),
        ] {
            *setting = said.unwrap_or(*setting);
        }
    }
}

fn say(say: impl FnOnce(&mut Said)) {
    let said = {
        let mut said = locked(&SAID);
        say(&mut said);
        *said
    };
    let Some(running) = running() else { return };
    let settings = {
        let mut settings = locked(&running.policy.settings);
        said.put(&mut settings);
        settings.clone()
    };
    let can_send = settings.server.is_some() || settings.mail.is_some();
    if settings.auto_send_on_error && can_send {
        running.policy.queue.want_alerts(true);
    }
    Policy::changed(&running);
    nudge(&running);
}

/// Whether everything goes to the server, as its policy wants it. Holds from now on, for this session and those that
/// follow in this process, whatever the configuration says.
pub fn set_auto_send_sessions(is_on: bool) {
    say(|said| said.auto_send_sessions = Some(is_on));
}

/// Whether what there is of the session goes at once on an error, again after five minutes at the earliest. Holds as
/// [`set_auto_send_sessions`] does.
pub fn set_auto_send_on_error(is_on: bool) {
    say(|said| said.auto_send_on_error = Some(is_on));
}

/// Whether fragments are removed once the server has confirmed them. Holds as [`set_auto_send_sessions`] does.
pub fn set_purge_sent_sessions(is_on: bool) {
    say(|said| said.purge_sent_sessions = Some(is_on));
}

/// Whether the whole session goes, with what was not sent before, as soon as the process has ended, however it ends.
/// The helper for that is started in the background, a moment after this returns; where there is none, the next start
/// sends, as [`status`](crate::status) says. Holds as [`set_auto_send_sessions`] does.
pub fn set_send_sessions_on_exit(is_on: bool) {
    say(|said| said.send_sessions_on_exit = Some(is_on));
}
