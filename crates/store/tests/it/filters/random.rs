//! Random events and random trees, of few words, so that they meet.

use std::ops::Bound;
use std::time::Duration;

use kymo_filter::{
    EventField as E, Field, Node, Pattern, Range, SessionField as S, Subject, Term, Test, Words,
};
use kymo_model::{Attributes, Event, EventKind, Exception, Severity, Timestamp, User, Value};
use kymo_store::Item;
use kymo_testkit::Random;
use kymo_tracker::{Incoming, LoadId, Page, Role, SessionKey, Visit};

use crate::stand::BEGIN;

const WORDS: [&str; 10] =
    ["Disk", "ÄRGER", "straße", "日本語", "full", "Time-out", "a\\b\"c", "2.10", "%_!", "[x]*?"];
const VERSIONS: [&str; 4] = ["2.0", "2.1", "12.1", "2.10-rc"];
/// Properties: name as agents write it, values.
const PROPERTIES: [(&str, [&str; 3]); 5] = [
    ("service.version", ["2.0", "2.1", "12.1"]),
    ("service.name", ["Shop App", "shop", "Café [1]"]),
    ("os.name", ["Linux", "WINDOWS", "Ärger OS"]),
    ("Region", ["eu", "us-*", "50%_"]),
    ("my key:\"1\"", ["x", "1", "-5"]),
];
const USERS: [(Option<&str>, Option<&str>); 5] = [
    (Some("ann@example.test"), Some("Ann O'Kafor")),
    (Some("bob"), None),
    (None, Some("ÄNNE 日本語")),
    (Some("--"), None),
    (Some("ann"), Some("Example Test")),
];
const DATES: u64 = 400;

pub(super) struct World {
    pub(super) random: Random,
    messages_of_tabs: [u64; 3],
}

impl World {
    pub(super) fn new(random: Random) -> Self {
        Self { random, messages_of_tabs: [0; 3] }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.below(all.len() as u64) as usize]
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    fn text(&mut self) -> Option<String> {
        let count = self.random.below(4);
        let words: Vec<&str> = (0..count).map(|_| self.one_of(&WORDS)).collect();
        let between = self.one_of(&[" ", "_", " - "]);
        (!self.is(5)).then(|| words.join(between))
    }

    fn date(&mut self) -> Timestamp {
        BEGIN.plus(Duration::from_millis(700) * self.random.below(DATES) as u32)
    }

    pub(super) fn bound(&mut self) -> Option<Timestamp> {
        let date = self.date();
        self.is(4).then_some(date)
    }

    /// An event with its number as an attribute.
    pub(super) fn item(&mut self, number: i64, now: Timestamp) -> Item {
        let event = self.event(number, now);
        let properties = PROPERTIES
            .iter()
            .filter(|_| self.random.below(3) == 0)
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>();
        let properties = properties
            .into_iter()
            .map(|name| {
                let values = PROPERTIES.iter().find(|(known, _)| *known == name).expect("it is one").1;
                let value = self.one_of(&values).to_owned();
                (name, value)
            })
            .collect();
        let (key, page) = match self.random.below(10) {
            0 => (None, None),
            at @ 1..=2 => {
                let tab = at as usize;
                self.messages_of_tabs[tab] += 1;
                let sequence = self.messages_of_tabs[tab];
                // A new page load every twenty messages: each has a stream of its own.
                let load = LoadId::of(Some(&format!("{tab}-{}", sequence / 20)));
                let visit = Visit { id: format!("visit {tab}"), from_cookie: true, seen_at: event.time };
                let page = Page { sequence: Some(sequence), load, visit: Some(visit) };
                (Some(SessionKey::Tab(format!("tab-{tab}"))), Some(page))
            }
            _ => (Some(SessionKey::External(format!("run-{}", self.random.below(6)))), None),
        };
        let role = if page.is_none() && key.is_some() && self.is(40) { Role::End } else { Role::Ordinary };
        let incoming = Incoming { page, properties, ..Incoming::new(key, role, event) };
        Item { incoming, fingerprint: None }
    }

    fn event(&mut self, number: i64, now: Timestamp) -> Event {
        let kind = match self.random.below(5) {
            0 => EventKind::Error,
            1 => EventKind::Other("Tea Time".into()),
            2 => EventKind::Usage,
            _ => EventKind::Log,
        };
        let mut event = Event::new(kind, self.date(), now);
        event.severity = Severity::from_number(1 + self.random.below(24) as u8).expect("1 to 24");
        event.category = self.text();
        event.body = self.text();
        if self.is(4) {
            let inner = self.is(2).then(|| Box::new(self.exception()));
            event.exception = Some(Exception { inner, ..self.exception() });
        }
        if self.is(2) {
            let (id, name) = self.one_of(&USERS);
            event.user = Some(User { id: id.map(str::to_owned), name: name.map(str::to_owned) });
        }
        if self.is(4) {
            event.reference_id = Some(format!("Ref-{}", self.random.below(4)));
        }
        event.attributes.push("number", Value::Int(number));
        if self.is(3) {
            let value = match self.random.below(5) {
                0 => Value::Null,
                1 => Value::Bool(true),
                2 => Value::Int(self.random.below(5) as i64),
                3 => Value::Float(self.random.below(5) as f64 / 2.0),
                _ => Value::Text(self.one_of(&["1", "x", "Ärger\n\"2\"", "2.5"]).to_owned()),
            };
            let mut inner = Attributes::default();
            inner.push("B", value.clone());
            event.attributes.push("a", Value::Map(inner));
            event.attributes.push("Plain", value);
        }
        if self.is(3) {
            let tags =
                (0..self.random.below(3)).map(|_| Value::Text(self.one_of(&WORDS).to_owned())).collect();
            event.attributes.push("@tags", Value::List(tags));
        }
        event
    }

    fn exception(&mut self) -> Exception {
        let type_name = (!self.is(4)).then(|| self.one_of(&["TypeError", "IO.Error", "disk"]).to_owned());
        Exception { type_name, message: self.text(), ..Exception::default() }
    }

    /// Two events of one session: what each has to be, in a group of its own.
    fn two_events(&mut self) -> Node {
        let mut group = || {
            let mut term = || {
                let (field, test) = self.of_event();
                Node::Term(Term { field, test })
            };
            Node::And(vec![term(), term()])
        };
        Node::And(vec![group(), group()])
    }

    pub(super) fn node(&mut self, subject: Subject, depth: u32) -> Node {
        if depth == 0 && self.is(5) {
            return self.two_events();
        }
        match self.random.below(if depth < 3 { 9 } else { 5 }) {
            4 => Node::Not(Box::new(self.node(subject, depth + 1))),
            5 if depth > 0 => Node::EVERYTHING,
            5..=6 => Node::Or(self.nodes(subject, depth)),
            7..=8 => Node::And(self.nodes(subject, depth)),
            _ => Node::Term(self.term(subject)),
        }
    }

    fn nodes(&mut self, subject: Subject, depth: u32) -> Vec<Node> {
        let count = 2 + self.random.below(2);
        (0..count).map(|_| self.node(subject, depth + 1)).collect()
    }

    /// One in three is about the other subject.
    fn term(&mut self, subject: Subject) -> Term {
        let of_session = (subject == Subject::Session) != self.is(3);
        let (field, test) = if of_session { self.of_session() } else { self.of_event() };
        let is_open = self.is(10) && field != Field::Event(E::Text);
        Term { field, test: if is_open { Test::Exists } else { test } }
    }

    fn of_session(&mut self) -> (Field, Test) {
        let (field, test) = match self.random.below(16) {
            0 => (S::Id, self.like(&["run-1", "run-*", "tab-2"])),
            1 => (S::Project, self.like(&["shop", "farm"])),
            2 => (S::Kind, Test::Word(self.one_of(&["user", "browser", "process"]))),
            3 => (S::State, Test::Word(self.one_of(&["running", "ended"]))),
            4 => (S::EndReason, Test::Word(self.one_of(&["normal", "timed_out", "crashed"]))),
            5 => (S::User, self.words(&["Ann", "example test", "O'Kafor", "änne", "bo"])),
            6 => (S::UserId, self.like(&["ann", "Bob", "--"])),
            7 => (S::UserName, self.like(&["Ann O'Kafor", "Änne 日本語"])),
            8 => (S::Application, self.like(&["Shop App", "farm", "café [1]"])),
            9 => (S::Duration, Test::Number(self.range(600.0))),
            10 => (self.one_of(&[S::Started, S::LastActivity, S::Ended].each_ref()).clone(), self.times()),
            11 => (S::Error, Test::Flag(self.is(2))),
            12 => (self.one_of(&[S::Errors, S::Events].each_ref()).clone(), Test::Number(self.range(60.0))),
            13 => (S::Visit, self.like(&["visit 1", "Visit 2"])),
            14 => (S::Property("service.version".into()), self.like(&VERSIONS)),
            _ => {
                let (name, values) = self.one_of(&PROPERTIES);
                (S::Property(name.to_lowercase()), self.like(&values))
            }
        };
        (Field::Session(field), test)
    }

    fn of_event(&mut self) -> (Field, Test) {
        let (field, test) = match self.random.below(17) {
            0..=1 => (E::Text, self.words(&WORDS)),
            2 => (E::Time, self.times()),
            3 => (E::Observed, self.times()),
            4..=5 => {
                let from = 1 + self.random.below(24) as u8;
                let to = from + self.random.below(u64::from(25 - from)) as u8;
                let number = |number| Severity::from_number(number).expect("1 to 24");
                (E::Severity, Test::Severity(number(from), number(to)))
            }
            6 => (E::Kind, self.like(&["tea time", "error", "log"])),
            7 => (E::Category, self.like(&WORDS)),
            8 => (E::Message, self.words(&WORDS)),
            9 => (self.one_of(&[E::Exception, E::ExceptionMessage].each_ref()).clone(), self.words(&WORDS)),
            10 => (E::ExceptionType, self.like(&["TypeError", "IO.error"])),
            11 => (E::Reference, self.like(&["ref-1", "REF-2"])),
            12 => (E::User, self.words(&["Ann", "example test", "o kafor"])),
            13 => (
                self.one_of(&[E::UserId, E::UserName].each_ref()).clone(),
                self.like(&["bob", "Ann O'Kafor"]),
            ),
            14 => (E::Error, Test::Flag(self.is(2))),
            15 => (E::Attribute("@tags".into()), self.like(&WORDS)),
            _ => {
                let name = self.one_of(&["plain", "a.b"]).to_owned();
                let test = if self.is(2) {
                    Test::Number(self.range(3.0))
                } else {
                    self.like(&["1", "true", "ärger\n\"2\"", "0.5"])
                };
                (E::Attribute(name), test)
            }
        };
        (Field::Event(field), test)
    }

    /// A whole text, one with gaps, or a part.
    fn like(&mut self, texts: &[&str]) -> Test {
        let text = self.one_of(texts);
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let (begin, end) = text.split_at(middle);
        match self.random.below(6) {
            0 => Test::Contains(if end.is_empty() { text } else { end }.to_lowercase()),
            1 => Test::Matches(Pattern::new([begin, ""])).or_whole(text),
            2 => Test::Matches(Pattern::new(["", end])).or_whole(text),
            3 => Test::Matches(Pattern::new([begin, end])).or_whole(text),
            _ => Test::Matches(Pattern::new([text])),
        }
    }

    fn words(&mut self, texts: &[&str]) -> Test {
        let (one, other) = (self.one_of(texts), self.one_of(texts));
        let text = if self.is(3) { format!("{one} {other}") } else { one.to_owned() };
        if self.is(4) {
            return Test::Contains(text.to_lowercase());
        }
        let is_prefix = self.is(3);
        Words::of(&text, is_prefix).map_or_else(|| Test::Contains(text.to_lowercase()), Test::Words)
    }

    fn range(&mut self, most: f64) -> Range<f64> {
        let from = (self.random.below(1000) as f64 / 1000.0 * most).round();
        let to = from + 1.0 + (self.random.below(1000) as f64 / 1000.0 * most).round();
        let mut bound = |number| match self.random.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(number),
            _ => Bound::Excluded(number),
        };
        Range { from: bound(from), to: bound(to) }
    }

    fn times(&mut self) -> Test {
        let (one, other) = (self.date(), self.date());
        let (from, to) = (one.min(other), one.max(other).plus(Duration::from_nanos(1)));
        Test::Time { from: (!self.is(3)).then_some(from), to: (!self.is(3)).then_some(to) }
    }
}

/// A gap alone is no pattern: the parser reads it as "there".
trait OrWhole {
    fn or_whole(self, text: &str) -> Self;
}

impl OrWhole for Test {
    fn or_whole(self, text: &str) -> Self {
        match self {
            Self::Matches(pattern) if pattern.pieces().iter().all(String::is_empty) => {
                Self::Matches(Pattern::new([text]))
            }
            other => other,
        }
    }
}
