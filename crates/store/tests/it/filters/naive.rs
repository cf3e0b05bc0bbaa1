//! What a filter means, as plainly as it can be said: every event and every session is looked at.

use std::collections::BTreeMap;
use std::ops::Bound;

use kymo_filter::{EventField, Field, Node, Pattern, Range, SessionField, Term, Test, Words};
use kymo_model::{EndReason, Event, EventKind, SessionState, Timestamp, Value};
use kymo_store::{ProjectPk, StoredEvent};
use kymo_tracker::{SessionKey, SessionRow};

/// An event that was submitted.
#[derive(Clone)]
pub(super) struct Happened {
    pub(super) project: ProjectPk,
    /// Text of the session's key.
    pub(super) key: Option<String>,
    pub(super) event: Event,
}

pub(super) struct Facts<'run> {
    pub(super) names: BTreeMap<ProjectPk, &'static str>,
    pub(super) sessions: &'run [(ProjectPk, SessionRow)],
    /// Each event has its place here as the attribute `number`.
    pub(super) happened: &'run [Happened],
    /// The session of each event.
    owners: Vec<Option<usize>>,
}

/// The event's place in [`Facts::happened`].
pub(super) fn number_of(event: &StoredEvent) -> i64 {
    let json = event.attributes.as_deref().expect("every event has attributes");
    let (_, rest) = json.split_once(r#""number":"#).expect("the attribute number");
    rest.split([',', '}']).next().and_then(|digits| digits.parse().ok()).expect("a number")
}

impl<'run> Facts<'run> {
    pub(super) fn new(
        names: BTreeMap<ProjectPk, &'static str>,
        sessions: &'run [(ProjectPk, SessionRow)],
        happened: &'run [Happened],
    ) -> Self {
        let owner = |one: &Happened| {
            let key = one.key.as_deref()?;
            let is_owner =
                |(project, row): &(ProjectPk, SessionRow)| *project == one.project && row.key.text() == key;
            Some(sessions.iter().position(is_owner).expect("an event's session is listed"))
        };
        Self { names, sessions, happened, owners: happened.iter().map(owner).collect() }
    }

    pub(super) fn session_of(&self, number: i64) -> Option<&'run SessionRow> {
        self.owners[number as usize].map(|at| &self.sessions[at].1)
    }

    pub(super) fn events_where(&self, node: &Node, belongs: impl Fn(i64, &Happened) -> bool) -> Vec<i64> {
        let numbers = 0..self.happened.len() as i64;
        numbers
            .filter(|at| belongs(*at, &self.happened[*at as usize]) && self.event_fits(*at, node))
            .collect()
    }

    /// A query about events.
    fn event_fits(&self, number: i64, node: &Node) -> bool {
        let one = &self.happened[number as usize];
        match node {
            Node::And(nodes) => nodes.iter().all(|node| self.event_fits(number, node)),
            Node::Or(nodes) => nodes.iter().any(|node| self.event_fits(number, node)),
            Node::Not(node) => !self.event_fits(number, node),
            Node::Term(term) => match &term.field {
                Field::Event(field) => event_has(&one.event, field, &term.test),
                Field::Session(field) => self
                    .session_of(number)
                    .is_some_and(|row| self.session_has(one.project, row, field, &term.test)),
            },
        }
    }

    /// A query about sessions.
    pub(super) fn session_fits(&self, project: ProjectPk, row: &SessionRow, node: &Node) -> bool {
        let has_event = |holds: &dyn Fn(i64) -> bool| {
            let mine = |at: &i64| self.session_of(*at).is_some_and(|owner| owner.id == row.id);
            (0..self.happened.len() as i64).filter(mine).any(holds)
        };
        match node {
            Node::And(nodes) => {
                let (parts, others): (Vec<&Node>, Vec<&Node>) = nodes
                    .iter()
                    .partition(|node| matches!(node, Node::Term(_) | Node::Or(_)) && asks_one_event(node));
                others.iter().all(|node| self.session_fits(project, row, node))
                    && (parts.is_empty()
                        || has_event(&|at| parts.iter().all(|node| self.event_fits(at, node))))
            }
            Node::Or(nodes) => nodes.iter().any(|node| self.session_fits(project, row, node)),
            Node::Not(node) => !self.session_fits(project, row, node),
            Node::Term(Term { field: Field::Session(field), test }) => {
                self.session_has(project, row, field, test)
            }
            Node::Term(_) => has_event(&|at| self.event_fits(at, node)),
        }
    }

    fn session_has(&self, project: ProjectPk, row: &SessionRow, field: &SessionField, test: &Test) -> bool {
        let project_name = self.names[&project];
        let ids: Vec<&str> = row.users.iter().filter_map(|span| span.user.id.as_deref()).collect();
        let names: Vec<&str> = row.users.iter().filter_map(|span| span.user.name.as_deref()).collect();
        let property = |name: &str| -> Vec<&str> {
            let mine = row.properties.iter().filter(|property| property.name.to_lowercase() == name);
            mine.flat_map(|property| [property.first.1.as_str(), property.last.1.as_str()]).collect()
        };
        match field {
            SessionField::Id => {
                let own = row.id.to_string();
                let is_own = matches!(test, Test::Matches(pattern) if pattern.whole() == Some(&own));
                let chosen = match &row.key {
                    SessionKey::Identity(_) => None,
                    SessionKey::External(id) | SessionKey::Tab(id) | SessionKey::Process(id) => {
                        Some(id.as_str())
                    }
                };
                *test == Test::Exists || is_own || any_text(chosen, test)
            }
            SessionField::Project => any_text([project_name], test),
            SessionField::Kind => is_word(Some(row.kind.as_str()), test),
            SessionField::State => is_word(Some(row.state().as_str()), test),
            SessionField::EndReason => is_word(
                match row.state() {
                    SessionState::Ended(reason) => Some(EndReason::as_str(reason)),
                    _ => None,
                },
                test,
            ),
            SessionField::User => any_text(ids.into_iter().chain(names), test),
            SessionField::UserId => any_text(ids, test),
            SessionField::UserName => any_text(names, test),
            SessionField::Application => {
                let told = property("service.name");
                any_text(if told.is_empty() { vec![project_name] } else { told }, test)
            }
            SessionField::Duration => {
                in_range(row.last_activity_at.since(row.started_at).as_secs_f64(), test)
            }
            SessionField::Started => in_time(Some(row.started_at), test),
            SessionField::LastActivity => in_time(Some(row.last_activity_at), test),
            SessionField::Ended => in_time(row.end.map(|_| row.last_activity_at), test),
            SessionField::Error => is_flag(row.error_count > 0, test),
            SessionField::Errors => in_range(row.error_count as f64, test),
            SessionField::Events => in_range(row.event_count as f64, test),
            SessionField::Visit => {
                any_text(row.tab.as_ref().and_then(|tab| Some(tab.visit.as_ref()?.id.as_str())), test)
            }
            SessionField::Property(name) => any_text(property(name), test),
        }
    }
}

/// Terms about events and no negation.
fn asks_one_event(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => !nodes.is_empty() && nodes.iter().all(asks_one_event),
        Node::Not(_) => false,
        Node::Term(term) => matches!(term.field, Field::Event(_)),
    }
}

fn event_has(event: &Event, field: &EventField, test: &Test) -> bool {
    let causes = || event.exception.iter().flat_map(kymo_model::Exception::chain);
    let types = || causes().filter_map(|cause| cause.type_name.as_deref());
    let messages = || causes().filter_map(|cause| cause.message.as_deref());
    let (message, category) = (event.body.as_deref(), event.category.as_deref());
    let user = event.user.clone().unwrap_or_default();
    match field {
        EventField::Text => {
            any_text(message.into_iter().chain(category).chain(types()).chain(messages()), test)
        }
        EventField::Time => in_time(Some(event.time), test),
        EventField::Observed => in_time(Some(event.observed_time), test),
        EventField::Severity => match test {
            Test::Severity(from, to) => event.severity >= *from && event.severity <= *to,
            _ => *test == Test::Exists,
        },
        EventField::Kind => any_text([event.kind.as_str()], test),
        EventField::Category => any_text(category, test),
        EventField::Message => any_text(message, test),
        EventField::Exception => any_text(types().chain(messages()), test),
        EventField::ExceptionType => any_text(types(), test),
        EventField::ExceptionMessage => any_text(messages(), test),
        EventField::Reference => any_text(event.reference_id.as_deref(), test),
        EventField::User => any_text(user.id.as_deref().into_iter().chain(user.name.as_deref()), test),
        EventField::UserId => any_text(user.id.as_deref(), test),
        EventField::UserName => any_text(user.name.as_deref(), test),
        EventField::Error => is_flag(event.kind == EventKind::Error || event.exception.is_some(), test),
        // Given by the store; the trees do not ask for it.
        EventField::Sequence => false,
        EventField::Attribute(name) => attribute(event, name).iter().any(|value| value_has(value, test)),
    }
}

/// Values of a name as it is written, or of a name inside a map.
fn attribute(event: &Event, name: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for (key, value) in &event.attributes {
        match value {
            _ if key.to_lowercase() == name => found.push(value.clone()),
            Value::Map(inner) => {
                let named = inner.iter().filter(|(inner, _)| format!("{key}.{inner}").to_lowercase() == name);
                found.extend(named.map(|(_, value)| value.clone()));
            }
            _ => {}
        }
    }
    let mut flat = Vec::new();
    for value in found {
        match value {
            Value::List(values) => flat.extend(values),
            other => flat.push(other),
        }
    }
    flat
}

fn value_has(value: &Value, test: &Test) -> bool {
    match (value, test) {
        (Value::Null, _) => false,
        (_, Test::Exists) => true,
        (Value::Int(number), Test::Number(_)) => in_range(*number as f64, test),
        (Value::Float(number), Test::Number(_)) => in_range(*number, test),
        (Value::Text(text), Test::Number(_)) => text.parse().is_ok_and(|number| in_range(number, test)),
        (value, test) => value.to_scalar_text().is_some_and(|text| any_text([text.as_str()], test)),
    }
}

fn any_text<'text>(texts: impl IntoIterator<Item = &'text str>, test: &Test) -> bool {
    texts.into_iter().any(|text| {
        let text = text.to_lowercase();
        match test {
            Test::Exists => true,
            Test::Words(words) => has_words(&text, words),
            Test::Matches(pattern) => is_like(&text, pattern),
            Test::Contains(part) => text.contains(part.as_str()),
            _ => false,
        }
    })
}

fn has_words(text: &str, wanted: &Words) -> bool {
    let found: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let wanted_words = wanted.words();
    (0..found.len()).any(|start| {
        wanted_words.iter().enumerate().all(|(at, word)| match found.get(start + at) {
            Some(other) if wanted.is_prefix() && at + 1 == wanted_words.len() => {
                other.starts_with(word.as_str())
            }
            Some(other) => other == word,
            None => false,
        })
    })
}

/// Every way to fill the gaps is tried.
fn is_like(text: &str, pattern: &Pattern) -> bool {
    fn rest_is_like(text: &str, pieces: &[String]) -> bool {
        let Some((piece, pieces)) = pieces.split_first() else { return text.is_empty() };
        let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        places
            .into_iter()
            .any(|at| text[at..].strip_prefix(piece.as_str()).is_some_and(|rest| rest_is_like(rest, pieces)))
    }
    let Some((first, rest)) = pattern.pieces().split_first() else { return false };
    text.strip_prefix(first.as_str()).is_some_and(|text| rest_is_like(text, rest))
}

fn is_word(word: Option<&str>, test: &Test) -> bool {
    match test {
        Test::Exists => word.is_some(),
        Test::Word(wanted) => word == Some(wanted),
        _ => false,
    }
}

fn is_flag(flag: bool, test: &Test) -> bool {
    match test {
        Test::Exists => true,
        Test::Flag(wanted) => flag == *wanted,
        _ => false,
    }
}

fn in_range(number: f64, test: &Test) -> bool {
    match test {
        Test::Exists => true,
        Test::Number(Range { from, to }) => {
            !matches!(from, Bound::Included(from) if number < *from)
                && !matches!(from, Bound::Excluded(from) if number <= *from)
                && !matches!(to, Bound::Included(to) if number > *to)
                && !matches!(to, Bound::Excluded(to) if number >= *to)
        }
        _ => false,
    }
}

fn in_time(moment: Option<Timestamp>, test: &Test) -> bool {
    match (moment, test) {
        (None, _) => false,
        (_, Test::Exists) => true,
        (Some(moment), Test::Time { from, to }) => {
            from.is_none_or(|from| moment >= from) && to.is_none_or(|to| moment < to)
        }
        _ => false,
    }
}
