//! What a reader of the API finds, and where it differs from what a row expects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::{self, Event, Expected, Facts, T0};
use crate::stand::{OTHER_PROJECT, PROJECT, Stand};

/// Everything a project shows.
pub(crate) struct Found {
    pub(crate) stored: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
    /// With their events.
    pub(crate) sessions: Vec<(Value, Vec<Value>)>,
    pub(crate) loose: Vec<Value>,
}

impl Found {
    pub(crate) fn of_project(stand: &Stand) -> Result<Self, String> {
        Self::read(stand, PROJECT, "read")
    }

    pub(super) fn of_other_project(stand: &Stand) -> Result<Self, String> {
        Self::read(stand, OTHER_PROJECT, "other-read")
    }

    fn read(stand: &Stand, project: &str, token: &str) -> Result<Self, String> {
        let status = get(stand, token, "/api/v1/status")?;
        let sessions = items(get(stand, token, "/api/v1/sessions?limit=500")?);
        let with_events = |session: Value| {
            let path = format!("/api/v1/sessions/{}/events?limit=5000", text(&session, "/id"));
            let events = items(get(stand, token, &path)?);
            Ok::<_, String>((session, events))
        };
        let dropped = status["dropped"].as_object().into_iter().flatten();
        let found = Self {
            stored: status["stored"].as_u64().unwrap_or_default(),
            dropped: dropped
                .map(|(name, count)| (name.clone(), count.as_u64().unwrap_or_default()))
                .collect(),
            sessions: sessions.into_iter().map(with_events).collect::<Result<_, _>>()?,
            loose: items(get(stand, token, &format!("/api/v1/events?project={project}&limit=5000"))?),
        };
        found.check_itself(&status)?;
        Ok(found)
    }

    /// What holds of any server at any time.
    fn check_itself(&self, status: &Value) -> Result<(), String> {
        let refused_whole = ["too_large", "overload"];
        let dropped = self.dropped.iter().filter(|(name, _)| !refused_whole.contains(&name.as_str()));
        let dropped: u64 = dropped.map(|(_, count)| count).sum();
        if status["accepted"] != self.stored + dropped {
            return Err(format!("accepted is not stored + dropped: {status}"));
        }
        for (session, events) in &self.sessions {
            if session["event_count"] != events.len() {
                return Err(format!("{} events of {session}", events.len()));
            }
            if let Some(event) = events.iter().find(|event| event["session_id"] != session["id"]) {
                return Err(format!("not of that session: {event}"));
            }
        }
        Ok(())
    }

    pub(super) fn session_ids(&self) -> impl Iterator<Item = String> {
        self.sessions.iter().map(|(session, _)| text(session, "/id").to_owned())
    }

    /// In the reference's count: the start that an agent sent is the record of its session.
    pub(super) fn documents(&self) -> u64 {
        let events = self.sessions.iter().flat_map(|(_, events)| events);
        let starts = events.filter(|event| event["kind"] == "session.start").count();
        (self.stored + self.sessions.len() as u64).saturating_sub(starts as u64)
    }

    /// Where it differs.
    pub(super) fn differences(&self, expected: &Expected) -> Vec<String> {
        let mut differences = Vec::new();
        let mut check = |what: &str, expected: String, found: String| {
            if expected != found {
                differences.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        check("stored", expected.stored.to_string(), self.stored.to_string());
        check("dropped", format!("{:?}", expected.dropped), format!("{:?}", self.dropped));
        check("without session", texts(&expected.loose), format!("{:?}", labels(&self.loose)));
        differences.extend(differing_events(&expected.loose, &self.loose));
        differences.extend(self.differing_sessions(&expected.sessions));
        differences
    }

    fn differing_sessions(&self, expected: &[case::Session]) -> Vec<String> {
        let mut found: Vec<&(Value, Vec<Value>)> = self.sessions.iter().collect();
        let mut differences = Vec::new();
        for session in expected {
            let place = found.iter().position(|(found, events)| is_match(session, found, events));
            if let Some(place) = place {
                let (found, events) = found.remove(place);
                differences.extend(differing_facts("the session", &session.facts, found));
                differences.extend(differing_events(&session.events, events));
            } else {
                differences.push(format!("expected session {}", line(&as_json(session))));
            }
        }
        let rest = found.iter().map(|(session, events)| as_json(&as_written(session, events)));
        differences.extend(rest.map(|session| format!("found session    {}", line(&session))));
        differences
    }
}

fn as_json(session: &case::Session) -> Value {
    serde_json::to_value(session).expect("plain data")
}

fn line(session: &Value) -> String {
    session.to_string()
}

fn texts(events: &[Event]) -> String {
    format!("{:?}", events.iter().map(Event::text).collect::<Vec<_>>())
}

/// A found session in the words of the data files.
fn as_written(session: &Value, events: &[Value]) -> case::Session {
    let end_reason = session["end_reason"].as_str().map(|reason| format!(" {reason}"));
    case::Session {
        id: session["external_id"].as_str().map(str::to_owned),
        user: session.pointer("/user/id").and_then(Value::as_str).map(str::to_owned),
        start: seconds_after_t0(text(session, "/started_at")),
        duration: session["duration_seconds"].as_f64().unwrap_or(f64::NAN),
        state: format!("{}{}", text(session, "/state"), end_reason.unwrap_or_default()),
        errors: session["error_count"].as_u64().unwrap_or_default(),
        events: labels(events).into_iter().map(Event::Text).collect(),
        facts: Facts::new(),
    }
}

/// Everything but the facts.
fn is_match(expected: &case::Session, session: &Value, events: &[Value]) -> bool {
    let mut found = as_written(session, events);
    if expected.user.is_none() {
        found.user = None;
    }
    as_json(expected) == as_json(&found)
}

fn differing_events(expected: &[Event], found: &[Value]) -> Vec<String> {
    let pairs = expected.iter().zip(found);
    let facts = pairs.filter_map(|(expected, found)| Some((expected.text(), expected.facts()?, found)));
    facts.flat_map(|(text, facts, found)| differing_facts(&format!("event {text:?}"), facts, found)).collect()
}

/// Where a value does not have the facts.
pub(super) fn differing_facts(what: &str, expected: &Facts, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for (pointer, expected) in expected {
        let expected = case::with_times(expected);
        let found = found.pointer(pointer).unwrap_or(&Value::Null);
        if !is_equal(&expected, found) {
            differences.push(format!("{what}, {pointer}: expected {expected}, found {found}"));
        }
    }
    differences
}

/// 30 and 30.0 are the same number.
fn is_equal(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => (expected - found).abs() < 1e-6,
        _ => expected == found,
    }
}

fn labels(events: &[Value]) -> Vec<String> {
    let label = |event: &Value| event["message"].as_str().unwrap_or(text(event, "/kind")).to_owned();
    events.iter().map(label).collect()
}

fn seconds_after_t0(text: &str) -> f64 {
    let moment = text.parse::<jiff::Timestamp>().map_or(i128::MAX, jiff::Timestamp::as_nanosecond);
    ((moment - i128::from(T0.as_unix_nanos())) / 1_000_000) as f64 / 1e3
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items(mut list: Value) -> Vec<Value> {
    match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn get(stand: &Stand, token: &str, path: &str) -> Result<Value, String> {
    let authorization = format!("Bearer {}", stand.token(token));
    let answer = stand.send("GET", path, &[("authorization", &authorization)], None)?;
    if answer.status != 200 {
        return Err(format!("GET {path}: {} {}", answer.status, answer.body));
    }
    serde_json::from_str(&answer.body).map_err(|error| format!("GET {path}: {error}: {}", answer.body))
}
