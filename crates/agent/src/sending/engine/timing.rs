//! When the engine does what. Tests are in more of a hurry.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

/// What tests say instead of the usual, before a session starts.
pub(super) static TIMING: OnceLock<Timing> = OnceLock::new();

/// When the engine does what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From the start of the session to the first look: a program that starts has better to do.
    pub start_delay: Duration,
    /// How often it looks whether there is something new, and whether it is the one to send.
    pub look_every: Duration,
    /// How often it goes through everything, whatever it saw.
    pub poll_every: Duration,
    /// How often the server hears of sessions that run. It calls one silent after three that it missed.
    pub beat_every: Duration,
    /// The first wait after a failure.
    pub back_off_first: Duration,
    /// The longest: what a server that is back again waits at most.
    pub back_off_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            start_delay: Duration::from_secs(5),
            look_every: Duration::from_secs(2),
            poll_every: Duration::from_mins(1),
            beat_every: Duration::from_mins(1),
            back_off_first: Duration::from_secs(1),
            back_off_max: Duration::from_mins(5),
        }
    }
}

impl Timing {
    /// For sessions that this process starts from now on. The first word holds.
    pub fn install(self) {
        // Said before.
        let _ = TIMING.set(self);
    }
}

/// From 0 to 1, another in each process: the standard library's hash seeds are the system's random numbers.
pub(crate) fn chance() -> f64 {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}
