//! A session that is followed: from where, by which channel, how far.

use std::time::{Duration, Instant};

use kymo_format::live::Message;
use kymo_model::{SessionId, User};
use kymo_viewer::session::Channel;
use serde_json::Value;

use super::whose::Whose;

/// How long the program of a session may be away before the store is asked whether the session has ended.
const AWAY: Duration = Duration::from_secs(10);

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Now,
    Start,
    After(u64),
}

pub(super) struct Followed {
    pub(super) whose: Whose,
    pub(super) channel: Channel,
    from: From,
    /// Its number on this connection, where it is open.
    pub(super) number: Option<u64>,
    /// Its program is connected, as far as the server said.
    pub(super) is_listed: bool,
    /// Since when it is not, and was not asked for.
    away_since: Instant,
    /// It ran once, or the store knows it.
    pub(super) is_known: bool,
    /// The last sequence that the store knew of in the beginning.
    pub(super) stored_to: u64,
    /// The last sequence that the program is known to have.
    pub(super) agent_has: u64,
    pub(super) lags: bool,
    /// Dropped by the program, so far.
    pub(super) dropped: u64,
}

impl Followed {
    pub(super) fn new(session: SessionId, from: From) -> Self {
        let after = match from {
            From::Now => None,
            From::Start => Some(0),
            From::After(after) => Some(after),
        };
        Self {
            whose: Whose::unknown(session),
            channel: Channel::new(after),
            from,
            number: None,
            is_listed: false,
            away_since: Instant::now(),
            is_known: false,
            stored_to: 0,
            agent_has: 0,
            lags: false,
            dropped: 0,
        }
    }

    /// What is said to follow it by that channel, from where it is.
    pub(super) fn open(&mut self, number: u64) -> Message {
        self.number = Some(number);
        let (after, from_start) = match (self.channel.after(), self.from) {
            // Whether it runs is only said to who has nothing of it.
            (Some(0), From::Start) => (None, true),
            (after, _) => (after, false),
        };
        Message::Open { channel: number, session: self.whose.session, after, from_start }
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self) {
        self.number = None;
        self.left();
    }

    /// Its program is not connected.
    pub(super) fn left(&mut self) {
        self.is_listed = false;
        self.away_since = Instant::now();
    }

    /// Whether it is time to ask the store about it; once in a while.
    pub(super) fn is_to_be_asked_for(&mut self) -> bool {
        let is_time = !self.is_listed && self.away_since.elapsed() >= AWAY;
        if is_time {
            self.away_since = Instant::now();
        }
        is_time
    }

    /// What the server says of it.
    pub(super) fn listed(&mut self, session: &Value) {
        (self.is_listed, self.is_known) = (true, true);
        let facts = &mut self.whose.facts;
        facts.event_count = session["event_count"].as_u64().unwrap_or(facts.event_count);
        facts.error_count = session["error_count"].as_u64().unwrap_or(facts.error_count);
        let user = &session["user"];
        let text = |name: &str| user[name].as_str().map(str::to_owned);
        let (id, name) = (text("identity").or_else(|| text("id")), text("name"));
        if id.is_some() || name.is_some() {
            self.whose.user(User { id, name });
        }
        if let Some(application) = session["application"].as_str() {
            self.whose.named(application);
        }
    }
}
