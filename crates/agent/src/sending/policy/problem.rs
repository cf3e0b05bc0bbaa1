//! Problems that people are told of: what happened, and what they want.

use std::process::Command;
use std::sync::atomic::Ordering;

use kymo_model::EndReason;

use super::{asking, once};
use crate::session::{end_session, running};

/// What a process ends with that is closed after a problem: as after a panic.
const EXIT_CODE: i32 = 101;

/// Something went wrong that a person should know of; [`tell_problem`] tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What happened, for people.
    pub message: String,
    /// The rest, for who wants to see it: a stack, say.
    pub details: String,
    /// The program can be started anew.
    pub can_restart: bool,
    /// It cannot go on.
    pub is_blocking: bool,
    /// Filled in from the session.
    pub application: String,
    /// Filled in from the session.
    pub version: Option<String>,
}

impl Problem {
    /// With that text; the program can go on.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

/// What a person wants to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The program is started anew.
    Restart,
    /// It ends.
    Close,
    /// It goes on.
    Continue,
}

/// A person's answer to a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemAnswer {
    /// What is to be done.
    pub choice: Choice,
    /// They want to hear of no more problems in this session.
    pub ignore_further: bool,
    /// This session is to be sent when it has ended, with those that were not sent before: this one time, whatever was
    /// said of sending.
    pub report_at_end: bool,
}

/// Tells people by the [front end](crate::set_front_end), and keeps what they answer; what is to be done is for the caller,
/// or for [`Choice::carry_out`]. Waits for them. It does not record the problem: that is an event's.
///
/// `None` if there is nobody to be told, or they want to hear no more in this session.
pub fn tell_problem(mut problem: Problem) -> Option<Choice> {
    let (running, front_end) = (running()?, asking::front_end()?);
    if running.policy.ignores_problems.load(Ordering::Acquire) {
        return None;
    }
    running.settings_application().clone_into(&mut problem.application);
    problem.version = running.settings_version().map(str::to_owned);
    let answer = front_end.tell_problem(&problem)?;
    if answer.ignore_further {
        running.policy.ignores_problems.store(true, Ordering::Release);
    }
    if answer.report_at_end
        && let Err(error) = once::report_at_end(&running)
    {
        running.progress.failed(&error);
    }
    Some(answer.choice)
}

impl Choice {
    /// Starts the program anew with the same arguments, or ends it, or does nothing. The session ends as `crashed`.
    pub fn carry_out(self) {
        if self == Self::Continue {
            return;
        }
        end_session(EndReason::Crashed, Some("closed after a problem"));
        if self == Self::Restart {
            let started = std::env::current_exe()
                .and_then(|program| Command::new(program).args(std::env::args_os().skip(1)).spawn());
            if let Err(error) = started {
                eprintln!("the program could not be started anew: {error}");
            }
        }
        std::process::exit(EXIT_CODE);
    }
}

/// A panic, in its thread: whoever is asked decides whether the program goes on.
pub(crate) fn tell_panic(message: &str, details: String) {
    if asking::front_end().is_none() {
        return;
    }
    let problem = Problem { details, can_restart: true, ..Problem::new(message) };
    // A front end that panics has told nobody.
    let tells = std::panic::AssertUnwindSafe(|| tell_problem(problem));
    if let Ok(Some(choice)) = std::panic::catch_unwind(tells) {
        choice.carry_out();
    }
}
