//! Batches of the Exceptionless kind: events of users and of sessions by id, late ones, starts,
//! ends and heartbeat events among them.

use kymo_testkit::Random;
use serde_json::{Value, json};

use super::load::{Author, BEGIN_MILLIS};
use super::request::{Request, Sent, date};

const EVENTS_MAX: u64 = 60;

pub(super) struct Events {
    random: Random,
    connection: u64,
    batches: u64,
    /// The agent's clock.
    millis: i64,
    /// Number of the session by id that is written to.
    run: u64,
}

impl Author for Events {
    fn next(&mut self) -> Sent {
        // Small ones are the most frequent.
        let count = 1 + self.random.below(EVENTS_MAX);
        let count = 1 + self.random.below(count);
        let mut sent = Sent::new(Request::Events { body: String::new() });
        let mut events = Vec::new();
        for number in 0..count {
            let text = format!("connection {} batch {} event {number}", self.connection, self.batches);
            let (event, is_ordinary) = self.event(&text);
            events.push(event);
            if is_ordinary { sent.ordinary.push(text) } else { sent.others.push(text) }
        }
        self.batches += 1;
        sent.request = Request::Events { body: Value::from(events).to_string() };
        sent
    }
}

impl Events {
    pub(super) fn new(connection: u64, random: Random) -> Self {
        Self { random, connection, batches: 0, millis: BEGIN_MILLIS, run: 0 }
    }

    fn date(&mut self) -> String {
        let silence = if self.random.below(150) == 0 { 16 * 60_000 } else { 0 };
        self.millis += self.random.below(15_000) as i64 + silence;
        let late = if self.random.below(10) == 0 { self.random.below(180_000) as i64 } else { 0 };
        date(self.millis - late)
    }

    fn event(&mut self, text: &str) -> (Value, bool) {
        let mut event = json!({"date": self.date(), "message": text});
        let lane = self.random.below(10);
        if lane > 0 {
            let user = self.random.below(3);
            event["data"]["@user"] = json!({"identity": format!("user-{}-{user}", self.connection), "name": format!("User {user}")});
            event["data"]["turn"] = json!(self.random.below(5));
        }
        if lane > 5 {
            event["data"]["@ref:session"] = json!(self.run_id());
        }
        let role = self.random.below(30);
        let word = match role {
            0 if lane > 0 => "session",
            1 if lane > 0 => "sessionend",
            2 if lane > 0 => "heartbeat",
            3..=5 => "error",
            6..=9 => "usage",
            _ => "log",
        };
        event["type"] = json!(word);
        if word == "error" {
            event["data"]["@simple_error"] = json!({"type": "Broken", "message": text});
        }
        if word == "session" && lane > 5 {
            event["reference_id"] = json!(self.run_id());
        }
        if word == "sessionend" && lane > 5 {
            self.run += 1;
        }
        (event, !matches!(word, "session" | "sessionend" | "heartbeat"))
    }

    fn run_id(&self) -> String {
        format!("run-{}-{:06}", self.connection, self.run)
    }
}
