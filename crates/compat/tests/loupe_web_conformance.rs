//! Recorded posts of four generations of Loupe's web agents, and the sessions they must become.
//! Data: `conformance/loupe-web/`; its README says what the members mean.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use kymo_compat::loupe_web::{Item, Request, decode_log, is_plausible_id};
use kymo_model::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    sent: usize,
    unique: usize,
    agents: Vec<Generation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generation {
    agent: String,
    sent: usize,
    unique: usize,
    posts: Vec<Post>,
    expected: Vec<Session>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Post {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    agent_session_id: String,
    /// Only where one agent session id is several tabs.
    page_load_id: Option<String>,
    /// Number and text, in order.
    messages: Vec<(u64, Option<String>)>,
}

const OBSERVED: Timestamp = Timestamp::from_unix_nanos(1);

const CASES: [&str; 15] = [
    "01-levels",
    "02-uncaught-errors",
    "04-details",
    "05-method-source-info",
    "06-session-ids",
    "07-exceptions",
    "08-correlation-headers",
    "09-cors-and-custom-headers",
    "12-server-status-503",
    "14-two-tabs",
    "16-storage-full",
    "18-unicode",
    "22-user-agents",
    "25-angularjs-agent",
    "27-tab-opened-from-the-page",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/loupe-web")
}

fn read(name: &str) -> Case {
    let path = folder().join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).expect("the case file is there");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn decode(post: &Post) -> Vec<Item> {
    let header = |name: &str| post.headers.get(name).map(String::as_str);
    let request = Request {
        agent_session_id: header("loupe-agent-sessionid"),
        session_id: header("loupesessionid"),
        cookie: header("cookie").and_then(|cookie| cookie.strip_prefix("LoupeSessionId=")),
        user_agent: header("user-agent"),
        referer: header("referer"),
    };
    let decoded = decode_log(post.body.as_bytes(), OBSERVED, &request);
    assert_eq!(decoded.unreadable, [], "{}", post.path);
    decoded.items
}

/// The sessions that the items make, each with its messages in order: by number, then date, then
/// arrival. One agent session id with two messages of one number is several tabs.
fn sessions(items: Vec<Item>) -> Vec<Session> {
    let mut tabs: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in items {
        let id = item.agent_session_id.clone().expect("agents send an id");
        tabs.entry(id).or_default().push(item);
    }
    let mut sessions = Vec::new();
    for (agent_session_id, items) in tabs {
        let numbers: HashSet<Option<u64>> = items.iter().map(|item| item.sequence).collect();
        let is_split = numbers.len() < items.len();
        let mut parts: BTreeMap<Option<String>, Vec<Item>> = BTreeMap::new();
        for item in items {
            let part = item.page_load_id.clone().filter(|_| is_split);
            parts.entry(part).or_default().push(item);
        }
        for (page_load_id, mut items) in parts {
            items.sort_by_key(|item| (item.sequence, item.event.time));
            let messages = items
                .into_iter()
                .map(|item| (item.sequence.expect("agents count"), item.event.body))
                .collect();
            sessions.push(Session { agent_session_id: agent_session_id.clone(), page_load_id, messages });
        }
    }
    sessions
}

fn check(name: &str) {
    let case = read(name);
    let (mut sent, mut unique) = (0, 0);
    for agent in case.agents {
        let context = format!("{name}, {}", agent.agent);
        let items: Vec<Item> = agent.posts.iter().flat_map(decode).collect();
        assert_eq!(items.len(), agent.sent, "{context}: sent");
        sent += items.len();
        for item in &items {
            assert_ne!(item.event.time, OBSERVED, "{context}: every message has a date");
            assert!(item.event.attributes.get("timestamp").is_none(), "{context}");
            assert!(item.page_load_id.as_deref().is_none_or(is_plausible_id), "{context}");
            let visit = item.visit_id.as_ref().expect("a cookie or an id was sent");
            assert!(visit.from_cookie || Some(&visit.id) == item.page_load_id.as_ref(), "{context}");
        }
        let mut seen = HashSet::new();
        let mut first = items;
        first.retain(|item| seen.insert(item.fingerprint.expect("agents send date and number")));
        assert_eq!(first.len(), agent.unique, "{context}: unique");
        unique += first.len();
        let mut expected = agent.expected;
        expected.sort();
        assert_eq!(sessions(first), expected, "{context}");
    }
    assert_eq!((sent, unique), (case.sent, case.unique), "{name}");
}

#[test]
fn recorded_posts_become_the_sessions_they_were() {
    CASES.into_iter().for_each(check);
}

#[test]
fn every_case_is_checked() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    files.sort();
    assert_eq!(files, CASES);
}

/// What was counted when the posts were recorded: sent, and unique among them.
#[test]
fn the_counts_are_those_of_the_recording() {
    let counted = |name: &str| {
        let case = read(name);
        (case.unique, case.sent)
    };
    assert_eq!(counted("01-levels"), (48, 54));
    assert_eq!(counted("02-uncaught-errors"), (63, 66));
    assert_eq!(counted("09-cors-and-custom-headers"), (14, 15));
    assert_eq!(counted("12-server-status-503"), (6, 7));
    assert_eq!(counted("14-two-tabs"), (72, 357));
    assert_eq!(counted("25-angularjs-agent"), (12, 14));
    assert_eq!(counted("27-tab-opened-from-the-page"), (14, 14));
}
