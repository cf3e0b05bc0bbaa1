//! Posts of Loupe's web agents, in the recorded order and in any other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use kymo_testkit::Random;
use serde::Deserialize;
use serde_json::Value;

use super::{moment, read};
use crate::conformance::found::Found;
use crate::stand::Stand;

/// Every file with its messages: unique among all that were sent, and sent.
const RECORDINGS: [(&str, u64, u64); 15] = [
    ("01-levels", 48, 54),
    ("02-uncaught-errors", 63, 66),
    ("04-details", 60, 60),
    ("05-method-source-info", 30, 30),
    ("06-session-ids", 30, 30),
    ("07-exceptions", 46, 46),
    ("08-correlation-headers", 2, 2),
    ("09-cors-and-custom-headers", 14, 15),
    ("12-server-status-503", 6, 7),
    ("14-two-tabs", 72, 357),
    ("16-storage-full", 15, 15),
    ("18-unicode", 33, 33),
    ("22-user-agents", 12, 12),
    ("25-angularjs-agent", 12, 14),
    ("27-tab-opened-from-the-page", 14, 14),
];

/// Soon after the last recorded message.
const NOW: &str = "2026-11-20T16:45:00Z";
/// Recordings at once: each waits for the disk most of its time.
const AT_ONCE: usize = 4;

#[derive(Deserialize)]
struct Recording {
    agents: Vec<Generation>,
}

#[derive(Deserialize)]
struct Generation {
    agent: String,
    sent: u64,
    unique: u64,
    posts: Vec<Post>,
    expected: Vec<Session>,
}

#[derive(Clone, Deserialize)]
struct Post {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Compared without the page load's id, which the API does not show: the messages tell two tabs of
/// one agent id apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Session {
    agent_session_id: String,
    /// Number and text, in order.
    messages: Vec<(u64, Option<String>)>,
}

/// How the posts of a generation are ordered before they are sent; the number tells generations apart.
type Order<'order> = &'order (dyn Fn(u64, &mut [Post]) + Sync);

#[test]
fn posts_become_the_sessions_they_were() {
    check(&RECORDINGS, &|_, _| ());
}

/// A copied queue, a reload and an opened tab are told apart by numbers and page loads, never by what
/// comes first.
#[test]
fn posts_in_reverse_order_become_the_same_sessions() {
    check(&RECORDINGS, &|_, posts| posts.reverse());
}

#[test]
fn posts_in_any_order_become_the_same_sessions() {
    let seed = Random::seeded(20_261_120).number();
    check(&RECORDINGS, &|number, posts| Random::new(seed ^ number).shuffle(posts));
}

/// The recording with two tabs of one agent id is the one where order could matter.
#[test]
fn a_tab_opened_from_the_page_is_one_of_its_own_in_any_order() {
    let recording = RECORDINGS[RECORDINGS.len() - 1];
    let seed = Random::seeded(5).number();
    check(&[recording; 60], &|number, posts| Random::new(seed ^ number).shuffle(posts));
}

fn check(recordings: &[(&'static str, u64, u64)], order: Order<'_>) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some((number, recording)) =
            recordings.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed))
        {
            let order = |generation, posts: &mut [Post]| order(number as u64 * 100 + generation, posts);
            let problems = problems(*recording, &order);
            if !problems.is_empty() {
                failed.push(format!("{}\n  {}", recording.0, problems.join("\n  ")));
            }
        }
        failed
    };
    let mut failed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a recording panicked")).collect()
    });
    failed.sort();
    assert!(failed.is_empty(), "{} recordings failed\n\n{}", failed.len(), failed.join("\n\n"));
}

/// What is not as recorded. All generations of a recording share a project.
fn problems((name, unique, sent): (&str, u64, u64), order: Order<'_>) -> Vec<String> {
    let recording: Recording = read(&format!("loupe-web/{name}.json"));
    let stand = Stand::new(moment(NOW));
    let mut problems = Vec::new();
    for (number, generation) in (0..).zip(&recording.agents) {
        let mut posts = generation.posts.clone();
        order(number, &mut posts);
        problems.extend(posts.iter().filter_map(|post| send(&stand, post).err()));
    }
    for place in ["tail", "segments"] {
        let found = Found::of_project(&stand).expect("the API answers");
        let mut differences = differences(&recording.agents, &found);
        let mut dropped = BTreeMap::from([("duplicate".to_owned(), sent - unique)]);
        dropped.retain(|_, count| *count > 0);
        if (found.stored, &found.dropped) != (unique, &dropped) {
            let found = (found.stored, &found.dropped);
            differences.push(format!("expected {unique} of {sent}, found {found:?}"));
        }
        problems.extend(differences.into_iter().map(|problem| format!("{place}: {problem}")));
        stand.flush();
    }
    stand.stop();
    problems
}

/// As the agent did it, but for its token: agents of that time have it in the server's address.
fn send(stand: &Stand, post: &Post) -> Result<(), String> {
    let at = post.path.to_ascii_lowercase().find("/loupe/log").expect("a post to the endpoint");
    let (base, endpoint) = post.path.split_at(at);
    let path = format!("{base}/in/{}{endpoint}", stand.token("ingest"));
    let headers: Vec<(&str, &str)> =
        post.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = stand.send("POST", &path, &headers, Some(post.body.clone().into_bytes()))?;
    let allowed = answer.header("access-control-allow-origin");
    let origin = post.headers.get("origin").map(String::as_str);
    if (answer.status, allowed) != (204, origin) {
        return Err(format!("{}: {} {allowed:?} {}", post.path, answer.status, answer.body));
    }
    Ok(())
}

fn differences(expected: &[Generation], found: &Found) -> Vec<String> {
    let mut differences = Vec::new();
    for generation in expected {
        let of_generation = |session: &&(Value, Vec<Value>)| {
            generation.expected.iter().any(|expected| session.0["external_id"] == expected.agent_session_id)
        };
        let of_generation: Vec<_> = found.sessions.iter().filter(of_generation).collect();
        let mut sessions: Vec<Session> =
            of_generation.iter().map(|(session, events)| as_recorded(session, events)).collect();
        let mut expected = generation.expected.clone();
        sessions.sort();
        expected.sort();
        let agent = &generation.agent;
        if sessions != expected {
            differences.push(format!("{agent}: expected {expected:?}\n    found {sessions:?}"));
        }
        let duplicates_of = |session: &Value| session["dropped"]["duplicate"].as_u64().unwrap_or_default();
        let duplicates: u64 = of_generation.iter().map(|(session, _)| duplicates_of(session)).sum();
        if duplicates != generation.sent - generation.unique {
            differences.push(format!("{agent}: {duplicates} duplicates in its sessions"));
        }
    }
    let expected: usize = expected.iter().map(|generation| generation.expected.len()).sum();
    if found.sessions.len() != expected {
        differences.push(format!("expected {expected} sessions, found {}", found.sessions.len()));
    }
    let unlike_a_tab = |session: &&Value| session["kind"] != "browser" || session["state"] != "running";
    let unlike_a_tab = found.sessions.iter().map(|(session, _)| session).filter(unlike_a_tab);
    differences.extend(unlike_a_tab.map(|session| format!("no running tab: {session}")));
    differences
}

fn as_recorded(session: &Value, events: &[Value]) -> Session {
    let message = |event: &Value| {
        let sequence = event["sequence"].as_u64().expect("a number");
        (sequence, event["message"].as_str().map(str::to_owned))
    };
    let agent_session_id = session["external_id"].as_str().unwrap_or_default().to_owned();
    Session { agent_session_id, messages: events.iter().map(message).collect() }
}
