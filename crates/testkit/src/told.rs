//! What agents were told, compared with what the server stored: session by session, event by event, text by text.
//!
//! Scripts print a line `{"logged": …}` for each event that their agent took in, in the words of Kymo's API.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Kymo;

/// Sessions by the id or identity they were made by, each with a line for every event in order. The second session of an
/// identity has ` (2)` after it, and so on.
pub type Sessions = BTreeMap<String, Vec<String>>;

/// What the rules make of a start by an identity or id that has started before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FurtherStart {
    /// The session before was ended.
    Opens,
    /// The session still runs.
    IsDropped,
}

/// What the script says it told its agent.
pub fn told(lines: &[Value], further_start: FurtherStart) -> Sessions {
    let mut sessions = Sessions::new();
    let mut starts = BTreeMap::new();
    for logged in lines.iter().filter_map(|line| line.get("logged")) {
        let session = logged["session"].as_str().expect("a session or an identity");
        let starts: &mut usize = starts.entry(session).or_default();
        if logged["kind"] == "session.start" {
            *starts += 1;
            if *starts > 1 && further_start == FurtherStart::IsDropped {
                continue;
            }
        }
        let nth = if further_start == FurtherStart::Opens { *starts } else { 1 };
        let exceptions = logged["exceptions"].as_array().expect("a list").iter().collect();
        sessions.entry(key(session, nth)).or_default().push(line(logged, exceptions));
    }
    sessions
}

/// What the server has.
pub fn stored(kymo: &Kymo) -> Sessions {
    let mut sessions = Sessions::new();
    let mut seen = BTreeMap::new();
    for session in kymo.sessions().iter().rev() {
        let made_by = session["external_id"].as_str().unwrap_or_else(|| users(session)[0]);
        let nth: &mut usize = seen.entry(made_by.to_owned()).or_default();
        *nth += 1;
        let events = kymo.events(session).iter().map(|event| line(event, chain(event))).collect();
        sessions.insert(key(made_by, *nth), events);
    }
    sessions
}

/// Compares session by session, so that a failure shows the first difference and not all there is.
pub fn assert_same(stored: &Sessions, told: &Sessions) {
    assert_eq!(stored.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>(), "sessions");
    for (session, told) in told {
        let stored = &stored[session];
        for (index, (stored, told)) in stored.iter().zip(told).enumerate() {
            assert_eq!(stored, told, "event {index} of {session}");
        }
        assert_eq!(stored.len(), told.len(), "events of {session}: {stored:#?}");
    }
}

/// What the server dropped, by reason; together with what it stored that is everything it accepted.
pub fn assert_dropped(kymo: &Kymo, expected: &Value) {
    let status = kymo.get("/api/v1/status");
    assert_eq!(&status["dropped"], expected, "{status}");
    let of = |count: &Value| count.as_u64().unwrap_or_default();
    let dropped: u64 = status["dropped"].as_object().expect("reasons").values().map(of).sum();
    assert_eq!(of(&status["accepted"]), of(&status["stored"]) + dropped, "{status}");
}

/// The identities of a session's users, in order of appearance.
pub fn users(session: &Value) -> Vec<&str> {
    let users = session["users"].as_array().expect("users");
    users.iter().map(|user| user["id"].as_str().expect("an identity")).collect()
}

fn key(made_by: &str, nth: usize) -> String {
    if nth > 1 { format!("{made_by} ({nth})") } else { made_by.to_owned() }
}

fn line(event: &Value, exceptions: Vec<&Value>) -> String {
    let exceptions = exceptions.into_iter().map(|one| format!(" {}:{}", one["type"], one["message"]));
    format!(
        "{} {} {} {} by {} {}{}",
        event["kind"],
        event["severity"],
        event["category"],
        event["message"],
        event["user"]["id"],
        event["user"]["name"],
        exceptions.collect::<String>()
    )
}

/// The exception and its causes.
fn chain(event: &Value) -> Vec<&Value> {
    let first = Some(&event["exception"]).filter(|exception| exception.is_object());
    std::iter::successors(first, |one| Some(&one["inner"]).filter(|inner| inner.is_object())).collect()
}
