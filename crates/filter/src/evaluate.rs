//! Whether a filter fits an event or a session that is in memory: for readers that have no store.
//!
//! The same as the store finds in columns and SQL; a test of the store holds both against a naive evaluator.

use std::ops::Bound;

use kymo_model::{Attributes, EndReason, Event, Exception, SessionId, SessionKind, Severity, Timestamp};
use kymo_model::{User, Value};

use crate::field::{EventField, Field, SessionField, Subject};
use crate::query::{Node, Test};
use crate::text::{contains, fold};

/// An event as a filter looks at it: what is cheap to know is asked for first, the whole only where it is needed.
pub trait EventFacts {
    /// When it happened.
    fn time(&self) -> Timestamp;
    /// How bad it is.
    fn severity(&self) -> Severity;
    /// Its place in the session.
    fn sequence(&self) -> u64;
    /// All of it.
    fn event(&self) -> &Event;
}

/// What a filter looks at of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionFacts {
    /// Our id.
    pub id: Option<SessionId>,
    /// The id that its agent chose.
    pub external_id: Option<String>,
    /// Id and name of its project.
    pub project: Vec<String>,
    /// What it stands for.
    pub kind: SessionKind,
    /// How it ended; `None`: it runs.
    pub end: Option<EndReason>,
    /// Its users.
    pub users: Vec<User>,
    /// What stands for the application where no property `service.name` says it.
    pub application: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last active.
    pub last_activity_at: Timestamp,
    /// How many events it has.
    pub event_count: u64,
    /// How many of them are errors.
    pub error_count: u64,
    /// The visit it is part of.
    pub visit_id: Option<String>,
    /// Name and values (the first and the last) of its properties.
    pub properties: Vec<(String, Vec<String>)>,
}

/// Whether a filter of events fits one. An event without session fits no term about sessions.
pub fn event_fits(node: &Node, event: &dyn EventFacts, session: Option<&SessionFacts>) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().all(|node| event_fits(node, event, session)),
        Node::Or(nodes) => nodes.iter().any(|node| event_fits(node, event, session)),
        Node::Not(node) => !event_fits(node, event, session),
        Node::Term(term) => match &term.field {
            Field::Event(field) => event_has(event, field, &term.test),
            Field::Session(field) => session.is_some_and(|session| session_has(session, field, &term.test)),
        },
    }
}

/// Whether a filter of sessions fits one. `has_event` says whether the session has an event that fits all of these
/// nodes at once, by [`event_fits`]; it is asked once for each group of terms about events.
pub fn session_fits(
    node: &Node,
    session: &SessionFacts,
    has_event: &mut dyn FnMut(&[&Node]) -> bool,
) -> bool {
    match node {
        Node::And(nodes) => {
            // A group in parentheses is about an event of its own.
            let is_part = |node: &&Node| describes_event(node) && !matches!(node, Node::And(_));
            let (parts, others): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(is_part);
            others.into_iter().all(|node| session_fits(node, session, has_event))
                && (parts.is_empty() || has_event(&parts))
        }
        Node::Or(_) if describes_event(node) => has_event(&[node]),
        Node::Or(nodes) => nodes.iter().any(|node| session_fits(node, session, has_event)),
        Node::Not(node) => !session_fits(node, session, has_event),
        Node::Term(term) => match &term.field {
            Field::Session(field) => session_has(session, field, &term.test),
            Field::Event(_) => has_event(&[node]),
        },
    }
}

/// Only terms about events, and no negation: what can be asked of one event.
fn describes_event(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => !nodes.is_empty() && nodes.iter().all(describes_event),
        Node::Not(_) => false,
        Node::Term(term) => term.field.subject() == Subject::Event,
    }
}

fn event_has(facts: &dyn EventFacts, field: &EventField, test: &Test) -> bool {
    // What needs no text is decided before one is made.
    match (field, test) {
        (_, Test::Exists) => {}
        (EventField::Severity, Test::Severity(from, to)) => {
            return (*from..=*to).contains(&facts.severity());
        }
        (EventField::Time, test) => return holds_of_moment(facts.time(), test),
        (EventField::Sequence, Test::Number(range)) => return range.contains(facts.sequence() as f64),
        _ => {}
    }
    let event = facts.event();
    let text = |text: &Option<String>| text.as_deref().is_some_and(|text| holds_of_text(text, test));
    let user = |part: fn(&User) -> &Option<String>| event.user.as_ref().is_some_and(|user| text(part(user)));
    match field {
        EventField::Text => {
            text(&event.body) || text(&event.category) || exception_has(event, test, Texts::both)
        }
        EventField::Time | EventField::Severity | EventField::Sequence => *test == Test::Exists,
        EventField::Observed => holds_of_moment(event.observed_time, test),
        EventField::Kind => holds_of_text(event.kind.as_str(), test),
        EventField::Category => text(&event.category),
        EventField::Message => text(&event.body),
        EventField::Exception => exception_has(event, test, Texts::both),
        EventField::ExceptionType => exception_has(event, test, |cause| [cause.type_name.as_deref(), None]),
        EventField::ExceptionMessage => exception_has(event, test, |cause| [cause.message.as_deref(), None]),
        EventField::Reference => text(&event.reference_id),
        EventField::User => user(|user| &user.id) || user(|user| &user.name),
        EventField::UserId => user(|user| &user.id),
        EventField::UserName => user(|user| &user.name),
        EventField::Error => *test == Test::Exists || *test == Test::Flag(event.is_error()),
        EventField::Attribute(name) => any_named(&event.attributes, name, &|value| match value {
            Value::List(values) => values.iter().any(|value| holds_of_value(value, test)),
            value => holds_of_value(value, test),
        }),
    }
}

trait Texts {
    fn both(&self) -> [Option<&str>; 2];
}

impl Texts for Exception {
    fn both(&self) -> [Option<&str>; 2] {
        [self.type_name.as_deref(), self.message.as_deref()]
    }
}

fn exception_has(event: &Event, test: &Test, texts: impl Fn(&Exception) -> [Option<&str>; 2]) -> bool {
    let causes = event.exception.iter().flat_map(Exception::chain);
    causes.into_iter().any(|cause| texts(cause).into_iter().flatten().any(|text| holds_of_text(text, test)))
}

fn session_has(session: &SessionFacts, field: &SessionField, test: &Test) -> bool {
    let any = |mut texts: &mut dyn Iterator<Item = &str>| {
        Iterator::any(&mut texts, |text| holds_of_text(text, test))
    };
    let exists = *test == Test::Exists;
    match field {
        SessionField::Id => {
            let is_own = matches!(test, Test::Matches(pattern)
                if pattern.whole().and_then(|id| id.parse().ok()) == session.id && session.id.is_some());
            exists || is_own || any(&mut session.external_id.iter().map(String::as_str))
        }
        SessionField::Project => any(&mut session.project.iter().map(String::as_str)),
        SessionField::Kind => exists || *test == Test::Word(session.kind.as_str()),
        SessionField::State => {
            exists || *test == Test::Word(if session.end.is_some() { "ended" } else { "running" })
        }
        SessionField::EndReason => {
            session.end.is_some_and(|reason| exists || *test == Test::Word(reason.as_str()))
        }
        SessionField::User => {
            let texts = session.users.iter().flat_map(|user| [user.id.as_deref(), user.name.as_deref()]);
            any(&mut texts.flatten())
        }
        SessionField::UserId => any(&mut session.users.iter().filter_map(|user| user.id.as_deref())),
        SessionField::UserName => any(&mut session.users.iter().filter_map(|user| user.name.as_deref())),
        SessionField::Application => {
            let told: Vec<&str> = session.property("service.name").collect();
            let stands_in = session.application.as_deref().filter(|_| told.is_empty());
            any(&mut told.into_iter().chain(stands_in))
        }
        SessionField::Duration => duration_fits(session, test),
        SessionField::Started => holds_of_moment(session.started_at, test),
        SessionField::LastActivity => holds_of_moment(session.last_activity_at, test),
        SessionField::Ended => session.end.is_some() && holds_of_moment(session.last_activity_at, test),
        SessionField::Error => exists || *test == Test::Flag(session.error_count > 0),
        SessionField::Errors => holds_of_number(session.error_count as f64, test),
        SessionField::Events => holds_of_number(session.event_count as f64, test),
        SessionField::Visit => any(&mut session.visit_id.iter().map(String::as_str)),
        SessionField::Property(name) => any(&mut session.property(name)),
    }
}

impl SessionFacts {
    /// Values of the property of that (folded) name.
    fn property<'facts>(&'facts self, name: &'facts str) -> impl Iterator<Item = &'facts str> {
        let named = self.properties.iter().filter(move |(key, _)| fold(key) == name);
        named.flat_map(|(_, values)| values.iter().map(String::as_str))
    }
}

/// To the nanosecond, as durations are kept.
fn duration_fits(session: &SessionFacts, test: &Test) -> bool {
    let Test::Number(range) = test else { return *test == Test::Exists };
    let found = session.last_activity_at.since(session.started_at).as_nanos();
    let nanos = |seconds: f64| (seconds * 1e9).round() as i128;
    let found = i128::try_from(found).unwrap_or(i128::MAX);
    let above = match range.from {
        Bound::Included(from) => found >= nanos(from),
        Bound::Excluded(from) => found > nanos(from),
        Bound::Unbounded => true,
    };
    above
        && match range.to {
            Bound::Included(to) => found <= nanos(to),
            Bound::Excluded(to) => found < nanos(to),
            Bound::Unbounded => true,
        }
}

/// Whether a test of texts holds of one.
pub fn holds_of_text(text: &str, test: &Test) -> bool {
    match test {
        Test::Exists => true,
        Test::Words(words) => words.matches(text),
        Test::Matches(pattern) => pattern.matches(text),
        Test::Contains(part) => contains(text, part),
        _ => false,
    }
}

fn holds_of_number(number: f64, test: &Test) -> bool {
    match test {
        Test::Number(range) => range.contains(number),
        _ => *test == Test::Exists,
    }
}

fn holds_of_moment(moment: Timestamp, test: &Test) -> bool {
    match test {
        Test::Time { from, to } => from.is_none_or(|from| moment >= from) && to.is_none_or(|to| moment < to),
        _ => *test == Test::Exists,
    }
}

/// Whether a test holds of an attribute's value; lists are the caller's.
pub fn holds_of_value(value: &Value, test: &Test) -> bool {
    match (test, value) {
        (_, Value::Null) => false,
        (Test::Exists, _) => true,
        (Test::Number(range), Value::Int(number)) => range.contains(*number as f64),
        (Test::Number(range), Value::Float(number)) => range.contains(*number),
        (Test::Number(range), Value::Text(text)) => {
            text.parse().is_ok_and(|number: f64| range.contains(number))
        }
        (Test::Number(_), _) => false,
        _ => value.to_scalar_text().is_some_and(|text| holds_of_text(&text, test)),
    }
}

/// Whether `holds` of any value of that (folded) name; a point leads into a map.
pub fn any_named(attributes: &Attributes, name: &str, holds: &dyn Fn(&Value) -> bool) -> bool {
    attributes.iter().any(|(key, value)| {
        let key = fold(key);
        if key == name {
            return holds(value);
        }
        match (value, name.strip_prefix(&key).and_then(|rest| rest.strip_prefix('.'))) {
            (Value::Map(inner), Some(rest)) => any_named(inner, rest, holds),
            _ => false,
        }
    })
}
