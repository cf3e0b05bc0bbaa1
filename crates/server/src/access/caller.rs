//! Callers of `/api/v1`: who they are and what they may do.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use kymo_model::Timestamp;
use kymo_store::{Actor, ProjectPk, Projects, Role, Scope, SignedIn, Store, Token};

use super::{Address, bearer, cookie, is_same_origin};
use crate::access::gate::too_many;
use crate::problem::Problem;
use crate::state::AppState;

/// A caller of `/api/v1`.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// A member's name, or a token's first characters.
    pub(crate) name: String,
    /// Came with the cookie, not with a token.
    pub(crate) is_person: bool,
    /// Where the request came from.
    pub(crate) address: Address,
    grants: Grants,
    credential: Credential,
    expires_at: Option<Timestamp>,
}

/// What a caller may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Grants {
    /// Administers the server and every project.
    Server,
    /// Has a role in each of these projects; others are as if they were not there.
    Projects(BTreeMap<ProjectPk, Role>),
}

/// By what a caller entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    /// The hash of a token.
    Token([u8; 32]),
    /// The hash of a cookie, with the numbers of the member and of the browser's session.
    Cookie { hash: [u8; 32], member: i64, session: i64 },
}

/// A person with a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The member's number.
    pub(crate) member: i64,
    /// The number of the browser's session.
    pub(crate) session: i64,
}

impl Caller {
    /// What the caller may see.
    pub(crate) fn projects(&self) -> Projects {
        match &self.grants {
            Grants::Server => Projects::All,
            Grants::Projects(roles) => Projects::Only(roles.keys().copied().collect()),
        }
    }

    /// The project that a caller who has one only has.
    pub(crate) fn only_project(&self) -> Option<ProjectPk> {
        match &self.grants {
            Grants::Projects(roles) if roles.len() == 1 => roles.keys().next().copied(),
            Grants::Projects(_) | Grants::Server => None,
        }
    }

    /// The projects that the caller administers.
    pub(crate) fn administered(&self) -> Projects {
        match &self.grants {
            Grants::Server => Projects::All,
            Grants::Projects(roles) => {
                let admin = roles.iter().filter(|(_, role)| **role == Role::Admin);
                Projects::Only(admin.map(|(project, _)| *project).collect())
            }
        }
    }

    pub(crate) fn sees(&self, project: ProjectPk) -> bool {
        self.role_in(project).is_some()
    }

    /// The role in that project; `None`: it is not to be told that the project is there.
    pub(crate) fn role_in(&self, project: ProjectPk) -> Option<Role> {
        match &self.grants {
            Grants::Server => Some(Role::Admin),
            Grants::Projects(roles) => roles.get(&project).copied(),
        }
    }

    /// The highest role anywhere.
    pub(crate) fn role(&self) -> Option<Role> {
        match &self.grants {
            Grants::Server => Some(Role::Admin),
            Grants::Projects(roles) => roles.values().copied().max(),
        }
    }

    pub(crate) fn is_server_admin(&self) -> bool {
        self.grants == Grants::Server
    }

    /// The project of that id, if the caller may see it: one that they may not see is as if it were not there.
    pub(crate) fn project(&self, state: &AppState, id: &str) -> Result<ProjectPk, Problem> {
        let tables = state.directory.tables();
        let project = tables.project_by_id(id).map(|project| project.pk);
        project
            .filter(|project| self.sees(*project))
            .ok_or_else(|| Problem::not_found(format!("there is no project {id}")))
    }

    /// The project of that id, if the caller administers it.
    pub(crate) fn administered_project(&self, state: &AppState, id: &str) -> Result<ProjectPk, Problem> {
        let project = self.project(state, id)?;
        self.must_be(Role::Admin, project)?;
        Ok(project)
    }

    /// Goes on only with that role, or a higher one, in a project the caller sees.
    pub(crate) fn must_be(&self, least: Role, project: ProjectPk) -> Result<(), Problem> {
        if self.role_in(project).is_some_and(|role| role >= least) {
            return Ok(());
        }
        let detail = format!("this needs the role {} in the project", least.as_str());
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Goes on only as an admin of the server.
    pub(crate) fn must_be_server_admin(&self) -> Result<(), Problem> {
        if self.is_server_admin() {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "this needs an admin of the server"))
    }

    /// Goes on only for a person.
    pub(crate) fn must_be_person(&self) -> Result<Person, Problem> {
        match self.credential {
            Credential::Cookie { member, session, .. } => Ok(Person { member, session }),
            Credential::Token(_) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "this is for people who signed in, not for tokens"))
            }
        }
    }

    /// Who the audit log says it was.
    pub(crate) fn actor(&self) -> Actor {
        let address = Some(self.address.to_string());
        if self.is_person { Actor::member(&self.name, address) } else { Actor::token(&self.name, address) }
    }

    /// Whether the caller, some time later, still is who it was and may do what it might.
    pub(crate) async fn still_holds(&self, state: &AppState) -> bool {
        let now = match self.credential {
            Credential::Token(hash) => {
                let tables = state.directory.tables();
                let token = tables.token(&hash, state.store.now());
                token.and_then(|(token, _)| Self::of_token(token, hash, self.address).ok())
            }
            Credential::Cookie { hash, .. } => match state.store.signed_in(&hash).await {
                Ok(signed_in) => signed_in.map(|signed_in| Self::of_member(signed_in, hash, self.address)),
                Err(_) => None,
            },
        };
        now.is_some_and(|now| now.grants == self.grants)
    }

    /// Whether its time is over. Cheap; the rest of what can happen is told by the gate's changes.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whoever has that token, if it may read.
    pub(crate) fn by_token(state: &AppState, secret: &str, address: Address) -> Result<Self, Problem> {
        let (hash, now) = (Store::hash_secret(secret), state.store.now());
        let tables = state.directory.tables();
        let Some((token, _)) = tables.token(&hash, now) else {
            state.gate.bad_token(address, now).map_err(|wait| {
                too_many(&state.store, "too many requests with tokens that do not hold", wait)
            })?;
            return Err(not_signed_in());
        };
        state.store.note_token_use(token.pk);
        Self::of_token(token, hash, address)
    }

    fn of_token(token: &Token, hash: [u8; 32], address: Address) -> Result<Self, Problem> {
        let role = match token.scope {
            Scope::Admin => Role::Admin,
            Scope::Read => Role::Reader,
            Scope::Ingest | Scope::Browser => {
                let detail = "this token may send, not read: use one of scope read";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
        };
        Ok(Self {
            name: token.label.clone(),
            is_person: false,
            address,
            grants: Grants::Projects(BTreeMap::from([(token.project, role)])),
            credential: Credential::Token(hash),
            expires_at: token.expires_at,
        })
    }

    fn of_member(signed_in: SignedIn, hash: [u8; 32], address: Address) -> Self {
        let SignedIn { member, session, expires_at } = signed_in;
        let grants = if member.is_admin { Grants::Server } else { Grants::Projects(member.roles) };
        Self {
            name: member.name,
            is_person: true,
            address,
            grants,
            credential: Credential::Cookie { hash, member: member.pk, session },
            expires_at: Some(expires_at),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let address = Address::of(&parts.extensions, &parts.headers, &state.gate.trusted_proxies);
        if let Some(secret) = bearer(&parts.headers) {
            return Self::by_token(state, secret, address);
        }
        let cookie = cookie(&parts.headers).ok_or_else(not_signed_in)?;
        if !parts.method.is_safe() && !is_same_origin(&parts.headers) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "the request came from another site"));
        }
        let hash = Store::hash_secret(cookie);
        let signed_in = state.store.signed_in(&hash).await?.ok_or_else(not_signed_in)?;
        Ok(Self::of_member(signed_in, hash, address))
    }
}

fn not_signed_in() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not signed in")
}
