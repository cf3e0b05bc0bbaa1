//! What the session's keeper does for the inputs while it keeps: heartbeats, samples.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{system, users};

/// How often; zero: never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) heartbeats: Duration,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nothing to write"))]
    pub(crate) metrics: Duration,
    pub(crate) system: Duration,
}

/// What comes next and when.
#[derive(Debug)]
pub(crate) struct Due {
    rhythm: Rhythm,
    folder: PathBuf,
    before: system::Before,
    measured_at: Instant,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nothing to write"))]
    written_at: Instant,
}

impl Due {
    pub(crate) fn new(rhythm: Rhythm, folder: PathBuf) -> Self {
        let now = Instant::now();
        Self { rhythm, folder, before: system::Before::new(), measured_at: now, written_at: now }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self) {
        let Rhythm { heartbeats, system, .. } = self.rhythm;
        if !heartbeats.is_zero() {
            users::beat(heartbeats);
        }
        if !system.is_zero() && self.measured_at.elapsed() >= system {
            self.measured_at = Instant::now();
            system::measure(&mut self.before, &self.folder);
        }
        #[cfg(feature = "metrics")]
        if self.written_at.elapsed() >= self.rhythm.metrics {
            self.written_at = Instant::now();
            super::metrics::write();
        }
    }

    /// The session ends: what was counted is written.
    pub(crate) fn last() {
        #[cfg(feature = "metrics")]
        super::metrics::write();
    }
}
