//! The Exceptionless client API: events, heartbeats, configuration, descriptions.
//!
//! Every answer is one that the existing clients survive (they drop events on 400, 401, 404 and
//! keep them on 503): 202 with an empty body and nothing else means stored.

mod description;
pub(super) mod reading;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::{
    BODY_BYTES_MAX, Decoded, INFLATED_BYTES_MAX, Item as DecodedItem, Privacy, Submission as Sender,
    config_answer, credentials, decode_events, decode_submit, is_allowed_content_type, parse_heartbeat,
    to_utf8,
};
use kymo_model::{DropReason, EventKind};
use kymo_store::{Item, ProjectPk, Scope, Store, Submission, Token};
use kymo_tracker::{Incoming, Role, SessionKey, Signal};
use serde::Deserialize;

use super::body::{Plain, Refused};
use super::{body, check_rate, may_send, text};
use crate::access::{Address, Settled};
use crate::problem::Problem;
use crate::state::AppState;

pub(super) use description::describe;

/// Tells the client which version of its settings is current.
const CONFIG_VERSION: HeaderName = HeaderName::from_static("x-exceptionless-configversion");
const CLIENT: HeaderName = HeaderName::from_static("x-exceptionless-client");

/// What a path may name: the project, the type of a single event, the id of an event.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    project: Option<String>,
    r#type: Option<String>,
    reference: Option<String>,
}

/// `POST /api/v2/events` and `/api/v2/projects/{id}/events`: 202 once everything in it is stored.
pub(super) async fn post_events(
    State(state): State<AppState>,
    address: Address,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (token, settled) = sender(&state, &headers, query.as_deref(), &named, address)?;
    let mut body = read_body(&state, token.project, &headers, body).await?;
    let decoded = decode_events(&body.bytes, state.store.now(), &client(&headers, &settled.privacy));
    body.make_room(&state, decoded.items.len())
        .map_err(|refused| refusal(&state, token.project, &refused))?;
    state.store.submit(submission(&token, decoded)).await?;
    Ok((StatusCode::ACCEPTED, [(CONFIG_VERSION, settled.project.config_version.to_string())]).into_response())
}

/// `GET /api/v2/events/submit[/{type}]` and the same below `/projects/{id}`: one event from the
/// query; 200, also when there is nothing in it.
pub(super) async fn submit(
    State(state): State<AppState>,
    address: Address,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (token, settled) = sender(&state, &headers, query.as_deref(), &named, address)?;
    let (query, kind) = (query.unwrap_or_default(), named.r#type.as_deref());
    let client = client(&headers, &settled.privacy);
    if let Some(event) = decode_submit(&query, kind, state.store.now(), &client) {
        let decoded = Decoded { items: vec![event], unreadable: Vec::new() };
        state.store.submit(submission(&token, decoded)).await?;
    }
    Ok((StatusCode::OK, [(CONFIG_VERSION, settled.project.config_version.to_string())]).into_response())
}

/// `GET /api/v2/events/session/heartbeat?id=…&close=…`: 200, whatever it says.
pub(super) async fn heartbeat(
    State(state): State<AppState>,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (token, _) = sender(&state, &headers, query.as_deref(), &Named::default(), address)?;
    if let Some(beat) = parse_heartbeat(query.as_deref().unwrap_or_default()) {
        let signals = vec![Signal { id: beat.id, close: beat.close }];
        let submission = Submission { signals, ..Submission::new(token.project, token.pk) };
        state.store.submit(submission).await?;
    }
    Ok(StatusCode::OK)
}

/// `GET /api/v2/projects/config?v=N` and `/api/v2/projects/{id}/config`: the settings, or 304 when the client
/// has them.
pub(super) async fn config(
    State(state): State<AppState>,
    address: Address,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, settled) = sender(&state, &headers, query.as_deref(), &named, address)?;
    let project = &settled.project;
    let known = query.as_deref().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("v="));
    Ok(match config_answer(known, project.config_version, &project.client_settings) {
        Some(settings) => {
            ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], settings).into_response()
        }
        None => StatusCode::NOT_MODIFIED.into_response(),
    })
}

/// The agent as it names itself, and what the project does not keep of what it sends.
fn client<'request>(headers: &'request HeaderMap, privacy: &'request Privacy) -> Sender<'request> {
    // A page cannot name itself there: what it sends is its browser's name, which events bear as well.
    let named = text(headers, &header::USER_AGENT).filter(|agent| !agent.starts_with("Mozilla/"));
    let client = text(headers, &CLIENT).or(named);
    Sender { client, ip: None, privacy: Some(privacy) }
}

/// Whose request it is. A path that names a project has to name the token's own.
fn sender(
    state: &AppState,
    headers: &HeaderMap,
    query: Option<&str>,
    named: &Named,
    address: Address,
) -> Result<(Token, Arc<Settled>), Problem> {
    let (tables, now) = (state.directory.tables(), state.store.now());
    let known = credentials(text(headers, &header::AUTHORIZATION), query);
    let (token, settled) = known
        .and_then(|secret| tables.token(&Store::hash_secret(&secret), now).map(|(token, _)| token.clone()))
        .and_then(|token| tables.settled(token.project).map(|settled| (token, settled)))
        .ok_or_else(|| unknown_token(state, address))?;
    let project = &settled.project;
    if let Some(id) = named.project.as_deref().filter(|id| *id != project.id.as_str()) {
        return Err(Problem::not_found(format!("there is no project {id}")));
    }
    if may_send(&token, project, headers) {
        check_rate(state, &token, address).map_err(|wait| slow_down(state, Some(project.pk), wait))?;
        state.store.note_token_use(token.pk);
        return Ok((token, settled));
    }
    state.store.count_refused(Some(project.pk), DropReason::Unauthorized);
    let detail = match token.scope {
        Scope::Read => "this token may read, not send",
        _ => "this token may be used from the project's web origins only",
    };
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}

/// These clients delete what they sent on 401. Who does that all the time is told to keep it and to come
/// later instead, which makes them rest for minutes.
fn unknown_token(state: &AppState, address: Address) -> Problem {
    match state.gate.bad_token(address, state.store.now()) {
        Ok(()) => {
            state.store.count_refused(None, DropReason::Unauthorized);
            Problem::new(StatusCode::UNAUTHORIZED, "expected a token of scope ingest")
        }
        Err(wait) => slow_down(state, None, wait),
    }
}

/// A status on which these clients keep what they sent.
fn slow_down(state: &AppState, project: Option<ProjectPk>, wait: Duration) -> Problem {
    state.store.count_refused(project, DropReason::RateLimited);
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests from this address").retry_after(wait)
}

/// The body as UTF-8, with its share of the memory.
async fn read_body(
    state: &AppState,
    project: ProjectPk,
    headers: &HeaderMap,
    body: Body,
) -> Result<Plain, Problem> {
    let content_type = text(headers, &header::CONTENT_TYPE);
    if !content_type.is_none_or(is_allowed_content_type) {
        state.store.count_refused(Some(project), DropReason::Unsupported);
        let detail = "expected a body of type application/json or text/plain";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let read = body::read(state, headers, body, BODY_BYTES_MAX, INFLATED_BYTES_MAX).await;
    let mut plain = read.map_err(|refused| refusal(state, project, &refused))?;
    if let Cow::Owned(utf8) = to_utf8(&plain.bytes, content_type) {
        plain.bytes = utf8;
    }
    Ok(plain)
}

/// The answer to a request that is refused, which is counted.
fn refusal(state: &AppState, project: ProjectPk, refused: &Refused) -> Problem {
    state.store.count_refused(Some(project), refused.reason());
    refused.problem()
}

fn submission(token: &Token, decoded: Decoded) -> Submission {
    let unreadable: u64 = decoded.unreadable.iter().map(|one| one.count() as u64).sum();
    let dropped = if unreadable > 0 { vec![(DropReason::Unreadable, unreadable)] } else { Vec::new() };
    let items = decoded.items.into_iter().map(item).collect();
    Submission { items, dropped, ..Submission::new(token.project, token.pk) }
}

/// An event with the part it plays in its session.
fn item(decoded: DecodedItem) -> Item {
    let event = decoded.event;
    let role = match &event.kind {
        EventKind::SessionStart => Role::Start,
        EventKind::SessionEnd => Role::End,
        EventKind::Other(word) if word == "heartbeat" => Role::Heartbeat,
        _ => Role::Ordinary,
    };
    let identity = decoded.identity.filter(|identity| !identity.trim().is_empty());
    let key = decoded.session_id.map(SessionKey::External).or_else(|| identity.map(SessionKey::Identity));
    let incoming = Incoming { properties: decoded.properties, ..Incoming::new(key, role, event) };
    Item { incoming, fingerprint: decoded.fingerprint }
}
