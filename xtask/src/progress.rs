//! Numbered steps with their time.
//!
//! Progress goes to standard error: standard output is for results (a bench's JSON, the one line
//! that sums the tests up).

use std::time::Instant;

use anyhow::Result;

/// Counts the steps of one command.
pub(crate) struct Progress {
    step: usize,
    steps: usize,
}

impl Progress {
    /// For a command of so many steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self { step: 0, steps }
    }

    /// Does one step; its error carries the step's name.
    pub(crate) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.step += 1;
        let place = format!("[{}/{}]", self.step, self.steps);
        eprintln!("{place} {what}");
        let started = Instant::now();
        let result = work();
        let failed = if result.is_ok() { "" } else { "failed, " };
        eprintln!("{place} {what}: {failed}{:.1} s", started.elapsed().as_secs_f64());
        result.map_err(|error| error.context(what.to_owned()))
    }
}
