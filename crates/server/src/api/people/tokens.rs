//! Tokens of a project.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_model::Timestamp;
use kymo_store::Token;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::admin::make;
use crate::api::Refusal;
use crate::api::input::Input;
use crate::api::shapes::Moment;
use crate::problem::Problem;
use crate::state::AppState;

/// A token as it can be shown again: without the token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenShape {
    id: String,
    name: Option<String>,
    /// Its first characters.
    label: String,
    scope: &'static str,
    created_at: Moment,
    /// The member who made it; `null`: the command line.
    created_by: Option<String>,
    expires_at: Option<Moment>,
    has_expired: bool,
    /// To the minute.
    last_used_at: Option<Moment>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct TokenList {
    items: Vec<TokenShape>,
}

/// A token that was made. This is the only time that it is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// To be kept by whoever uses it.
    secret: String,
    token: TokenShape,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddToken {
    scope: String,
    /// What people call it; no other token of the project has the same.
    name: Option<String>,
    /// It holds until it is revoked if this is not given.
    expires_in_seconds: Option<u64>,
    /// An existing key of another system, to be adopted.
    key: Option<String>,
}

/// Tokens that were not revoked, newest first
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/tokens",
    operation_id = "list_tokens",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id")
    ),
    responses((status = 200, body = TokenList), Refusal)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TokenList>, Problem> {
    let project = caller.administered_project(&state, &id)?;
    let (tokens, now) = (state.store.tokens_of(project).await?, state.store.now());
    Ok(Json(TokenList { items: tokens.into_iter().map(|token| shape(token, now)).collect() }))
}

/// Makes a token; the answer shows it this once
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/tokens",
    operation_id = "add_token",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id")
    ),
    request_body = AddToken,
    responses((status = 201, body = MadeToken), Refusal)
)]
pub(super) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Problem> {
    let project = caller.administered_project(&state, &id)?;
    let wanted: AddToken = input.json()?;
    let (by, key) = (caller.actor(), wanted.key.as_deref());
    let wanted = make::WantedToken {
        scope: &wanted.scope,
        name: wanted.name.as_deref(),
        expires_in_seconds: wanted.expires_in_seconds,
        key,
    };
    let (pk, secret) = make::token(&state.store, project, wanted, Some(by.name()), &by).await?;
    state.access_changed().await?;
    let tokens = state.store.tokens_of(project).await?;
    let made = tokens.into_iter().find(|token| token.pk == pk);
    let made = made.ok_or_else(|| Problem::not_found("the token was revoked already"))?;
    let body = Json(MadeToken { secret, token: shape(made, state.store.now()) });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// Revokes a token, from the next request on
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}/tokens/{token}",
    operation_id = "revoke_token",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id"),
        ("token" = String, Path, description = "The token's id")
    ),
    responses((status = 204, description = "It does not hold (any more)"), Refusal)
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let project = caller.administered_project(&state, &id)?;
    let pk = token.parse().map_err(|_| Problem::not_found("the project has no such token"))?;
    state.store.revoke_token_of(project, pk, &caller.actor()).await?;
    state.access_changed().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shape(token: Token, now: Timestamp) -> TokenShape {
    TokenShape {
        id: token.pk.to_string(),
        name: token.name,
        label: token.label,
        scope: token.scope.as_str(),
        created_at: Moment(token.created_at),
        created_by: token.created_by,
        has_expired: token.expires_at.is_some_and(|expires_at| expires_at <= now),
        expires_at: token.expires_at.map(Moment),
        last_used_at: token.last_used_at.map(Moment),
    }
}
