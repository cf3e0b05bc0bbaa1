//! What a session is as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use kymo_filter::{Query, SessionFacts, event_fits, session_fits};
use kymo_format::{End, Header, Item, ReadRecord};
use kymo_model::{Kymogram, SessionKind, Timestamp, User, Value};

use super::account::Account;
use super::find::{Fragment, SessionFiles};
use super::fragment::{Step, Walk};
use super::{LazyEvent, is_error};

/// Users remembered, as the server does: the first, and the last in the last place.
const USERS_MAX: usize = 16;
/// Reasons for dropping remembered; the writer has 64.
const LOSSES_MAX: usize = 64;
/// Levels of severity.
pub(super) const LEVELS: usize = 6;

/// What was counted in a session, or a part of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Events.
    pub events: u64,
    /// Of these, errors as the server counts them: of kind `error` or with an exception.
    pub errors: u64,
    /// Events by level, from trace to fatal.
    pub levels: [u64; LEVELS],
    /// Earliest and latest event.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Who, in order of appearance.
    pub users: Vec<User>,
    /// What the agent dropped, by its word for the reason.
    pub dropped: BTreeMap<String, u64>,
    /// How it ended, if that is written.
    pub end: Option<End>,
    /// Its life, drawn.
    pub kymogram: Kymogram,
    /// What could not be read.
    pub account: Account,
}

impl Summary {
    /// Reads a session from end to end. `is_stopped` is asked now and then.
    pub fn of(session: &SessionFiles, is_stopped: &dyn Fn() -> bool) -> Self {
        let mut summary = Self::default();
        let mut walk = Walk::default();
        let mut steps = 0u32;
        loop {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(4096) && is_stopped() {
                break;
            }
            match walk.next(&session.fragments, true) {
                Step::Item(at, item) => summary.take(&session.fragments[at], &item),
                Step::Trouble(at, error) => summary.account.trouble(&session.fragments[at], &error),
                Step::End => break,
            }
        }
        summary.account.settle();
        summary.account.stepped_over(walk.unknown());
        summary
    }

    /// Counts an item of a fragment.
    pub(crate) fn take(&mut self, fragment: &Fragment, item: &Item) {
        self.account.take(fragment, item);
        match item {
            Item::Record(record) => self.record(record),
            Item::Loss { reason, total } => {
                if self.dropped.len() < LOSSES_MAX || self.dropped.contains_key(reason) {
                    self.dropped.insert(reason.clone(), *total);
                }
            }
            Item::End(end) => self.end = Some(end.clone()),
            Item::Header(_) | Item::Index(_) | Item::Frame { .. } | Item::Ring(_) | Item::Damage(_) => {}
        }
    }

    fn record(&mut self, record: &ReadRecord) {
        self.events += 1;
        self.errors += u64::from(is_error(record));
        self.levels[usize::from(record.severity.level()).min(LEVELS - 1)] += 1;
        let (first, last) = self.times.unwrap_or((record.time, record.time));
        self.times = Some((first.min(record.time), last.max(record.time)));
        self.kymogram.add(record.time, record.severity);
        if let Some(user) = &record.user
            && !self.users.contains(user)
        {
            self.users.truncate(USERS_MAX - 1);
            self.users.push(user.clone());
        }
    }

    /// When it began: what the header says, else the first event.
    pub fn started_at(&self, header: Option<&Arc<Header>>) -> Timestamp {
        let first = self.times.map(|(first, _)| first);
        header.map(|header| header.started_at).or(first).unwrap_or_default()
    }

    /// When something was last heard of it.
    pub fn last_activity_at(&self, header: Option<&Arc<Header>>) -> Timestamp {
        let ended = self.end.as_ref().map(|end| end.time);
        let last = self.times.map(|(_, last)| last);
        self.started_at(header).max(ended.max(last).unwrap_or(Timestamp::MIN))
    }

    /// `running` or `ended`: a session whose files do not say an end runs, as far as they tell.
    pub fn state(&self) -> &'static str {
        if self.end.is_some() { "ended" } else { "running" }
    }

    /// The user seen last.
    pub fn user(&self, header: Option<&Arc<Header>>) -> Option<User> {
        self.users.last().cloned().or_else(|| {
            let id = resource(header, "enduser.id").or_else(|| resource(header, "user.id"));
            let name = resource(header, "user.name");
            (id.is_some() || name.is_some()).then_some(User { id, name })
        })
    }

    /// What a filter looks at.
    pub fn facts(&self, header: Option<&Arc<Header>>) -> SessionFacts {
        let properties = header.iter().flat_map(|header| &header.resource);
        let properties = properties.filter_map(|(name, value)| Some((name.clone(), vec![scalar(value)?])));
        let mut users = self.users.clone();
        if users.is_empty() {
            users.extend(self.user(header));
        }
        SessionFacts {
            id: header.map(|header| header.session),
            external_id: None,
            project: Vec::new(),
            kind: header.map_or(SessionKind::Process, |header| header.kind),
            end: self.end.as_ref().map(|end| end.reason),
            users,
            application: resource(header, "service.namespace"),
            started_at: self.started_at(header),
            last_activity_at: self.last_activity_at(header),
            event_count: self.events,
            error_count: self.errors,
            visit_id: None,
            properties: properties.collect(),
        }
    }
}

/// Whether a filter of sessions fits one. What it says about events is looked for in the files.
pub fn fits(query: &Query, session: &SessionFiles, summary: &Summary) -> bool {
    let facts = summary.facts(session.header());
    session_fits(&query.root, &facts, &mut |nodes| {
        let mut walk = Walk::default();
        loop {
            match walk.next(&session.fragments, true) {
                Step::Item(_, Item::Record(record)) => {
                    let event = LazyEvent::new(&record);
                    if nodes.iter().all(|node| event_fits(node, &event, Some(&facts))) {
                        return true;
                    }
                }
                Step::Item(..) | Step::Trouble(..) => {}
                Step::End => return false,
            }
        }
    })
}

fn scalar(value: &Value) -> Option<String> {
    value.to_scalar_text()
}

/// What the header's resource says under a name of OpenTelemetry's.
pub(crate) fn resource(header: Option<&Arc<Header>>, name: &str) -> Option<String> {
    header?.resource.get(name).and_then(scalar)
}
