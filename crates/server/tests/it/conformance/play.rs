//! Plays a row: does its steps and lists what is not as expected.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{self, Expected, Request, Row, Step, Verdict};
use super::found::{Found, differing_facts};
use crate::stand::{Answer, Stand};

/// A header's value that does not matter.
const ANY: &str = "@any";

/// What is not as the row expects; empty if it holds.
pub(super) fn play(row: &Row) -> Vec<String> {
    let stand = Stand::new(case::at(row.clock));
    let mut problems = Vec::new();
    for (index, step) in row.steps.iter().enumerate() {
        let of_step = match do_step(&stand, step) {
            Ok(problems) => problems,
            Err(error) => vec![error],
        };
        problems.extend(of_step.into_iter().map(|problem| format!("step {}: {problem}", index + 1)));
    }
    if let Some(expected) = &row.expected {
        problems.extend(in_the_end(&stand, row, expected).unwrap_or_else(|error| vec![error]));
    }
    stand.stop();
    problems
}

fn do_step(stand: &Stand, step: &Step) -> Result<Vec<String>, String> {
    match step {
        Step::Post(events) => {
            let body: Vec<Value> = events.iter().map(case::event).collect();
            let answer = send(stand, "POST", "/api/v2/events", Some("ingest"), &[], Some(&json!(body)))?;
            Ok(wrong_status(202, &answer))
        }
        Step::Advance(seconds) => {
            stand.pass_time(Duration::from_secs_f64(*seconds));
            Ok(Vec::new())
        }
        Step::Heartbeat(query) => {
            let path = format!("/api/v2/events/session/heartbeat?{query}");
            Ok(wrong_status(200, &send(stand, "GET", &path, Some("ingest"), &[], None)?))
        }
        Step::Request(request) => ask(stand, request),
        Step::Tick => {
            stand.upkeep();
            Ok(Vec::new())
        }
        Step::Look(expected) => {
            stand.upkeep();
            look(stand, expected)
        }
    }
}

/// The row's outcome, as read from the tail and then from segments.
fn in_the_end(stand: &Stand, row: &Row, expected: &Expected) -> Result<Vec<String>, String> {
    stand.upkeep();
    let mut problems = look(stand, expected)?;
    if let (Verdict::Same, Some(documents)) = (row.verdict, row.documents) {
        let found = Found::of_project(stand)?.documents();
        if found != documents {
            problems.push(format!("documents: expected {documents}, found {found}"));
        }
    }
    if problems.is_empty() {
        stand.flush();
        let of_segments = look(stand, expected)?.into_iter();
        problems.extend(of_segments.map(|problem| format!("from segments: {problem}")));
    }
    Ok(problems)
}

fn look(stand: &Stand, expected: &Expected) -> Result<Vec<String>, String> {
    let (found, other) = (Found::of_project(stand)?, Found::of_other_project(stand)?);
    let mut problems = found.differences(expected);
    let of_other = other.differences(expected.other.as_deref().unwrap_or(&Expected::default()));
    problems.extend(of_other.into_iter().map(|problem| format!("other project: {problem}")));
    let mut ids = BTreeSet::new();
    let twice = found.session_ids().chain(other.session_ids()).find(|id| !ids.insert(id.clone()));
    problems.extend(twice.map(|id| format!("two sessions have the id {id}")));
    Ok(problems)
}

fn ask(stand: &Stand, request: &Request) -> Result<Vec<String>, String> {
    let body = body_of(request);
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = path_of(stand, &request.path);
    let answer = send_bytes(stand, &request.method, &path, request.token.as_deref(), &headers, body)?;
    let expected = &request.answer;
    let mut problems = expected.status.map_or_else(Vec::new, |status| wrong_status(status, &answer));
    for (name, expected) in &expected.headers {
        let found = answer.header(name);
        let is_there = expected.as_deref() == Some(ANY) && found.is_some();
        if !is_there && found != expected.as_deref() {
            problems.push(format!("header {name}: expected {expected:?}, found {found:?}"));
        }
    }
    let found: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    problems.extend(differing_facts("the answer", &expected.facts, &found));
    for (pointer, expected) in &expected.lengths {
        let found = found.pointer(pointer).and_then(Value::as_array).map(Vec::len);
        if found != Some(*expected) {
            problems.push(format!("length of {pointer}: expected {expected}, found {found:?}"));
        }
    }
    Ok(problems)
}

fn body_of(request: &Request) -> Option<Vec<u8>> {
    if let Some(text) = &request.text {
        return Some(text.clone().into_bytes());
    }
    let body = case::with_times(request.body.as_ref()?).to_string();
    let letters = request.fill_to.map(|bytes| "x".repeat(bytes.saturating_sub(body.len() - "@fill".len())));
    Some(letters.map_or(body.clone(), |letters| body.replace("@fill", &letters)).into_bytes())
}

/// Tokens and times in braces are filled in.
fn path_of(stand: &Stand, written: &str) -> String {
    let mut path = String::new();
    let mut rest = written;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        path.push_str(before);
        match name.strip_prefix('@').and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => path.push_str(&case::at(seconds).to_string()),
            None => path.push_str(stand.token(name)),
        }
        rest = after;
    }
    path.push_str(rest);
    path
}

fn send(
    stand: &Stand,
    method: &str,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Result<Answer, String> {
    send_bytes(stand, method, path, token, headers, body.map(|body| body.to_string().into_bytes()))
}

fn send_bytes(
    stand: &Stand,
    method: &str,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<Answer, String> {
    let authorization = token.map(|name| format!("Bearer {}", stand.token(name)));
    let mut all = headers.to_vec();
    if let Some(authorization) = &authorization {
        all.push(("authorization", authorization));
    }
    let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if body.is_some() && !has_type {
        all.push(("content-type", "application/json"));
    }
    stand.send(method, path, &all, body)
}

fn wrong_status(expected: u16, answer: &Answer) -> Vec<String> {
    if answer.status == expected {
        return Vec::new();
    }
    vec![format!("status: expected {expected}, found {} {}", answer.status, answer.body)]
}
