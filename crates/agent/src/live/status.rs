//! How live stands, for [`kymo::status`](crate::status).

use crate::clock;

/// Of a text: most of it is foreign.
const TEXT_BYTES_MAX: usize = 1024;

/// How live stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveStatus {
    /// Since when the session is registered: RFC 3339, UTC. `None`: it is not.
    pub connected_since: Option<String>,
    /// Where: host and port.
    pub server: Option<String>,
    /// How often it was registered.
    pub connections: u64,
    /// Data connections of now: the session is followed.
    pub follows: u64,
    /// Data connections so far.
    pub follows_total: u64,
    /// Bytes of the session file that were sent on them.
    pub bytes_sent: u64,
    /// Places of the session file that could not be read and were passed over.
    pub damaged: u64,
    /// Nothing is sent, for want of consent.
    pub is_held: bool,
    /// When something last went wrong.
    pub last_failure_at: Option<String>,
    /// What that was, in words.
    pub last_failure: Option<String>,
    /// When it is tried again, while there is no connection.
    pub next_try_at: Option<String>,
}

impl LiveStatus {
    pub(super) fn failed(&mut self, text: &str) {
        self.last_failure_at = Some(clock::now().to_string());
        self.last_failure = Some(text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned());
    }
}
