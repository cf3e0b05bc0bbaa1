//! Whom a token lets in, and which sessions fit a filter.

use std::sync::Arc;

use kymo_filter::{Query, Subject, session_fits};
use kymo_format::live::Refusal;
use kymo_model::DropReason;
use kymo_relay::{Access, Filter, LiveSession, Viewer};
use kymo_store::{ProjectPk, Scope, Store};

use super::shapes::{LiveShape, facts};
use crate::access::Directory;

/// What the relay asks.
pub(super) struct Doors {
    pub(super) store: Arc<Store>,
    pub(super) directory: Arc<Directory>,
}

impl Doors {
    /// Project and scope of a token that holds, where live is switched on.
    fn enter(&self, secret: &str) -> Result<(ProjectPk, Scope), Refusal> {
        let tables = self.directory.tables();
        let Some((token, project)) = tables.token(&Store::hash_secret(secret), self.store.now()) else {
            self.store.count_refused(None, DropReason::Unauthorized);
            return Err(Refusal::Unauthorized);
        };
        self.store.note_token_use(token.pk);
        if project.live { Ok((token.project, token.scope)) } else { Err(Refusal::Off) }
    }
}

impl Access for Doors {
    fn agent(&self, token: &str) -> Result<i64, Refusal> {
        match self.enter(token)? {
            (project, Scope::Ingest | Scope::Admin) => Ok(project.number()),
            (project, Scope::Browser | Scope::Read) => {
                self.store.count_refused(Some(project), DropReason::Unauthorized);
                Err(Refusal::Unauthorized)
            }
        }
    }

    fn viewer(&self, token: &str) -> Result<Viewer, Refusal> {
        match self.enter(token)? {
            (project, scope @ (Scope::Read | Scope::Admin)) => {
                Ok(Viewer { project: project.number(), may_command: scope == Scope::Admin })
            }
            (project, Scope::Ingest | Scope::Browser) => {
                self.store.count_refused(Some(project), DropReason::Unauthorized);
                Err(Refusal::Unauthorized)
            }
        }
    }

    fn describe(&self, session: &LiveSession) -> String {
        let tables = self.directory.tables();
        let shape = LiveShape::of_agent(session, false, &tables);
        // Texts, numbers and times: it cannot fail.
        serde_json::to_string(&shape).unwrap_or_default()
    }

    fn filter(&self, text: &str) -> Result<Filter, String> {
        if text.trim().is_empty() {
            return Ok(Box::new(|_| true));
        }
        let query =
            Query::parse(text, Subject::Session, self.store.now()).map_err(|error| error.to_string())?;
        let directory = Arc::clone(&self.directory);
        Ok(Box::new(move |session| {
            let facts = facts(session, &directory.tables());
            // Its events are with the program: no term about events fits.
            facts.is_some_and(|facts| session_fits(&query.root, &facts, &mut |_| false))
        }))
    }
}
