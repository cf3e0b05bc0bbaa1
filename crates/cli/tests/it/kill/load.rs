//! What is sent: per connection an endless row of batches that only the seed decides.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_testkit::{Kymo, Random};
use serde_json::{Value, json};

/// A batch that is not answered for this long never will be.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// 2026-01-01: long ago, so that every session without an end times out, whenever this runs.
const BEGIN_MILLIS: i64 = 1_767_225_600_000;
const EVENTS_MAX: u64 = 60;

/// A request body and the texts of its events.
pub(super) struct Batch {
    pub(super) body: String,
    /// Stored exactly once each.
    pub(super) ordinary: Vec<String>,
    /// Starts, ends and heartbeats: the rules decide whether they are stored.
    pub(super) others: Vec<String>,
}

/// Connections that post until told to finish.
pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Vec<Batch>>>,
}

#[derive(Default)]
struct Shared {
    /// Where the server is, while it runs.
    url: Mutex<Option<String>>,
    answered: AtomicU64,
    finish: AtomicBool,
}

impl Load {
    pub(super) fn start(seed: u64, connections: u64, token: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..connections)
            .map(|connection| {
                let (shared, token) = (Arc::clone(&shared), token.to_owned());
                std::thread::spawn(move || shared.post_until_finished(seed, connection, &token))
            })
            .collect();
        Self { shared, threads }
    }

    pub(super) fn server_is_at(&self, url: &str) {
        *self.shared.url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }

    pub(super) fn server_is_gone(&self) {
        *self.shared.url.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits for that many answers from now on, but not for ever.
    pub(super) fn wait_for_answers(&self, count: u64, at_most: Duration) {
        let (started, before) = (Instant::now(), self.shared.answered.load(Ordering::SeqCst));
        while self.shared.answered.load(Ordering::SeqCst) < before + count && started.elapsed() < at_most {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Every batch begun is answered; returns what each connection sent.
    pub(super) fn finish(self) -> Vec<Vec<Batch>> {
        self.shared.finish.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().expect("a connection's thread")).collect()
    }
}

impl Shared {
    fn post_until_finished(&self, seed: u64, connection: u64, token: &str) -> Vec<Batch> {
        let agent = agent();
        let mut author = Author::new(seed, connection);
        let mut sent = Vec::new();
        while !self.finish.load(Ordering::SeqCst) {
            let batch = author.batch();
            self.post(&agent, token, &batch.body);
            self.answered.fetch_add(1, Ordering::SeqCst);
            sent.push(batch);
            std::thread::sleep(Duration::from_millis(author.random.below(20)));
        }
        sent
    }

    /// Sends again until it is answered.
    fn post(&self, agent: &ureq::Agent, token: &str, body: &str) {
        let started = Instant::now();
        loop {
            let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match url.map(|url| post(agent, &url, token, body)) {
                Some(Ok(202)) => return,
                Some(Ok(status)) if status != 503 => panic!("answered {status}"),
                _ => {}
            }
            assert!(started.elapsed() < ANSWER_WITHIN, "no answer");
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

/// The same batches in the same order per connection, to a server that nobody kills.
pub(super) fn quiet(kymo: &Kymo, sent: &[Vec<Batch>]) {
    std::thread::scope(|scope| {
        for batches in sent {
            scope.spawn(move || {
                let agent = agent();
                for batch in batches {
                    assert_eq!(post(&agent, kymo.url(), &kymo.ingest_token, &batch.body), Ok(202));
                }
            });
        }
    });
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// Over a connection that is kept.
fn post(agent: &ureq::Agent, url: &str, token: &str, body: &str) -> Result<u16, String> {
    let answer = agent
        .post(format!("{url}/api/v2/events"))
        .header("authorization", format!("Bearer {token}"))
        .content_type("application/json")
        .send(body);
    let mut answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    // Read to the end, so that the connection can be used again.
    answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
    Ok(status)
}

/// Writes one connection's batches. Its users and session ids are its own, so that the order of
/// arrival within a session does not depend on the other connections.
struct Author {
    random: Random,
    connection: u64,
    batches: u64,
    /// The agent's clock.
    millis: i64,
    /// Number of the session by id that is written to.
    run: u64,
}

impl Author {
    fn new(seed: u64, connection: u64) -> Self {
        let random = Random::new(seed ^ (connection + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { random, connection, batches: 0, millis: BEGIN_MILLIS, run: 0 }
    }

    fn batch(&mut self) -> Batch {
        // Small ones are the most frequent.
        let count = 1 + self.random.below(EVENTS_MAX);
        let count = 1 + self.random.below(count);
        let mut batch = Batch { body: String::new(), ordinary: Vec::new(), others: Vec::new() };
        let mut events = Vec::new();
        for number in 0..count {
            let text = format!("connection {} batch {} event {number}", self.connection, self.batches);
            let (event, is_ordinary) = self.event(&text);
            events.push(event);
            if is_ordinary { batch.ordinary.push(text) } else { batch.others.push(text) }
        }
        self.batches += 1;
        batch.body = Value::from(events).to_string();
        batch
    }

    fn date(&mut self) -> String {
        let silence = if self.random.below(150) == 0 { 16 * 60_000 } else { 0 };
        self.millis += self.random.below(15_000) as i64 + silence;
        let late = if self.random.below(10) == 0 { self.random.below(180_000) as i64 } else { 0 };
        let date = jiff::Timestamp::from_millisecond(self.millis - late).expect("a date of our days");
        date.to_string()
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
