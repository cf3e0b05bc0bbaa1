//! Whose events they are: a name for people, and what a filter asks of a session.

use std::sync::Arc;

use kymo_filter::SessionFacts;
use kymo_format::{Header, ReadRecord};
use kymo_model::{SessionId, User};
use kymo_viewer::{Summary, harmless};

/// Letters of an application's name before the session's mark.
const NAME_CHARS_MAX: usize = 20;
/// Users remembered, as the viewer does.
const USERS_MAX: usize = 16;

/// A session as far as it is known while it runs.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub(super) session: SessionId,
    /// Application and the end of the id: ids of sessions that began together begin alike.
    pub(super) tag: String,
    /// Counts are of what was seen, or told by the server.
    pub(super) facts: SessionFacts,
}

impl Whose {
    /// Nothing is known but the id.
    #[cfg(feature = "server")]
    pub(super) fn unknown(session: SessionId) -> Self {
        Self { session, tag: tag(None, session), facts: Summary::default().facts(None) }
    }

    pub(super) fn of(header: &Arc<Header>) -> Self {
        let facts = Summary::default().facts(Some(header));
        Self { session: header.session, tag: tag(application(&facts), header.session), facts }
    }

    /// A fragment says more of it.
    #[cfg(feature = "server")]
    pub(super) fn header(&mut self, header: &Arc<Header>) {
        let (users, events, errors) =
            (std::mem::take(&mut self.facts.users), self.facts.event_count, self.facts.error_count);
        *self = Self::of(header);
        for user in users {
            self.user(user);
        }
        self.facts.event_count = self.facts.event_count.max(events);
        self.facts.error_count = self.facts.error_count.max(errors);
    }

    /// What the server calls its application.
    #[cfg(feature = "server")]
    pub(super) fn named(&mut self, application: &str) {
        self.tag = tag(Some(application), self.session);
        self.facts.application.get_or_insert_with(|| application.to_owned());
    }

    pub(super) fn record(&mut self, record: &ReadRecord) {
        if let Some(user) = &record.user
            && !self.facts.users.contains(user)
        {
            self.user(user.clone());
        }
    }

    /// One more user: the first are kept, and the last.
    pub(super) fn user(&mut self, user: User) {
        if !self.facts.users.contains(&user) {
            self.facts.users.truncate(USERS_MAX - 1);
            self.facts.users.push(user);
        }
    }
}

/// What the header says, else what stands for it.
pub(super) fn application(facts: &SessionFacts) -> Option<&str> {
    let said = facts.properties.iter().find(|(name, _)| name == "service.name");
    said.and_then(|(_, values)| values.first()).or(facts.application.as_ref()).map(String::as_str)
}

fn tag(application: Option<&str>, session: SessionId) -> String {
    let name: String = harmless(application.unwrap_or("session")).chars().take(NAME_CHARS_MAX).collect();
    let id = session.to_string();
    format!("{name}#{}", &id[id.len() - 4..])
}
