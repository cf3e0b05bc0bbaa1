//! Tabs: one agent id, its page loads, and tabs that bear the same id.

use std::collections::{BTreeMap, BTreeSet};

use kymo_model::{DropReason, EndReason, Event, EventKind, Kymogram, SessionId, SessionKind, SessionState};
use proptest::collection::vec;
use proptest::prelude::*;

use super::notation::at;
use crate::key::SessionKey;
use crate::row::SessionRow;
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Page, Role, Rows};
use crate::tab::{LOADS_MAX, LoadId, Visit};

/// Message `number` of a page load, a second after the one before.
fn message(load: &str, number: u64) -> Incoming {
    let time = at(number as f64);
    let kind = if number.is_multiple_of(7) { EventKind::Error } else { EventKind::Log };
    let mut event = Event::new(kind, time, time);
    event.body = Some(format!("{load}{number}"));
    let visit = Visit { id: format!("visit of {load}"), from_cookie: false, seen_at: time };
    let page = Page {
        sequence: Some(number),
        load: LoadId::of((load != "-").then_some(load)),
        visit: (load != "-").then_some(visit),
    };
    let key = Some(SessionKey::Tab("agent".into()));
    Incoming { page: Some(page), ..Incoming::new(key, Role::Ordinary, event) }
}

/// `A1 A2 | B3`: messages in batches.
fn batches(script: &str) -> Vec<Vec<Incoming>> {
    let item = |word: &str| message(&word[..1], word[1..].parse().unwrap());
    script.split('|').map(|batch| batch.split_whitespace().map(item).collect()).collect()
}

/// Sessions with what is stored in them.
#[derive(Default)]
struct Seen {
    rows: Rows,
    /// Numbers and messages by stream.
    stored: BTreeMap<SessionId, Vec<(u64, Event)>>,
    arrival: u64,
}

impl Seen {
    fn take(&mut self, mut batch: Vec<Incoming>) -> Vec<Applied> {
        for incoming in &mut batch {
            self.arrival += 1;
            incoming.arrival = self.arrival;
        }
        self.rows.touched.clear();
        let before = self.rows.sessions.clone();
        let applied = step::step(&mut self.rows, &batch, at(1000.0), &Rules::default());
        for (id, row) in &self.rows.sessions {
            // The store writes only what is listed.
            let is_listed = self.rows.touched.contains(id);
            assert!(is_listed || before.get(id) == Some(row), "{id} changed and is not listed");
        }
        for (incoming, applied) in batch.into_iter().zip(&applied) {
            if let Applied::Stored { stream: Some(stream), sequence, .. } = *applied {
                self.stored.entry(stream).or_default().push((sequence, incoming.event));
            }
        }
        applied
    }

    fn of(script: &str) -> Self {
        let mut seen = Self::default();
        for batch in batches(script) {
            seen.take(batch);
        }
        seen
    }

    fn session_of(&self, stream: SessionId) -> SessionId {
        let told = self.rows.streams.iter().rev().find(|(told, _)| *told == stream);
        told.map_or(stream, |(_, session)| *session)
    }

    /// Messages of a session in the order of their numbers.
    fn events(&self, session: SessionId) -> Vec<&(u64, Event)> {
        let streams = self.stored.iter().filter(|(stream, _)| self.session_of(**stream) == session);
        let mut events: Vec<&(u64, Event)> = streams.flat_map(|(_, events)| events).collect();
        events.sort_by_key(|(number, _)| *number);
        events
    }

    /// `1A1 2A2`: number, message; sessions in order of their text.
    fn outcome(&self) -> Vec<String> {
        let text = |row: &SessionRow| {
            let events = self.events(row.id);
            let words =
                events.iter().map(|(number, event)| format!("{number}{}", event.body.as_ref().unwrap()));
            words.collect::<Vec<_>>().join(" ")
        };
        let mut all: Vec<String> = self.rows.sessions.values().map(text).collect();
        all.sort_unstable();
        all
    }

    /// The rows say what their events come to.
    fn check(&self) {
        let mut count = 0;
        for row in self.rows.sessions.values() {
            let events = self.events(row.id);
            count += events.len();
            let mut kymogram = Kymogram::default();
            for (_, event) in &events {
                kymogram.add(event.time, event.severity);
            }
            assert_eq!(row.event_count, events.len() as u64);
            assert_eq!(row.error_count, events.iter().filter(|(_, event)| event.is_error()).count() as u64);
            assert_eq!(Some(row.started_at), events.iter().map(|(_, event)| event.time).min());
            assert_eq!(Some(row.last_activity_at), events.iter().map(|(_, event)| event.time).max());
            assert_eq!(row.kymogram, kymogram);
            let numbers: BTreeSet<u64> = events.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers.len(), events.len(), "a number twice in one session");
            assert!(row.next_sequence > *numbers.last().unwrap());
            assert_eq!((row.kind, row.visible), (SessionKind::Browser, true));
        }
        assert_eq!(count, self.stored.values().map(Vec::len).sum::<usize>(), "events in no session");
    }
}

#[test]
fn tabs_with_one_agent_id() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("one page", "A1 A2 | A3", &["1A1 2A2 3A3"]),
        ("a reload goes on", "A1 A2 | B3 B4 | C5", &["1A1 2A2 3B3 4B4 5C5"]),
        ("late and out of order", "A3 | A1 | B4 | A2", &["1A1 2A2 3A3 4B4"]),
        ("both go on, one after the other", "A1 | A2 A3 | B2 B3", &["1A1 2A2 3A3", "2B2 3B3"]),
        ("both go on, told at once", "A1 A2 A3 B2 B3", &["1A1 2A2 3A3", "2B2 3B3"]),
        ("the opened tab is heard first", "A1 | B2 B3 | A2", &["1A1 2A2", "2B2 3B3"]),
        ("and was loaded again before", "A1 | B2 B3 | C4 | A2", &["1A1 2A2", "2B2 3B3 4C4"]),
        ("the opened tab is all that was heard", "B2 B3 | A1 | A2", &["1A1 2A2", "2B2 3B3"]),
        ("it is loaded again afterwards", "A1 A2 | B2 B3 | C4", &["1A1 2A2", "2B2 3B3 4C4"]),
        ("the opener is loaded again", "A1 A2 A3 | B2 | C4", &["1A1 2A2 3A3 4C4", "2B2"]),
        ("two opened tabs", "A1 | B2 | C2 | A2", &["1A1 2A2", "2B2", "2C2"]),
        ("opened from an opened tab", "A1 A2 | B2 B3 B4 | B5 | C5", &["1A1 2A2", "2B2 3B3 4B4 5B5", "5C5"]),
        ("messages without a page load", "-1 -2 | A3 | -4", &["1-1 2-2 3A3 4-4"]),
        ("a number again, no page load to tell", "-1 -2 | -2", &["1-1 2-2 3-2"]),
        ("a number again in one page load", "A1 A2 | A2", &["1A1 2A2 3A2"]),
        ("storage refused: counts from 0", "A0 A1", &["0A0 1A1"]),
    ];
    for (name, script, expected) in rows {
        let seen = Seen::of(script);
        assert_eq!(seen.outcome(), *expected, "{name}");
        seen.check();
    }
}

#[test]
fn tabs_of_one_page_are_one_visit() {
    for script in ["A1 | B2 | A2 | C3", "A1 A2 A3 | B2 | C2"] {
        let seen = Seen::of(script);
        let tabs = seen.rows.sessions.values().map(|row| row.tab.as_ref().unwrap());
        let visits: BTreeSet<&str> = tabs.map(|tab| tab.visit.as_ref().unwrap().id.as_str()).collect();
        assert_eq!(visits, ["visit of A"].into(), "{script}");
    }
}

#[test]
fn silence_ends_a_tab_until_something_newer_comes() {
    let mut seen = Seen::of("A1 A2");
    let state = |seen: &Seen| seen.rows.sessions.values().next().unwrap().state();
    let rules = Rules::default();
    step::close_idle(&mut seen.rows, at(2.0 + 29.9 * 60.0), &rules);
    assert_eq!(state(&seen), SessionState::Running);
    step::close_idle(&mut seen.rows, at(2.0 + 30.0 * 60.0), &rules);
    assert_eq!(state(&seen), SessionState::Ended(EndReason::TimedOut));
    let late = Incoming { arrival: 9, ..message("A", 0) };
    step::step(&mut seen.rows, &[late], at(5000.0), &rules);
    assert_eq!(state(&seen), SessionState::Ended(EndReason::TimedOut), "an old message is no sign of life");
    step::step(&mut seen.rows, &[message("A", 3)], at(5000.0), &rules);
    assert_eq!(state(&seen), SessionState::Running);
    assert_eq!(seen.rows.sessions.values().next().unwrap().event_count, 4);
}

#[test]
fn repeats_are_told_to_their_session() {
    let mut seen = Seen::of("A1 A2 | B2");
    let repeat = |load, number| Incoming { is_repeat: true, ..message(load, number) };
    let applied = seen.take(vec![repeat("B", 2), repeat("A", 2), repeat("A", 1)]);
    assert!(applied.iter().all(|applied| matches!(
        applied,
        Applied::Dropped { reason: DropReason::Duplicate, session: Some(_) }
    )));
    let counts: Vec<(u64, Option<&u64>)> = seen
        .rows
        .sessions
        .values()
        .map(|row| (row.event_count, row.dropped.get(&DropReason::Duplicate)))
        .collect();
    assert_eq!(BTreeSet::from_iter(counts), [(1, Some(&1)), (2, Some(&2))].into());
    seen.check();
    // Of a session nobody knows any more: counted, and none is made.
    let mut empty = Seen::default();
    let applied = empty.take(vec![repeat("A", 1)]);
    assert_eq!(applied, [Applied::Dropped { reason: DropReason::Duplicate, session: None }]);
    assert!(empty.rows.sessions.is_empty());
}

#[test]
fn old_page_loads_stay_where_they_are() {
    let loads = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    assert!(loads.len() > LOADS_MAX * 3);
    let mut seen = Seen::default();
    for (letter, number) in loads.chars().zip(1..) {
        seen.take(vec![message(&letter.to_string(), number)]);
    }
    assert_eq!(seen.rows.sessions.len(), 1);
    // B is too long ago to be taken out; A's message goes to the end.
    seen.take(vec![message("A", 2)]);
    assert_eq!(seen.rows.sessions.len(), 1);
    // Y is not.
    seen.take(vec![message("A", 25)]);
    assert_eq!(seen.rows.sessions.len(), 2);
    seen.check();
}

/// What happens to an agent id: a message, a reload, a tab opened from a page.
#[derive(Clone, Debug)]
enum Act {
    Say(usize),
    Reload(usize),
    Open(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..4usize, 0..12u8).prop_map(|(tab, what)| match what {
        0 => Act::Reload(tab),
        1 => Act::Open(tab),
        _ => Act::Say(tab),
    });
    vec(act, 1..80)
}

/// The messages, in the order they were said.
fn play(acts: &[Act]) -> Vec<Incoming> {
    // Of each tab: its page load, its last number.
    let mut tabs = vec![(0, 0u64)];
    let mut loads = 0;
    let mut said = Vec::new();
    for act in acts {
        let (Act::Say(tab) | Act::Reload(tab) | Act::Open(tab)) = *act;
        let tab = tab % tabs.len();
        match act {
            Act::Say(_) => {
                tabs[tab].1 += 1;
                said.push(message(&format!("load {} ", tabs[tab].0), tabs[tab].1));
            }
            Act::Reload(_) => {
                loads += 1;
                tabs[tab].0 = loads;
            }
            Act::Open(_) => {
                loads += 1;
                tabs.push((loads, tabs[tab].1));
            }
        }
    }
    said
}

proptest! {
    #![proptest_config(super::properties::config(2000))]

    /// Two tabs that both go on: whatever comes first, each has its own session.
    #[test]
    fn two_tabs_in_any_order(
        (before, opener, opened) in (1..6u64, 1..20u64, 1..20u64),
        order in vec(any::<u32>(), 50),
        sizes in vec(1..9usize, 1..6),
    ) {
        let said = (1..=before + opener).map(|n| message("A", n));
        let mut history: Vec<(u32, Incoming)> =
            order.iter().cycle().copied().zip(said.chain((before + 1..=before + opened).map(|n| message("B", n)))).collect();
        history.sort_by_key(|(key, _)| *key);
        let mut rest: Vec<Incoming> = history.into_iter().map(|(_, incoming)| incoming).collect();
        let mut seen = Seen::default();
        for size in sizes.iter().cycle() {
            let later = rest.split_off((*size).min(rest.len()));
            seen.take(rest);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        seen.check();
        let words = |load: &str, numbers: std::ops::RangeInclusive<u64>| {
            numbers.map(|n| format!("{n}{load}{n}")).collect::<Vec<_>>().join(" ")
        };
        let mut expected = vec![words("A", 1..=before + opener), words("B", before + 1..=before + opened)];
        expected.sort_unstable();
        prop_assert_eq!(seen.outcome(), expected);
    }

    /// Any tabs, reloads and orders: every event is in one session, rows say what their events come
    /// to, a page load is never in two sessions.
    #[test]
    fn rows_and_events_agree(
        acts in acts(),
        order in vec(0..6usize, 100),
        sizes in vec(1..9usize, 1..6),
    ) {
        let mut late: Vec<(usize, Incoming)> =
            play(&acts).into_iter().enumerate().map(|(at, said)| (at + order[at % order.len()], said)).collect();
        late.sort_by_key(|(at, _)| *at);
        let mut rest: Vec<Incoming> = late.into_iter().map(|(_, incoming)| incoming).collect();
        let mut seen = Seen::default();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let later = rest.split_off((*size).min(rest.len()));
            seen.take(rest);
            rest = later;
        }
        seen.check();
    }
}
