//! What a server holds, in a form that can be compared.

use std::collections::BTreeMap;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::Value;

use super::load::Batch;

/// Everything a server holds.
pub(super) struct Report {
    /// One text per session and its events, without what depends on the server's clock.
    sessions: Vec<String>,
    /// How often each event's text is found.
    texts: BTreeMap<String, u32>,
    /// What was counted, by name.
    counters: BTreeMap<String, u64>,
}

impl Report {
    /// Waits until the sessions have come to rest, then reads everything and checks what has to
    /// hold of any server.
    pub(super) fn of(kymo: &Kymo) -> Self {
        wait_for("every session to end", || {
            (kymo.get("/api/v1/sessions/summary")["running"] == 0).then_some(())
        });
        let counters = counters(&kymo.get("/api/v1/status"));
        let mut report = Self { sessions: Vec::new(), texts: BTreeMap::new(), counters };
        report.add_loose(pages(kymo, "/api/v1/events?project=shop&limit=5000"));
        for mut session in pages(kymo, "/api/v1/sessions?limit=500") {
            let id = session["id"].as_str().expect("an id").to_owned();
            let events = pages(kymo, &format!("/api/v1/sessions/{id}/events?limit=5000"));
            let errors = events.iter().filter(|event| event["kind"] == "error").count();
            assert_eq!(session["event_count"], events.len(), "events of {id}");
            assert_eq!(session["error_count"], errors, "errors of {id}");
            check_sequences(&events);
            for varying in ["id", "clock_skew_seconds"] {
                session.as_object_mut().expect("an object").remove(varying);
            }
            report.add(&session, events);
        }
        report.sessions.sort_unstable();
        report
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
            for varying in ["session_id", "observed_time"] {
                event.as_object_mut().expect("an object").remove(varying);
            }
        }
        self.sessions.push(format!("{session}\n{}", Value::from(events)));
    }

    /// Every event exactly once.
    pub(super) fn check_against(&self, sent: &[Vec<Batch>]) {
        let (mut known, mut absent) = (0, 0);
        for batch in sent.iter().flatten() {
            for text in &batch.ordinary {
                assert_eq!(self.texts.get(text), Some(&1), "{text}");
            }
            for text in &batch.others {
                assert!(self.texts.get(text).is_none_or(|count| *count == 1), "{text}");
            }
            let others = batch.others.iter().filter(|text| self.texts.contains_key(*text)).count();
            known += batch.ordinary.len() + others;
            absent += (batch.others.len() - others) as u64;
        }
        assert_eq!(known, self.texts.len(), "there are events that nobody sent");
        // What is absent was dropped by the rules, or is an end whose session is not shown because
        // nothing but that end is known of it.
        let count = |name: &str| self.counters.get(name).copied().unwrap_or_default();
        let by_rules = count("duplicate_start") + count("heartbeat") + count("late_heartbeat");
        assert_eq!(count("stored"), known as u64 + absent - by_rules, "{:?}", self.counters);
        assert_eq!(count("accepted"), count("stored") + by_rules + count("duplicate"), "{:?}", self.counters);
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
