//! When live does what. Tests are in more of a hurry.

use std::sync::OnceLock;
use std::time::Duration;

/// What tests say instead of the usual, before a session starts.
static TIMING: OnceLock<LiveTiming> = OnceLock::new();

/// When live does what.
#[derive(Clone, Copy, Debug)]
pub struct LiveTiming {
    /// How often it looks whether something may leave, and what is due.
    pub look_every: Duration,
    /// How often at most the server hears how far the session is.
    pub state_every: Duration,
    /// The first wait after a failure.
    pub back_off_first: Duration,
    /// The longest: what a server that is back again waits at most. Fifteen thousand are a thousand a second then.
    pub back_off_max: Duration,
    /// How long a server is left alone where live is off.
    pub off_wait: Duration,
    /// The end of a session waits at most so long for followers to have it.
    pub end_within: Duration,
}

impl Default for LiveTiming {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(1),
            state_every: Duration::from_secs(5),
            back_off_first: Duration::from_millis(500),
            back_off_max: Duration::from_secs(15),
            off_wait: Duration::from_mins(5),
            end_within: super::END_WITHIN,
        }
    }
}

impl LiveTiming {
    /// For sessions that this process starts from now on. The first word holds.
    pub fn install(self) {
        // Said before.
        let _ = TIMING.set(self);
    }

    pub(super) fn of_now() -> Self {
        TIMING.get().copied().unwrap_or_default()
    }
}
