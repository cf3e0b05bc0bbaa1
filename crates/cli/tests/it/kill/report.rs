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
    /// How often each event's text is stored.
    texts: BTreeMap<String, u32>,
}

impl Report {
    /// Waits until the sessions have come to rest, then reads everything and checks what has to
    /// hold of any server.
    pub(super) fn of(kymo: &Kymo) -> Self {
        wait_for("every session to end", || {
            (kymo.get("/api/v1/sessions/summary")["running"] == 0).then_some(())
        });
        let mut report = Self { sessions: Vec::new(), texts: BTreeMap::new() };
        let loose = pages(kymo, "/api/v1/events?project=shop&limit=5000");
        report.add(Value::Null, loose);
        for mut session in pages(kymo, "/api/v1/sessions?limit=500") {
            let id = session["id"].as_str().expect("an id").to_owned();
            let events = pages(kymo, &format!("/api/v1/sessions/{id}/events?limit=5000"));
            let errors = events.iter().filter(|event| event["kind"] == "error").count();
            assert_eq!(session["event_count"], events.len(), "events of {id}");
            assert_eq!(session["error_count"], errors, "errors of {id}");
            for varying in ["id", "clock_skew_seconds"] {
                session.as_object_mut().expect("an object").remove(varying);
            }
            report.add(session, events);
        }
        report.sessions.sort_unstable();
        report.check_counters(&kymo.get("/api/v1/status"));
        report
    }

    fn add(&mut self, session: Value, mut events: Vec<Value>) {
        let mut sequences: Vec<_> = events.iter().filter_map(|event| event["sequence"].as_u64()).collect();
        sequences.sort_unstable();
        assert!(sequences.iter().copied().eq(1..=events.len() as u64), "sequences {sequences:?}");
        for event in &mut events {
            let text = event["message"].as_str().expect("a text").to_owned();
            *self.texts.entry(text).or_default() += 1;
            for varying in ["session_id", "observed_time"] {
                event.as_object_mut().expect("an object").remove(varying);
            }
        }
        self.sessions.push(format!("{session}\n{}", Value::from(events)));
    }

    fn check_counters(&self, status: &Value) {
        let number = |value: &Value| value.as_u64().expect("a number");
        let dropped: u64 = status["dropped"].as_object().expect("reasons").values().map(number).sum();
        let stored: u32 = self.texts.values().sum();
        assert_eq!(number(&status["stored"]), u64::from(stored), "{status}");
        assert_eq!(number(&status["accepted"]), number(&status["stored"]) + dropped, "{status}");
    }

    /// Every event exactly once.
    pub(super) fn check_against(&self, sent: &[Vec<Batch>]) {
        let mut known = 0;
        for batch in sent.iter().flatten() {
            for text in &batch.ordinary {
                assert_eq!(self.texts.get(text), Some(&1), "{text}");
            }
            for text in &batch.others {
                assert!(self.texts.get(text).is_none_or(|count| *count == 1), "{text}");
            }
            known += batch.ordinary.len();
            known += batch.others.iter().filter(|text| self.texts.contains_key(*text)).count();
        }
        assert_eq!(known, self.texts.len(), "there are events that nobody sent");
    }

    /// Every session as the other server has it.
    pub(super) fn check_equal(&self, other: &Self) {
        for (mine, theirs) in self.sessions.iter().zip(&other.sessions) {
            assert!(mine == theirs, "quiet:\n{mine}\nkilled:\n{theirs}");
        }
        assert_eq!(self.sessions.len(), other.sessions.len());
        assert_eq!(self.texts, other.texts);
    }
}

/// All pages of a list.
pub(super) fn pages(kymo: &Kymo, path: &str) -> Vec<Value> {
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
