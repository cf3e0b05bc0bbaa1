//! Who may do what: tokens by their hash, the page's cookie, secrets, limits.

mod address;
mod allowances;
pub(crate) mod audit;
mod caller;
pub(crate) mod gate;
pub(crate) mod passwords;
mod sender;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode, header};
use kymo_compat::exceptionless::Privacy;
use kymo_model::Timestamp;
use kymo_store::{Project, ProjectPk, Store, StoreError, Token};
use tokio::sync::Mutex;

pub(crate) use self::address::{Address, Peer};
pub use self::allowances::Allowance;
pub(crate) use self::caller::Caller;
pub use self::gate::AccessLimits;
pub(crate) use self::gate::Gate;
pub(crate) use self::sender::Sender;
use crate::problem::Problem;

/// The page's cookie.
pub(crate) const COOKIE: &str = "kymo_session";

/// Tokens and projects in memory, read again whenever a command changes them: an ingest request
/// looks up its token without the catalog.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    tables: RwLock<Arc<Tables>>,
    /// Held while the tables are read again: of two changes at once the later one stays.
    refreshing: Mutex<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    tokens: HashMap<[u8; 32], Token>,
    projects: HashMap<ProjectPk, Arc<Settled>>,
}

/// A project and what follows from its settings, worked out once.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) project: Project,
    pub(crate) privacy: Privacy,
}

impl Directory {
    pub(crate) async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let _refreshing = self.refreshing.lock().await;
        let tokens = store.tokens().await?.into_iter().collect();
        let settled = |project: Project| {
            let privacy = Privacy::of_settings(&project.client_settings);
            (project.pk, Arc::new(Settled { project, privacy }))
        };
        let projects = store.projects().await?.into_iter().map(settled).collect();
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Tables { tokens, projects });
        Ok(())
    }

    pub(crate) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tables {
    /// The token of that hash with its project, if it holds.
    pub(crate) fn token(&self, hash: &[u8; 32], now: Timestamp) -> Option<(&Token, &Project)> {
        let token = self.tokens.get(hash)?;
        let holds = token.expires_at.is_none_or(|expires_at| now < expires_at);
        holds.then_some((token, self.project(token.project)?))
    }

    pub(crate) fn project(&self, pk: ProjectPk) -> Option<&Project> {
        self.projects.get(&pk).map(|settled| &settled.project)
    }

    /// The project with what follows from its settings.
    pub(crate) fn settled(&self, pk: ProjectPk) -> Option<Arc<Settled>> {
        self.projects.get(&pk).cloned()
    }

    pub(crate) fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values().map(|settled| &settled.project)
    }

    /// By id.
    pub(crate) fn project_by_id(&self, id: &str) -> Option<&Project> {
        self.projects.values().map(|settled| &settled.project).find(|project| project.id.as_str() == id)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// The page's cookie, if the request has one.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
        cookies.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
    })
}

/// A write by cookie has to come from the page itself. Browsers send `Sec-Fetch-Site`, and those
/// that do not send `Origin` with writes.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text("host").unwrap_or_default();
    text("origin").is_some_and(|origin| origin.split_once("://").is_some_and(|(_, origin)| origin == host))
}

/// A new secret of 160 random bits: letters and digits that survive being read out.
pub(crate) fn new_secret() -> Result<String, Problem> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)
        .map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the system gave no random numbers"))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(cookie(&headers(&[("cookie", "a=b; kymo_session=xyz; c=d")])), Some("xyz"));
        assert_eq!(cookie(&headers(&[("cookie", "kymo_session2=xyz")])), None);
    }

    #[test]
    fn writes_come_from_the_page() {
        let rows = [
            (vec![("sec-fetch-site", "same-origin"), ("host", "k")], true),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://k"), ("host", "k")], false),
            (vec![("sec-fetch-site", "same-site"), ("host", "k")], false),
            (vec![("origin", "http://k:1"), ("host", "k:1")], true),
            (vec![("origin", "http://evil"), ("host", "k:1")], false),
            (vec![("host", "k:1")], false),
        ];
        for (pairs, expected) in rows {
            assert_eq!(is_same_origin(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(one.len() == 32 && one != other);
    }
}
