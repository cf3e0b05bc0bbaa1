//! The naive store: a list of everything accepted, searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use kymo_model::{Event, SessionId, Severity, Timestamp};
use kymo_store::{EventFilter, ProjectPk, StoredEvent, Submission};
use kymo_tracker::{Role, SessionKey};

/// One project's events of one key; `None`: those without a session.
pub(crate) type Owner = (ProjectPk, Option<String>);

/// What a store has to hold.
#[derive(Default)]
pub(crate) struct Expected {
    /// In order of arrival: the sequence is the place, from 1.
    pub(crate) events: BTreeMap<Owner, Vec<Event>>,
    pub(crate) started: BTreeSet<Owner>,
    known: BTreeSet<(ProjectPk, i64, [u8; 16])>,
}

impl Expected {
    /// Takes a submission in; how many of its events are stored.
    pub(crate) fn submit(&mut self, submission: &Submission) -> u64 {
        let mut stored = 0;
        for item in &submission.items {
            let known = item.fingerprint.is_some_and(|fingerprint| {
                !self.known.insert((submission.project, submission.token, fingerprint))
            });
            let incoming = &item.incoming;
            let owner = (submission.project, incoming.key.as_ref().map(owner_of));
            let unwanted = match incoming.role {
                Role::Heartbeat => true,
                Role::Start => !known && !self.started.insert(owner.clone()),
                _ => false,
            };
            if known || unwanted {
                continue;
            }
            self.events.entry(owner).or_default().push(incoming.event.clone());
            stored += 1;
        }
        stored
    }

    /// Every fingerprint is forgotten.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// What matches, in the order of pages.
    pub(crate) fn matching(
        &self,
        owner: &Owner,
        session: Option<SessionId>,
        filter: &EventFilter,
    ) -> Vec<StoredEvent> {
        let events = self.events.get(owner).into_iter().flatten().enumerate();
        let mut found: Vec<StoredEvent> = events
            .filter(|(_, event)| matches(event, filter))
            .map(|(at, event)| stored(event, session, at as u64 + 1))
            .collect();
        found.sort_by_key(|event| (event.time, event.sequence));
        found
    }
}

/// An identity and an id never have the same text here.
pub(crate) fn owner_of(key: &SessionKey) -> String {
    key.text().to_owned()
}

fn matches(event: &Event, filter: &EventFilter) -> bool {
    let texts = [event.body.clone(), event.category.clone(), exception_text(event)];
    let contains = |wanted: &String| {
        texts.iter().flatten().any(|text| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    filter.text.as_ref().is_none_or(contains)
        && filter.severity.is_none_or(|least| event.severity >= least)
        && (!filter.errors_only || event.is_error())
        && filter.kind.as_ref().is_none_or(|kind| event.kind.as_str() == kind)
        && (filter.reference_id.is_none() || event.reference_id == filter.reference_id)
        && event.time >= filter.from.unwrap_or(Timestamp::MIN)
        && filter.to.is_none_or(|to| event.time < to)
}

fn exception_text(event: &Event) -> Option<String> {
    event.exception.as_ref().map(|exception| serde_json::to_string(exception).expect("JSON"))
}

fn stored(event: &Event, session: Option<SessionId>, sequence: u64) -> StoredEvent {
    let attributes = Some(&event.attributes).filter(|all| !all.is_empty());
    StoredEvent {
        session,
        sequence,
        time: event.time,
        observed_time: event.observed_time,
        severity: event.severity,
        kind: event.kind.as_str().to_owned(),
        category: event.category.clone(),
        message: event.body.clone(),
        user: event.user.clone(),
        reference_id: event.reference_id.clone(),
        exception: exception_text(event),
        attributes: attributes.map(|all| serde_json::to_string(all).expect("JSON")),
    }
}

/// Count, errors and worst of what lies in each of `buckets` equal stretches.
pub(crate) fn density(
    events: &[StoredEvent],
    from: Timestamp,
    to: Timestamp,
    buckets: u32,
) -> Vec<(u32, u32, u32, Severity)> {
    let mut counted: BTreeMap<u32, (u32, u32, Severity)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.time >= from && event.time < to) {
        let (passed, span) = (event.time.since(from).as_nanos(), to.since(from).as_nanos());
        let index = (passed * u128::from(buckets) / span) as u32;
        let bucket = counted.entry(index).or_insert((0, 0, Severity::TRACE));
        bucket.0 += 1;
        bucket.1 += u32::from(event.kind == "error" || event.exception.is_some());
        bucket.2 = bucket.2.max(event.severity);
    }
    counted.into_iter().map(|(index, (count, errors, worst))| (index, count, errors, worst)).collect()
}
