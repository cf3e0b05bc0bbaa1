//! Posts and heartbeats of the JavaScript clients, each at the time it was recorded at.

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{moment, read};
use crate::conformance::found::Found;
use crate::stand::Stand;

/// Longer than any session stays open without a word.
const SILENCE: Duration = Duration::from_hours(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    name: String,
    requests: Vec<Request>,
    dropped: BTreeMap<String, u64>,
    sessions: Vec<Session>,
    /// Events without a session.
    loose: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    at: String,
    /// The number of the recorded request with the body.
    post: Option<u32>,
    /// The query of a call.
    heartbeat: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    started_at: String,
    last_activity_at: String,
    /// `running`, or `ended` with the reason.
    state: String,
    id: Option<String>,
    user: Option<String>,
    /// Kind and text in order of time.
    events: Vec<String>,
}

/// A recorded body; its other members are for the decoder's tests.
#[derive(Deserialize)]
struct Body {
    name: String,
    json: Value,
}

#[test]
fn requests_become_the_sessions_they_were() {
    for recording in recordings() {
        play(&recording, 1);
    }
}

/// As if no answer had arrived: an agent sends the batch again.
#[test]
fn posts_sent_twice_become_the_same_sessions() {
    for recording in recordings() {
        play(&recording, 2);
    }
}

#[test]
fn every_recorded_body_is_sent() {
    for recording in recordings() {
        let sent: Vec<String> = recording
            .requests
            .iter()
            .filter_map(|request| Some(body_name(&recording, request.post?)))
            .collect();
        let recorded: Vec<String> = bodies(&recording).into_iter().map(|body| body.name).collect();
        assert_eq!(sent, recorded);
    }
}

fn recordings() -> Vec<Recording> {
    read("exceptionless/sessions.json")
}

fn bodies(recording: &Recording) -> Vec<Body> {
    read(&format!("exceptionless/{}.json", recording.name))
}

fn body_name(recording: &Recording, number: u32) -> String {
    format!("{}, request {number}", recording.name)
}

fn play(recording: &Recording, times: u64) {
    let name = &recording.name;
    let bodies = bodies(recording);
    let begin = moment(&recording.requests.first().expect("a request").at);
    let mut clock = Clock { stand: Stand::new(begin), now: begin };
    let mut posted = 0;
    for request in &recording.requests {
        clock.set(moment(&request.at));
        if let Some(query) = &request.heartbeat {
            send(&clock.stand, "GET", &format!("/api/v2/events/session/heartbeat?{query}"), None, 200);
        }
        let Some(number) = request.post else { continue };
        let body = bodies.iter().find(|body| body.name == body_name(recording, number)).expect("a body");
        posted += body.json.as_array().expect("a list").len() as u64;
        for _ in 0..times {
            send(&clock.stand, "POST", "/api/v2/events", Some(&body.json), 202);
        }
    }
    let mut dropped = recording.dropped.clone();
    if times > 1 {
        *dropped.entry("duplicate".to_owned()).or_default() += (times - 1) * posted;
    }
    check(name, &clock.stand, &dropped, &recording.sessions, &recording.loose);
    clock.stand.flush();
    check(&format!("{name}, from segments"), &clock.stand, &dropped, &recording.sessions, &recording.loose);

    let later = clock.now.plus(SILENCE);
    clock.set(later);
    let mut silent = recording.sessions.clone();
    for session in silent.iter_mut().filter(|session| session.state == "running") {
        "ended timed_out".clone_into(&mut session.state);
    }
    check(&format!("{name}, later"), &clock.stand, &dropped, &silent, &recording.loose);
    clock.stand.stop();
}

/// The stand's clock with what it shows.
struct Clock {
    stand: Stand,
    now: Timestamp,
}

impl Clock {
    /// The upkeep runs by itself every two seconds of any clock; here whenever time has passed.
    fn set(&mut self, now: Timestamp) {
        let nanos = now.as_unix_nanos() - self.now.as_unix_nanos();
        self.stand.pass_time(Duration::from_nanos(nanos.try_into().expect("requests in order of time")));
        self.now = now;
        self.stand.upkeep();
    }
}

fn send(stand: &Stand, method: &str, path: &str, body: Option<&Value>, status: u16) {
    let authorization = format!("Bearer {}", stand.token("ingest"));
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let answer = stand.send(method, path, &headers, body.map(|body| body.to_string().into_bytes()));
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{method} {path}");
}

fn check(what: &str, stand: &Stand, dropped: &BTreeMap<String, u64>, sessions: &[Session], loose: &[String]) {
    let found = Found::of_project(stand).expect("the API answers");
    let mut expected = sessions.to_vec();
    expected.sort();
    let mut seen: Vec<Session> =
        found.sessions.iter().map(|(session, events)| as_written(session, events)).collect();
    seen.sort();
    assert_eq!(seen, expected, "{what}");
    assert_eq!(texts(&found.loose), loose, "{what}");
    assert_eq!(&found.dropped, dropped, "{what}");
    let events: usize = expected.iter().map(|session| session.events.len()).sum();
    assert_eq!(found.stored, (events + loose.len()) as u64, "{what}");
}

fn as_written(session: &Value, events: &[Value]) -> Session {
    let text = |pointer: &str| session.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let end_reason = text("/end_reason").map(|reason| format!(" {reason}")).unwrap_or_default();
    let ended_at = text("/ended_at");
    let last_activity_at = text("/last_activity_at").unwrap_or_default();
    assert!(ended_at.is_none_or(|at| at == last_activity_at), "{session}");
    Session {
        started_at: text("/started_at").unwrap_or_default(),
        last_activity_at,
        state: text("/state").unwrap_or_default() + &end_reason,
        id: text("/external_id"),
        user: text("/user/id"),
        events: texts(events),
    }
}

/// Kind and message, or category where there is no message.
fn texts(events: &[Value]) -> Vec<String> {
    let text = |event: &Value| {
        let kind = event["kind"].as_str().unwrap_or_default();
        let text = event["message"].as_str().or(event["category"].as_str());
        text.map_or_else(|| kind.to_owned(), |text| format!("{kind}: {text}"))
    };
    events.iter().map(text).collect()
}
