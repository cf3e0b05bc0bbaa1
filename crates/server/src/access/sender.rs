//! Callers that send: programs with a token of scope `ingest`.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use kymo_model::DropReason;
use kymo_store::{ProjectPk, Scope, Store};

use super::{Address, bearer};
use crate::access::gate::too_many;
use crate::problem::Problem;
use crate::state::AppState;

/// A program that may send to its project. A cookie is nothing here: pages have no files of sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    /// Whose its sessions are.
    pub(crate) project: ProjectPk,
    /// The token's number.
    pub(crate) token: i64,
}

impl FromRequestParts<AppState> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let refuse = |project: Option<ProjectPk>, status: StatusCode, detail: &str| {
            state.store.count_refused(project, DropReason::Unauthorized);
            Problem::new(status, detail)
        };
        let Some(secret) = bearer(&parts.headers) else {
            return Err(refuse(None, StatusCode::UNAUTHORIZED, "expected a token of scope ingest"));
        };
        let now = state.store.now();
        let tables = state.directory.tables();
        let Some((token, _)) = tables.token(&Store::hash_secret(secret), now) else {
            let address = Address::of(&parts.extensions, &parts.headers, &state.gate.trusted_proxies);
            state.gate.bad_token(address, now).map_err(|wait| {
                too_many(&state.store, "too many requests with tokens that do not hold", wait)
            })?;
            return Err(refuse(None, StatusCode::UNAUTHORIZED, "the token does not hold"));
        };
        match token.scope {
            Scope::Ingest | Scope::Admin => {}
            Scope::Browser | Scope::Read => {
                let detail = "this token may not send sessions: use one of scope ingest";
                return Err(refuse(Some(token.project), StatusCode::FORBIDDEN, detail));
            }
        }
        state.store.note_token_use(token.pk);
        Ok(Self { project: token.project, token: token.pk })
    }
}
