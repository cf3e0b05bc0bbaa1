//! What a server holds, in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::Value;

use super::calls::{called_id, is_called};
use super::request::{Message, Request, Sent};

/// Everything a server holds.
pub(super) struct Report {
    /// One text per session and its events, without what depends on the server's clock.
    sessions: Vec<String>,
    /// How often each event's text is found.
    texts: BTreeMap<String, u32>,
    /// What was counted, by name.
    counters: BTreeMap<String, u64>,
    /// Last activity of sessions that are called.
    called: BTreeMap<String, Timestamp>,
    /// Agent id and events of each tab.
    tabs: Vec<Tab>,
    /// The visit of each tab's first event's text.
    visits: BTreeMap<String, String>,
}

/// Agent's id, and number and text of each message in order.
type Tab = (String, Vec<(u64, String)>);

impl Report {
    /// Waits until the sessions have come to rest, then reads everything and checks what has to
    /// hold of any server.
    pub(super) fn of(kymo: &Kymo) -> Self {
        wait_for("every session to end", || {
            (kymo.get("/api/v1/sessions/summary")["running"] == 0).then_some(())
        });
        let mut report = Self {
            sessions: Vec::new(),
            texts: BTreeMap::new(),
            counters: counters(&kymo.get("/api/v1/status")),
            called: BTreeMap::new(),
            tabs: Vec::new(),
            visits: BTreeMap::new(),
        };
        report.add_loose(pages(kymo, "/api/v1/events?project=shop&limit=5000"));
        for mut session in pages(kymo, "/api/v1/sessions?limit=500") {
            let id = session["id"].as_str().expect("an id").to_owned();
            let events = pages(kymo, &format!("/api/v1/sessions/{id}/events?limit=5000"));
            let errors = events.iter().filter(|event| event["kind"] == "error").count();
            assert_eq!(session["event_count"], events.len(), "events of {id}");
            assert_eq!(session["error_count"], errors, "errors of {id}");
            if session["kind"] == "browser" {
                report.add_tab(&session, &events);
            } else {
                check_sequences(&events);
            }
            report.note_call(&session);
            remove_varying(&mut session);
            report.add(&session, events);
        }
        report.sessions.sort_unstable();
        report.tabs.sort_unstable();
        report
    }

    fn add_tab(&mut self, session: &Value, events: &[Value]) {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let message =
            |event: &Value| (event["sequence"].as_u64().expect("a number"), text(&event["message"]));
        let messages: Vec<(u64, String)> = events.iter().map(message).collect();
        self.visits.insert(messages[0].1.clone(), text(&session["visit_id"]));
        self.tabs.push((text(&session["external_id"]), messages));
    }

    fn note_call(&mut self, session: &Value) {
        if let Some(id) = called_id(session) {
            let last = session["last_activity_at"].as_str().and_then(|text| text.parse().ok());
            let last = last.expect("a date");
            assert_eq!(self.called.insert(id.to_owned(), last), None, "{id}: more than one session");
            assert_eq!(
                (&session["state"], &session["end_reason"]),
                (&"ended".into(), &"normal".into()),
                "{id}"
            );
        }
    }

    /// Events of no session: their order of arrival is a race of the connections.
    fn add_loose(&mut self, mut events: Vec<Value>) {
        check_sequences(&events);
        for event in &mut events {
            event["sequence"] = Value::from(0);
        }
        events.sort_by_key(|event| event["message"].to_string());
        self.add(&Value::Null, events);
    }

    fn add(&mut self, session: &Value, mut events: Vec<Value>) {
        for event in &mut events {
            let text = event["message"].as_str().expect("a text").to_owned();
            *self.texts.entry(text).or_default() += 1;
            for varying in ["id", "session_id", "observed_time"] {
                event.as_object_mut().expect("an object").remove(varying);
            }
        }
        self.sessions.push(format!("{session}\n{}", Value::from(events)));
    }

    /// Every event exactly once, tabs as they were, calls not forgotten.
    pub(super) fn check_against(&self, sent: &[Vec<Sent>]) {
        let (mut known, mut absent, mut repeated) = (0, 0, 0);
        for sent in sent.iter().flatten() {
            for text in &sent.ordinary {
                assert_eq!(self.texts.get(text), Some(&1), "{text}");
            }
            if sent.is_repeat {
                repeated += sent.ordinary.len() as u64;
                continue;
            }
            for text in &sent.others {
                assert!(self.texts.get(text).is_none_or(|count| *count == 1), "{text}");
            }
            let others = sent.others.iter().filter(|text| self.texts.contains_key(*text)).count();
            known += sent.ordinary.len() + others;
            absent += (sent.others.len() - others) as u64;
        }
        assert_eq!(known, self.texts.len(), "there are events that nobody sent");
        self.check_counters(known as u64 + absent, repeated);
        self.check_tabs(sent.iter().flatten().flat_map(|sent| &sent.messages));
        self.check_calls(sent.iter().flatten());
    }

    /// `distinct`: all events without what was sent again; `repeated`: those that were answered and
    /// sent again all the same.
    fn check_counters(&self, distinct: u64, repeated: u64) {
        let count = |name: &str| self.counters.get(name).copied().unwrap_or_default();
        // What is absent was dropped by the rules, or is an end whose session is not shown because
        // nothing but that end is known of it.
        let by_rules = count("duplicate_start") + count("heartbeat") + count("late_heartbeat");
        assert_eq!(count("stored"), distinct - by_rules, "{:?}", self.counters);
        assert_eq!(count("accepted"), count("stored") + by_rules + count("duplicate"), "{:?}", self.counters);
        assert!(count("duplicate") >= repeated, "{repeated} repeated: {:?}", self.counters);
        let names: BTreeSet<&str> = self.counters.keys().map(String::as_str).collect();
        let refused = ["too_large", "overload", "unauthorized", "unsupported", "unreadable"];
        assert!(refused.iter().all(|name| !names.contains(name)), "{:?}", self.counters);
    }

    /// One session for each tab, with its messages in the order it wrote them.
    fn check_tabs<'sent>(&self, messages: impl Iterator<Item = &'sent Message>) {
        let mut by_name: BTreeMap<&str, (Tab, Option<&str>)> = BTreeMap::new();
        for message in messages {
            let ((_, told), _) = by_name
                .entry(&message.tab)
                .or_insert_with(|| ((message.agent.clone(), Vec::new()), message.visit.as_deref()));
            told.push((message.sequence, message.text.clone()));
        }
        let mut expected: Vec<Tab> = by_name.values().map(|(tab, _)| tab.clone()).collect();
        expected.sort_unstable();
        for (found, expected) in self.tabs.iter().zip(&expected) {
            assert_eq!(found, expected, "a tab");
        }
        assert_eq!(self.tabs.len(), expected.len(), "tabs");
        for ((_, told), visit) in by_name.values() {
            let found = self.visits.get(&told[0].1).map(String::as_str);
            assert!(visit.is_none() || found == *visit, "visit of {told:?}: {found:?}");
        }
    }

    /// The last activity is not before a call that moved it.
    fn check_calls<'sent>(&self, sent: impl Iterator<Item = &'sent Sent>) {
        for sent in sent {
            if let Request::Call { id, moves: true, close } = &sent.request {
                let last = self.called.get(id);
                assert!(
                    last.is_some_and(|last| *last >= sent.at),
                    "call of {id} (close: {close}) at {} is lost: {last:?}",
                    sent.at
                );
            }
        }
    }

    /// Every session as the other server has it; `self` is of a server that got nothing twice.
    pub(super) fn check_equal(&self, other: &Self) {
        for name in ["stored", "duplicate_start", "heartbeat", "late_heartbeat"] {
            assert_eq!(self.counters.get(name), other.counters.get(name), "{name}");
        }
        assert_eq!(self.counters.get("duplicate"), None);
        for (mine, theirs) in self.sessions.iter().zip(&other.sessions) {
            let same = mine.chars().zip(theirs.chars()).take_while(|(mine, theirs)| mine == theirs).count();
            let from_there =
                |text: &str| text.chars().skip(same.saturating_sub(200)).take(600).collect::<String>();
            assert!(mine == theirs, "quiet:\n{}\nkilled:\n{}", from_there(mine), from_there(theirs));
        }
        assert_eq!(self.sessions.len(), other.sessions.len());
        assert_eq!(self.texts, other.texts);
    }
}

/// What depends on the server's clock, and on which answers got lost.
fn remove_varying(session: &mut Value) {
    let is_called = is_called(session);
    let members = session.as_object_mut().expect("an object");
    for varying in ["id", "clock_skew_seconds"] {
        members.remove(varying);
    }
    if is_called {
        for varying in ["last_activity_at", "ended_at", "duration_seconds"] {
            members.remove(varying);
        }
    }
    members["dropped"].as_object_mut().expect("an object").remove("duplicate");
}

/// From 1 without a gap.
fn check_sequences(events: &[Value]) {
    let mut sequences: Vec<_> = events.iter().filter_map(|event| event["sequence"].as_u64()).collect();
    sequences.sort_unstable();
    assert!(sequences.iter().copied().eq(1..=events.len() as u64), "sequences {sequences:?}");
}

fn counters(status: &Value) -> BTreeMap<String, u64> {
    let number = |value: &Value| value.as_u64().expect("a number");
    let dropped = status["dropped"].as_object().expect("reasons").iter();
    let mut counters: BTreeMap<String, u64> =
        dropped.map(|(name, count)| (name.clone(), number(count))).filter(|(_, count)| *count > 0).collect();
    for name in ["accepted", "stored"] {
        counters.insert(name.to_owned(), number(&status[name]));
    }
    counters
}

/// All pages of a list.
pub(crate) fn pages(kymo: &Kymo, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = String::new();
    loop {
        let mut page = kymo.get(&format!("{path}{next}"));
        items.append(page["items"].as_array_mut().expect("a list"));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={}", cursor.replace('+', "%2B")),
            None => return items,
        }
    }
}
