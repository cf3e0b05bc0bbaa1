//! Batches with heartbeat and close calls between them, one session after the other.
//!
//! A call has the server's time, which the quiet server has later. Everything but the moment of the
//! last activity is the same there all the same: an id names one session, nothing but its own
//! connection sends for it, and the call that closes it comes after its last batch is answered.
//! A session by id is dated long ago, so that a call that got lost would leave it timed out; one of
//! an identity is dated now, because a call finds it only for a quarter of an hour.

use std::collections::VecDeque;

use jiff::Timestamp;
use kymo_testkit::Random;
use serde_json::{Value, json};

use super::load::{Author, BEGIN_MILLIS};
use super::request::{Request, Sent, date};

/// Ids of sessions that are called, as session id and as identity.
const BY_ID: &str = "called-";
const BY_IDENTITY: &str = "caller-";

/// Whether a session's last activity may be by the server's clock.
pub(super) fn is_called(session: &Value) -> bool {
    called_id(session).is_some()
}

/// The id that such a session is called by.
pub(super) fn called_id(session: &Value) -> Option<&str> {
    let starts = |value: &Value, start: &str| value.as_str().is_some_and(|text| text.starts_with(start));
    if starts(&session["external_id"], BY_ID) {
        return session["external_id"].as_str();
    }
    session["user"]["id"].as_str().filter(|id| id.starts_with(BY_IDENTITY))
}

pub(super) struct Calls {
    random: Random,
    connection: u64,
    sessions: u64,
    /// The agent's clocks: of sessions by id and of those by identity.
    millis: [i64; 2],
    /// What remains to be sent for the session.
    script: VecDeque<Sent>,
}

impl Author for Calls {
    fn next(&mut self) -> Sent {
        loop {
            if let Some(next) = self.script.pop_front() {
                return next;
            }
            self.write_script();
        }
    }

    /// No session is left running.
    fn last(&mut self) -> Vec<Sent> {
        self.script.drain(..).collect()
    }
}

/// What a batch is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    First,
    Middle,
    /// With the end of the session in it.
    End,
}

impl Calls {
    pub(super) fn new(connection: u64, random: Random) -> Self {
        let millis = [BEGIN_MILLIS, Timestamp::now().as_millisecond()];
        Self { random, connection, sessions: 0, millis, script: VecDeque::new() }
    }

    fn write_script(&mut self) {
        self.sessions += 1;
        let by_identity = self.random.below(2) == 0;
        let start = if by_identity { BY_IDENTITY } else { BY_ID };
        let id = format!("{start}{}-{:06}", self.connection, self.sessions);
        // Before its session is known.
        self.heartbeats(&id, false, 1);
        for batch in 0..=self.random.below(4) {
            let part = if batch == 0 { Part::First } else { Part::Middle };
            self.batch(&id, by_identity, part);
            self.heartbeats(&id, true, 2);
        }
        let ends_by_event = self.random.below(3) == 0;
        if ends_by_event {
            self.batch(&id, by_identity, Part::End);
        }
        if !ends_by_event || self.random.below(2) == 0 {
            self.call(&id, true, !ends_by_event);
        }
        // After the end: calls count for nothing, and the session by id takes its late events.
        self.heartbeats(&id, false, 1);
        if !by_identity && self.random.below(3) == 0 {
            self.batch(&id, by_identity, Part::Middle);
        }
    }

    fn heartbeats(&mut self, id: &str, moves: bool, most: u64) {
        for _ in 0..self.random.below(most + 1) {
            self.call(id, false, moves);
        }
    }

    fn call(&mut self, id: &str, close: bool, moves: bool) {
        self.script.push_back(Sent::new(Request::Call { id: id.to_owned(), close, moves }));
    }

    fn batch(&mut self, id: &str, by_identity: bool, part: Part) {
        let mut sent = Sent::new(Request::Events { body: String::new() });
        let mut events = Vec::new();
        let count = 1 + self.random.below(6);
        for number in 0..count {
            // Few, so that none of those by identity lies far in the future.
            self.millis[usize::from(by_identity)] += 1 + self.random.below(20) as i64;
            let text = format!("{id} batch {} event {number}", self.script.len());
            let mut event = json!({"message": text, "date": date(self.millis[usize::from(by_identity)])});
            if by_identity {
                event["data"]["@user"] = json!({"identity": id});
            } else {
                event["data"]["@ref:session"] = json!(id);
            }
            let is_start = part == Part::First && number == 0 && self.random.below(2) == 0;
            let is_end = part == Part::End && number + 1 == count;
            event["type"] = json!(match (is_start, is_end) {
                (true, _) => "session",
                (_, true) => "sessionend",
                _ => "log",
            });
            if is_start && !by_identity {
                // How a start names its session.
                event["reference_id"] = json!(id);
            }
            let texts = if is_start || is_end { &mut sent.others } else { &mut sent.ordinary };
            texts.push(text);
            events.push(event);
        }
        sent.request = Request::Events { body: Value::from(events).to_string() };
        self.script.push_back(sent);
    }
}
