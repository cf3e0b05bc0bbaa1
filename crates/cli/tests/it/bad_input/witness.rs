//! Well-behaved agents: one of each kind posts a numbered event after the other and sends it again until
//! it is taken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use kymo_testkit::Kymo;
use serde_json::{Value, json};

use crate::kill::pages;

/// An answer takes at most this: a post that the server cannot take is held for five seconds.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Fast enough to be among all that is sent, slow enough to leave it room.
const PAUSE: Duration = Duration::from_millis(10);

/// Agents at work.
pub(super) struct Witness {
    finish: Arc<AtomicBool>,
    agents: [JoinHandle<Told>; 2],
}

/// What an agent has sent.
#[derive(Clone, Copy, Default)]
struct Told {
    events: u64,
    /// Requests that had to be sent again.
    again: u64,
}

/// What both have sent.
pub(super) struct Both([Told; 2]);

impl Witness {
    pub(super) fn start(kymo: &Kymo) -> Self {
        let finish = Arc::new(AtomicBool::new(false));
        let agents = [exceptionless, loupe].map(|body| {
            let finish = Arc::clone(&finish);
            let token = &kymo.ingest_token;
            let (path, _) = body(0);
            let url = format!("{}{path}", kymo.url());
            let authorization = format!("Bearer {token}");
            std::thread::spawn(move || post_until(&finish, &url, &authorization, body))
        });
        Self { finish, agents }
    }

    /// Lets them end with the event they are at.
    pub(super) fn finish(self) -> Both {
        self.finish.store(true, Ordering::SeqCst);
        Both(self.agents.map(|agent| agent.join().expect("an agent panicked")))
    }
}

impl Both {
    /// Everything is there once and in order.
    pub(super) fn check(&self, kymo: &Kymo) {
        for (id, told) in ["witness-exceptionless", "witness-loupe"].into_iter().zip(self.0) {
            assert!(told.events > 0, "{id} sent nothing");
            let session = kymo.get(&format!("/api/v1/sessions/{id}"));
            let id = session["id"].as_str().expect("an id");
            let events = pages(kymo, &format!("/api/v1/sessions/{id}/events?limit=5000"));
            let found: Vec<&Value> = events.iter().map(|event| &event["message"]).collect();
            let expected: Vec<String> = (1..=told.events).map(|number| format!("event {number}")).collect();
            assert_eq!(
                found,
                expected.iter().map(|text| json!(text)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
            );
        }
    }
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [exceptionless, loupe] = self.0;
        write!(
            f,
            "{} and {} good events beside them ({} and {} requests again)",
            exceptionless.events, loupe.events, exceptionless.again, loupe.again
        )
    }
}

/// Path and body for an event.
type MakeBody = fn(u64) -> (&'static str, Value);

fn exceptionless(number: u64) -> (&'static str, Value) {
    let event = json!({
        "type": "log", "message": format!("event {number}"), "date": date(number),
        "data": {"@ref:session": "witness-exceptionless"},
    });
    ("/api/v2/events", json!([event]))
}

fn loupe(number: u64) -> (&'static str, Value) {
    let message = json!({
        "severity": 8, "caption": format!("event {number}"), "timestamp": date(number), "sequence": number,
        "agentSessionId": "witness-loupe", "sessionId": "witness-page",
    });
    ("/loupe/log", json!({"logMessages": [message], "session": null}))
}

/// A millisecond after the one before.
fn date(number: u64) -> String {
    format!("2026-11-20T12:{:02}:{:02}.{:03}Z", number / 60_000 % 60, number / 1000 % 60, number % 1000)
}

fn post_until(finish: &AtomicBool, url: &str, authorization: &str, body: MakeBody) -> Told {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_WITHIN))
        .build()
        .into();
    let mut told = Told::default();
    while !finish.load(Ordering::SeqCst) || told.events == 0 {
        let body = body(told.events + 1).1.to_string();
        loop {
            let request = agent.post(url).header("authorization", authorization);
            let answer = request.content_type("application/json").send(&body);
            match answer.map(|answer| answer.status().as_u16()) {
                Ok(202 | 204) => break,
                // The server has no room at the moment, or hangs up because it has none.
                Ok(503) | Err(_) => told.again += 1,
                Ok(other) => panic!("{url}: {other}"),
            }
        }
        told.events += 1;
        std::thread::sleep(PAUSE);
    }
    told
}
