//! The evaluator of `kymo-filter`, which readers of session files use, put to the same events and sessions.

use kymo_filter::{EventFacts, Node, SessionFacts, evaluate};
use kymo_model::{Event, SessionState, Severity, Timestamp};
use kymo_store::ProjectPk;
use kymo_tracker::{SessionKey, SessionRow};

use super::naive::{Facts, Happened};

impl EventFacts for Happened {
    fn time(&self) -> Timestamp {
        self.event.time
    }

    fn severity(&self) -> Severity {
        self.event.severity
    }

    /// Given by the store; the trees do not ask for it.
    fn sequence(&self) -> u64 {
        0
    }

    fn event(&self) -> &Event {
        &self.event
    }
}

fn session_facts(facts: &Facts<'_>, project: ProjectPk, row: &SessionRow) -> SessionFacts {
    let name = facts.names[&project].to_owned();
    let external_id = match &row.key {
        SessionKey::Identity(_) => None,
        SessionKey::External(id) | SessionKey::Tab(id) | SessionKey::Process(id) => Some(id.clone()),
    };
    let end = match row.state() {
        SessionState::Ended(reason) => Some(reason),
        _ => None,
    };
    let properties = row
        .properties
        .iter()
        .map(|property| (property.name.clone(), vec![property.first.1.clone(), property.last.1.clone()]));
    SessionFacts {
        id: Some(row.id),
        external_id,
        project: vec![name.clone()],
        kind: row.kind,
        end,
        users: row.users.iter().map(|span| span.user.clone()).collect(),
        application: Some(name),
        started_at: row.started_at,
        last_activity_at: row.last_activity_at,
        event_count: row.event_count,
        error_count: row.error_count,
        visit_id: row.tab.as_ref().and_then(|tab| Some(tab.visit.as_ref()?.id.clone())),
        properties: properties.collect(),
    }
}

pub(super) fn session_fits(facts: &Facts<'_>, project: ProjectPk, row: &SessionRow, node: &Node) -> bool {
    let session = session_facts(facts, project, row);
    let mine = |at: &i64| facts.session_of(*at).is_some_and(|owner| owner.id == row.id);
    let events: Vec<&Happened> =
        (0..facts.happened.len() as i64).filter(mine).map(|at| &facts.happened[at as usize]).collect();
    let fits = |event: &Happened, nodes: &[&Node]| {
        nodes.iter().all(|node| evaluate::event_fits(node, event, Some(&session)))
    };
    evaluate::session_fits(node, &session, &mut |nodes| events.iter().any(|event| fits(event, nodes)))
}

pub(super) fn events_where(facts: &Facts<'_>, node: &Node) -> Vec<i64> {
    let fits = |at: &i64| {
        let one = &facts.happened[*at as usize];
        let session = facts.session_of(*at).map(|row| session_facts(facts, one.project, row));
        evaluate::event_fits(node, one, session.as_ref())
    };
    (0..facts.happened.len() as i64).filter(fits).collect()
}
