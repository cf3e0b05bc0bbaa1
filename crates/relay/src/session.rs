//! A session that runs.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kymo_format::live::{Command, Counts, Message};
use kymo_model::{SessionId, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::connection::Mailbox;
use crate::followed::Followed;

/// Commands that wait for their answer, of one session.
const COMMANDS_MAX: usize = 64;

/// Which session: two projects may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose.
    pub project: i64,
    /// The agent's id of it.
    pub session: SessionId,
}

/// A session that runs, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSession {
    /// Which.
    pub key: Key,
    /// Payload of its file's header: [`kymo_format::live::header_of`] reads it.
    pub header: Arc<[u8]>,
    /// How far it is.
    pub counts: Counts,
    /// Since when it has been here.
    pub since: Timestamp,
    /// Its last word.
    pub word_at: Timestamp,
    /// Where it connects from.
    pub address: Option<IpAddr>,
    /// Its clock less the server's, in nanoseconds, if it was measured.
    pub clock_ahead_ns: Option<i64>,
    /// Who follows it.
    pub followers: usize,
    /// Messages a second between its last two words about them; 0 when that is long ago.
    pub messages_per_second: f64,
}

pub(crate) struct Session {
    pub(crate) key: Key,
    pub(crate) followed: Followed,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    agent: Option<Agent>,
    /// How it ended, by its own word, and with which sequence.
    ended: Option<(String, u64)>,
    /// Since when it has had no control connection.
    away_since: Option<Instant>,
    commands: Vec<(u64, oneshot::Sender<Result<(), String>>)>,
}

/// Its control connection.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// Which of the connections of this server.
    pub(crate) connection: u64,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) header: Arc<[u8]>,
    pub(crate) counts: Counts,
    pub(crate) since: Timestamp,
    pub(crate) word_at: Timestamp,
    pub(crate) address: Option<IpAddr>,
    pub(crate) clock_ahead_ns: Option<i64>,
    /// Messages a second, and when that was measured.
    pub(crate) rate: Option<(f64, Timestamp)>,
}

/// Of the word for how a session ended: `normal`, `crashed`, …
const REASON_CHARS_MAX: usize = 40;

/// A rate that old says nothing: a program whose counts change tells them every five seconds.
const RATE_HOLDS: Duration = Duration::from_secs(8);

impl Agent {
    /// Its word about how far it is.
    pub(crate) fn counted(&mut self, counts: Counts, now: Timestamp) {
        let before = self.rate.map_or(self.since, |(_, at)| at);
        let seconds = now.since(before).as_secs_f64();
        let came = counts.messages.saturating_sub(self.counts.messages);
        self.counts = counts;
        // Two words at once are one.
        if seconds > 0.1 {
            self.rate = Some((came as f64 / seconds, now));
        }
    }

    fn messages_per_second(&self) -> f64 {
        self.rate.filter(|(_, at)| self.word_at.since(*at) <= RATE_HOLDS).map_or(0.0, |(rate, _)| rate)
    }
}

impl Session {
    /// One without a control connection; `ended`: how, and with which sequence, as far as is known.
    pub(crate) fn new(key: Key, ended: Option<(String, u64)>) -> Self {
        let state = State { ended, away_since: Some(Instant::now()), ..State::default() };
        Self { key, followed: Followed::default(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole after any panic: each change is an assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A control connection registered it. The one before, if any, is let go: it is of the same process.
    pub(crate) fn registered(&self, agent: Agent) {
        let mut state = self.state();
        state.ended = None;
        state.away_since = None;
        let before = state.agent.replace(agent);
        state.commands.clear();
        drop(state);
        if let Some(before) = before {
            before.mailbox.close();
        }
    }

    /// Changes what is known of it, if it is still that connection's.
    pub(crate) fn change(&self, connection: u64, change: impl FnOnce(&mut Agent)) -> bool {
        let mut state = self.state();
        match &mut state.agent {
            Some(agent) if agent.connection == connection => {
                change(agent);
                true
            }
            _ => false,
        }
    }

    /// It ended, by its own word.
    pub(crate) fn ended(&self, connection: u64, reason: &str, last_sequence: u64) {
        if self.change(connection, |agent| agent.counts.last_sequence = last_sequence) {
            let reason = reason.chars().take(REASON_CHARS_MAX).collect();
            self.state().ended = Some((reason, last_sequence));
        }
    }

    /// The connection is gone; true if the session has none now.
    pub(crate) fn left(&self, connection: u64) -> bool {
        let mut state = self.state();
        let is_its = state.agent.as_ref().is_some_and(|agent| agent.connection == connection);
        if is_its {
            state.agent = None;
            state.away_since = Some(Instant::now());
            state.commands.clear();
        }
        is_its
    }

    /// How, and with which sequence.
    pub(crate) fn ended_by(&self) -> Option<(String, u64)> {
        self.state().ended.clone()
    }

    /// The last sequence that it has, by its own word, and has had where it ended; `None` while it is away.
    pub(crate) fn last_sequence(&self) -> Option<u64> {
        let state = self.state();
        let ended = state.ended.as_ref().map(|(_, last)| *last);
        ended.or_else(|| state.agent.as_ref().map(|agent| agent.counts.last_sequence))
    }

    /// Since when it has had no control connection; `None` while it has one.
    pub(crate) fn away_since(&self) -> Option<Instant> {
        self.state().away_since
    }

    pub(crate) fn has_agent(&self) -> bool {
        self.state().agent.is_some()
    }

    pub(crate) fn counts(&self) -> Option<Counts> {
        self.state().agent.as_ref().map(|agent| agent.counts)
    }

    /// Another message to the agent.
    pub(crate) fn say(&self, message: &Message) -> bool {
        let mailbox = self.state().agent.as_ref().map(|agent| Arc::clone(&agent.mailbox));
        mailbox.is_some_and(|mailbox| mailbox.put(message))
    }

    /// Sends a command by a number that no other has; the answer comes later, or nothing when the connection ends.
    pub(crate) fn ask(&self, number: u64, command: Command) -> Option<oneshot::Receiver<Result<(), String>>> {
        let mut state = self.state();
        state.commands.retain(|(_, answer)| !answer.is_closed());
        if state.commands.len() >= COMMANDS_MAX {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        let mailbox = Arc::clone(&state.agent.as_ref()?.mailbox);
        state.commands.push((number, answer));
        drop(state);
        mailbox.put(&Message::Command { number, command }).then_some(answered)
    }

    pub(crate) fn answered(&self, number: u64, hindered: Option<String>) {
        let mut state = self.state();
        if let Some(at) = state.commands.iter().position(|(asked, _)| *asked == number) {
            let (_, answer) = state.commands.swap_remove(at);
            drop(state);
            // Who asked may not wait any more.
            let _ = answer.send(hindered.map_or(Ok(()), Err));
        }
    }

    /// As it is now, if it runs.
    pub(crate) fn live(&self) -> Option<LiveSession> {
        let agent = self.state().agent.clone()?;
        Some(LiveSession {
            key: self.key,
            messages_per_second: agent.messages_per_second(),
            header: agent.header,
            counts: agent.counts,
            since: agent.since,
            word_at: agent.word_at,
            address: agent.address,
            clock_ahead_ns: agent.clock_ahead_ns,
            followers: self.followed.followers(),
        })
    }
}
