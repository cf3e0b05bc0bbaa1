//! The caller: who it is, its password, its browsers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_store::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::gate::{audit_failure, too_many};
use crate::access::passwords::check_new;
use crate::access::{Caller, new_secret};
use crate::api::Refusal;
use crate::api::VERSION;
use crate::api::input::Input;
use crate::api::shapes::Moment;
use crate::login::cookie_of;
use crate::problem::Problem;
use crate::state::AppState;

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    name: String,
    /// The highest role anywhere.
    role: &'static str,
    is_person: bool,
    is_server_admin: bool,
    /// Whether a password is set; `null` for tokens.
    has_password: Option<bool>,
    /// Roles by project id; a server's admin is admin of all.
    roles: BTreeMap<String, &'static str>,
    server_version: &'static str,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The one that holds; not asked for if there is none.
    old_password: Option<String>,
    new_password: String,
}

/// A browser that is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Browser)]
pub(super) struct UiSessionShape {
    id: String,
    created_at: Moment,
    last_used_at: Moment,
    expires_at: Moment,
    address: Option<String>,
    user_agent: Option<String>,
    /// The one that asks.
    is_current: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct UiSessionList {
    items: Vec<UiSessionShape>,
}

/// Who is asking
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "get_me",
    tag = "people",
    responses((status = 200, body = Me), Refusal)
)]
pub(super) async fn show(State(state): State<AppState>, caller: Caller) -> Result<Json<Me>, Problem> {
    let has_password = match caller.must_be_person() {
        Ok(_) => {
            let found = state.store.password_of(&caller.name).await?;
            Some(found.is_some_and(|(_, _, hash)| hash.is_some()))
        }
        Err(_) => None,
    };
    let tables = state.directory.tables();
    let roles = tables.projects().filter_map(|project| {
        let role = caller.role_in(project.pk)?;
        Some((project.id.to_string(), role.as_str()))
    });
    Ok(Json(Me {
        role: caller.role().unwrap_or(Role::Reader).as_str(),
        is_person: caller.is_person,
        is_server_admin: caller.is_server_admin(),
        has_password,
        roles: roles.collect(),
        server_version: VERSION,
        name: caller.name,
    }))
}

/// Sets one's password
///
/// Other browsers are signed out, this one gets a new cookie.
#[utoipa::path(
    put,
    path = "/api/v1/me/password",
    operation_id = "set_password",
    tag = "people",
    request_body = NewPassword,
    responses((status = 204, description = "It holds"), Refusal)
)]
pub(super) async fn set_password(
    State(state): State<AppState>,
    caller: Caller,
    input: Input,
) -> Result<Response, Problem> {
    let person = caller.must_be_person()?;
    let wanted: NewPassword = input.json()?;
    check_new(&wanted.new_password)?;
    let (name, gate) = (caller.name.as_str(), &state.gate);
    let hash = state.store.password_of(name).await?.and_then(|(_, _, hash)| hash);
    if hash.is_some() {
        let attempt = gate
            .try_sign_in(Some(name), caller.address, state.store.now())
            .map_err(|wait| too_many(&state.store, "too many wrong passwords", wait))?;
        let old = wanted.old_password.as_deref().unwrap_or_default();
        match gate.passwords.is_good(old, hash).await {
            Ok(true) => attempt.does_not_count(),
            Ok(false) => {
                audit_failure(gate, &state.store, name, caller.address).await;
                return Err(Problem::new(StatusCode::FORBIDDEN, "old_password: this is not the password"));
            }
            Err(problem) => {
                attempt.does_not_count();
                return Err(problem);
            }
        }
    }
    let hash = gate.passwords.hash(&wanted.new_password).await?;
    let secret = new_secret()?;
    let kept = Some((person.session, secret.as_str()));
    state.store.set_password(name, &hash, kept, &caller.actor()).await?;
    gate.changed();
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie_of(&secret))]).into_response())
}

/// One's browsers that are signed in
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    operation_id = "list_my_sessions",
    tag = "people",
    responses((status = 200, body = UiSessionList), Refusal)
)]
pub(super) async fn sessions(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<UiSessionList>, Problem> {
    let person = caller.must_be_person()?;
    let sessions = state.store.ui_sessions(person.member).await?;
    let items = sessions.into_iter().map(|session| UiSessionShape {
        id: session.pk.to_string(),
        created_at: Moment(session.created_at),
        last_used_at: Moment(session.last_used_at),
        expires_at: Moment(session.expires_at),
        is_current: session.pk == person.session,
        address: session.address,
        user_agent: session.user_agent,
    });
    Ok(Json(UiSessionList { items: items.collect() }))
}

/// Signs all browsers out but the one that asks
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions",
    operation_id = "end_my_other_sessions",
    tag = "people",
    responses((status = 204, description = "They are signed out"), Refusal)
)]
pub(super) async fn end_other_sessions(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let person = caller.must_be_person()?;
    state.store.end_other_ui_sessions(person.member, person.session, &caller.actor()).await?;
    state.gate.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// Signs a browser out
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions/{session}",
    operation_id = "end_my_session",
    tag = "people",
    params(
        ("session" = String, Path, description = "The browser's id")
    ),
    responses((status = 204, description = "It is signed out"), Refusal)
)]
pub(super) async fn end_session(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let person = caller.must_be_person()?;
    // What is no number is no session, and so is over.
    if let Ok(session) = id.parse() {
        state.store.end_ui_session_of(person.member, session, &caller.actor()).await?;
        state.gate.changed();
    }
    Ok(StatusCode::NO_CONTENT)
}
