//! The limits of the rules, with the reason of each default.

use std::time::Duration;

use kymo_model::SessionKind;

/// Shortest limit: agents date events to the millisecond and send them seconds later, so that less would
/// split and end what belongs together.
pub const LIMIT_LEAST: Duration = Duration::from_secs(1);
/// Longest limit: a step looks that far back for sessions an event may join, and what goes on for longer
/// has an id of its own.
pub const LIMIT_MOST: Duration = Duration::from_hours(7 * 24);

/// Limits of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Silence in event time after which the same identity gets a new session. 15 minutes: what
    /// users of the field's tools are used to, and a coffee does not split a visit.
    pub split_after: Duration,
    /// Silence after which a session is shown as ended (`timed_out`); activity within
    /// `split_after` undoes it. Five missed heartbeats of the slowest known agent (60 s).
    pub idle_after: Duration,
    /// The same as `idle_after` for a browser tab, undone by newer activity at any time. 30
    /// minutes: what web analytics take for the end of a visit; a tab is read for longer without a
    /// word than a program runs without one.
    pub browser_idle_after: Duration,
    /// Server time for which events may still join a session after its close call. Agents send
    /// the call beside or before their last batch, and a batch is retried within this time.
    pub close_grace: Duration,
    /// Server time without a word of a process after which it is shown as silent: three missed beats of
    /// its sender (60 s). No setting of a project: the sender's interval is none either.
    pub silent_after: Duration,
}

impl Rules {
    /// The silence after which a session of that kind is shown as ended, or as silent.
    pub fn idle_after(&self, kind: SessionKind) -> Duration {
        match kind {
            SessionKind::Browser => self.browser_idle_after,
            SessionKind::User => self.idle_after,
            SessionKind::Process => self.silent_after,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            split_after: Duration::from_mins(15),
            idle_after: Duration::from_mins(5),
            browser_idle_after: Duration::from_mins(30),
            close_grace: Duration::from_mins(2),
            silent_after: Duration::from_mins(3),
        }
    }
}

impl Rules {
    /// Whether the limits make sense, each and together.
    ///
    /// # Errors
    /// Which does not, what it is and what was expected.
    pub fn check(&self) -> Result<(), String> {
        let limits = [
            ("split_after", self.split_after),
            ("idle_after", self.idle_after),
            ("close_grace", self.close_grace),
            ("browser_idle_after", self.browser_idle_after),
            ("silent_after", self.silent_after),
        ];
        for (name, limit) in limits {
            if !(LIMIT_LEAST..=LIMIT_MOST).contains(&limit) {
                return Err(format!(
                    "{name} is {} s: expected {} s to {} s (7 days)",
                    limit.as_secs_f64(),
                    LIMIT_LEAST.as_secs(),
                    LIMIT_MOST.as_secs()
                ));
            }
        }
        // Between the two nothing could join the session, and yet it would be shown as running, beside
        // the next one of the same identity.
        if self.idle_after > self.split_after {
            return Err(format!(
                "idle_after is {} s: expected at most split_after, which is {} s",
                self.idle_after.as_secs_f64(),
                self.split_after.as_secs_f64()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked_each_and_together() {
        let seconds = Duration::from_secs;
        let default = Rules::default();
        let rows = [
            (default.clone(), None),
            (Rules { split_after: seconds(300), ..default.clone() }, None),
            (Rules { split_after: seconds(1), idle_after: seconds(1), ..default.clone() }, None),
            (Rules { split_after: LIMIT_MOST, idle_after: LIMIT_MOST, ..default.clone() }, None),
            (Rules { browser_idle_after: LIMIT_MOST, ..default.clone() }, None),
            (
                Rules { split_after: seconds(299), ..default.clone() },
                Some("idle_after is 300 s: expected at most"),
            ),
            (Rules { idle_after: seconds(901), ..default.clone() }, Some("which is 900 s")),
            (
                Rules { close_grace: seconds(0), ..default.clone() },
                Some("close_grace is 0 s: expected 1 s to 604800 s"),
            ),
            (
                Rules { split_after: LIMIT_MOST + seconds(1), ..default.clone() },
                Some("split_after is 604801 s"),
            ),
            (Rules { browser_idle_after: Duration::from_millis(999), ..default }, Some("is 0.999 s")),
        ];
        for (rules, expected) in rows {
            let found = rules.check().err();
            assert_eq!(found.is_some(), expected.is_some(), "{rules:?}: {found:?}");
            assert!(found.is_none_or(|found| found.contains(expected.unwrap_or_default())), "{rules:?}");
        }
    }
}
