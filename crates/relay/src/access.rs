//! What the relay asks others: who somebody is, and what they see.

use kymo_format::live::Refusal;

use crate::session::LiveSession;

/// Decides who enters, and says what sessions look like. Asked often, so it answers from memory.
pub trait Access: Send + Sync + 'static {
    /// The project that a program's token is for, if live is on there.
    ///
    /// Errors: why not.
    fn agent(&self, token: &str) -> Result<i64, Refusal>;

    /// What a viewer's token shows.
    ///
    /// Errors: why nothing.
    fn viewer(&self, token: &str) -> Result<Viewer, Refusal>;

    /// A session as JSON, as the API gives it.
    fn describe(&self, session: &LiveSession) -> String;

    /// Which sessions fit what somebody typed.
    ///
    /// Errors: what is wrong with it, in words.
    fn filter(&self, text: &str) -> Result<Filter, String>;
}

/// Whether a session fits.
pub type Filter = Box<dyn Fn(&LiveSession) -> bool + Send + Sync>;

/// Somebody who looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The project whose sessions they see.
    pub project: i64,
    /// They may tell programs to do something.
    pub may_command: bool,
}
