//! A query taken apart: what the catalog answers, and what a scan of events does.
//!
//! In a query about sessions, the positive event-level terms that stand beside each other describe one
//! event, which the session must have; they become one [`RowPlan`], and the scan says which sessions
//! have such an event. In a query about events, what it says about sessions is asked of the catalog, and
//! the scan looks whether an event's session is among the answer.

use kymo_filter::{EventField, Field, Node, SessionField, Subject, Test};
use kymo_model::Timestamp;

/// Conditions on a session row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SessionPlan {
    And(Vec<SessionPlan>),
    Or(Vec<SessionPlan>),
    Not(Box<SessionPlan>),
    Term(SessionField, Test),
    /// It has an event that fits the row plan of that number.
    Having(usize),
}

/// Conditions on an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RowPlan {
    And(Vec<RowPlan>),
    Or(Vec<RowPlan>),
    Not(Box<RowPlan>),
    Term(EventField, Test),
    /// It belongs to a session of the set of that number.
    InSessions(usize),
}

/// A query about sessions: its plan, and the events it asks for.
pub(crate) fn of_sessions(root: &Node) -> (SessionPlan, Vec<RowPlan>) {
    let mut wanted = Vec::new();
    (session_plan(root, &mut wanted), wanted)
}

/// A query about events: its plan, and the sets of sessions it asks for.
pub(crate) fn of_events(root: &Node) -> (RowPlan, Vec<SessionPlan>) {
    let mut sets = Vec::new();
    (row_plan(root, &mut sets), sets)
}

/// Only terms about events, and no negation: what can be asked of one event.
fn describes_event(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => !nodes.is_empty() && nodes.iter().all(describes_event),
        Node::Not(_) => false,
        Node::Term(term) => term.field.subject() == Subject::Event,
    }
}

fn session_plan(node: &Node, wanted: &mut Vec<RowPlan>) -> SessionPlan {
    let mut having = |rows: RowPlan| {
        wanted.push(rows);
        SessionPlan::Having(wanted.len() - 1)
    };
    match node {
        Node::And(nodes) => {
            // A group in parentheses is about an event of its own.
            let is_part = |node: &&Node| describes_event(node) && !matches!(node, Node::And(_));
            let parts: Vec<RowPlan> =
                nodes.iter().filter(is_part).map(|node| row_plan(node, &mut Vec::new())).collect();
            let mut plans = Vec::new();
            if !parts.is_empty() {
                plans.push(having(RowPlan::And(parts)));
            }
            let others = nodes.iter().filter(|node| !is_part(node));
            plans.extend(others.map(|node| session_plan(node, wanted)));
            SessionPlan::And(plans)
        }
        Node::Or(_) if describes_event(node) => having(row_plan(node, &mut Vec::new())),
        Node::Or(nodes) => SessionPlan::Or(nodes.iter().map(|node| session_plan(node, wanted)).collect()),
        Node::Not(node) => SessionPlan::Not(Box::new(session_plan(node, wanted))),
        Node::Term(term) => match &term.field {
            Field::Session(field) => SessionPlan::Term(field.clone(), term.test.clone()),
            Field::Event(field) => having(RowPlan::Term(field.clone(), term.test.clone())),
        },
    }
}

/// Only terms about sessions, and no negation: an event without a session is in no set, whose opposite it
/// is in.
fn is_of_sessions(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => !nodes.is_empty() && nodes.iter().all(is_of_sessions),
        Node::Not(_) => false,
        Node::Term(term) => term.field.subject() == Subject::Session,
    }
}

fn row_plan(node: &Node, sets: &mut Vec<SessionPlan>) -> RowPlan {
    if is_of_sessions(node) {
        sets.push(session_plan(node, &mut Vec::new()));
        return RowPlan::InSessions(sets.len() - 1);
    }
    match node {
        Node::And(nodes) => RowPlan::And(row_plans(nodes, SessionPlan::And, sets)),
        Node::Or(nodes) => RowPlan::Or(row_plans(nodes, SessionPlan::Or, sets)),
        Node::Not(node) => RowPlan::Not(Box::new(row_plan(node, sets))),
        Node::Term(term) => match &term.field {
            Field::Event(field) => RowPlan::Term(field.clone(), term.test.clone()),
            // Taken care of above.
            Field::Session(_) => RowPlan::Or(Vec::new()),
        },
    }
}

/// What is said about the session in several places is asked for once. It stands last: looking at the
/// event is cheaper to refuse by.
fn row_plans(
    nodes: &[Node],
    join: fn(Vec<SessionPlan>) -> SessionPlan,
    sets: &mut Vec<SessionPlan>,
) -> Vec<RowPlan> {
    let (of_sessions, others): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| is_of_sessions(node));
    let mut plans: Vec<RowPlan> = others.into_iter().map(|node| row_plan(node, sets)).collect();
    if !of_sessions.is_empty() {
        let asked = of_sessions.into_iter().map(|node| session_plan(node, &mut Vec::new())).collect();
        sets.push(join(asked));
        plans.push(RowPlan::InSessions(sets.len() - 1));
    }
    plans
}

/// The time that the query itself confines events to: `[from, to)`.
pub(crate) fn times(root: &Node) -> (Option<Timestamp>, Option<Timestamp>) {
    match root {
        Node::And(nodes) => nodes.iter().map(times).fold((None, None), |(from, to), (after, before)| {
            (from.max(after), [to, before].into_iter().flatten().min())
        }),
        Node::Term(term) if term.field == Field::Event(EventField::Time) => match term.test {
            Test::Time { from, to } => (from, to),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use kymo_filter::Query;

    use super::*;

    fn parse(text: &str, subject: Subject) -> Node {
        Query::parse(text, subject, Timestamp::from_unix_nanos(0)).unwrap().root
    }

    /// How many events a query about sessions asks for, and how many terms are put to each.
    #[test]
    fn terms_beside_each_other_describe_one_event() {
        let check = |text: &str, expected: &[usize]| {
            let (_, wanted) = of_sessions(&parse(text, Subject::Session));
            let terms: Vec<usize> = wanted
                .iter()
                .map(|rows| match rows {
                    RowPlan::And(parts) | RowPlan::Or(parts) => parts.len(),
                    _ => 1,
                })
                .collect();
            assert_eq!(terms, expected, "{text}");
        };
        check("user:ann errors:>1", &[]);
        check("user:ann level:error category:a", &[2]);
        check("level:error -category:a", &[1, 1]);
        check("level:error (category:a OR message:x)", &[2]);
        check("(level:error category:a) (level:warn category:b)", &[2, 2]);
        check("level:error OR user:ann", &[1]);
        check("level:error OR message:x", &[2]);
        check("level:error (message:x OR *)", &[1, 1]);
    }

    #[test]
    fn what_is_said_about_the_session_is_asked_for_once() {
        let check = |text: &str, expected: usize| {
            assert_eq!(of_events(&parse(text, Subject::Event)).1.len(), expected, "{text}");
        };
        check("level:error message:x", 0);
        check("version:2.* level:error os:linux", 1);
        check("-(version:2.* os:linux)", 1);
        check("level:error (version:2.* OR level:warn)", 1);
    }

    #[test]
    fn the_time_is_taken_from_terms_that_hold_for_all() {
        let nanos = |text: &str| {
            let (from, to) = times(&parse(text, Subject::Event));
            (from.map(Timestamp::as_unix_nanos), to.map(Timestamp::as_unix_nanos))
        };
        let day = 86_400_000_000_000;
        assert_eq!(
            nanos("time:>=1970-01-02 x (time:<1970-01-05 time:<1970-01-04)"),
            (Some(day), Some(3 * day))
        );
        assert_eq!(nanos("time:>=1970-01-02 OR x"), (None, None));
        assert_eq!(nanos("-time:>=1970-01-02"), (None, None));
    }
}
