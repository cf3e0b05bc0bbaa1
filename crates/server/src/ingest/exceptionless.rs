//! The Exceptionless client API: events, heartbeats, configuration.
//!
//! Every answer is one that the existing clients survive (they drop events on 400, 401, 404 and
//! keep them on 503): 202 with an empty body and nothing else means stored.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::{
    BODY_BYTES_MAX, Decoded, INFLATED_BYTES_MAX, InflateError, Item as DecodedItem, Submission as Sender,
    config_answer, credentials, decode_events, decode_submit, inflate, is_allowed_content_type,
    parse_heartbeat, to_utf8,
};
use kymo_model::{DropReason, EventKind};
use kymo_store::{Item, Project, Scope, Submission, Token};
use kymo_tracker::{Incoming, Role, SessionKey, Signal};
use serde::Deserialize;

use crate::problem::Problem;
use crate::state::AppState;

/// Tells the client which version of its settings is current.
const CONFIG_VERSION: HeaderName = HeaderName::from_static("x-exceptionless-configversion");
const CLIENT: HeaderName = HeaderName::from_static("x-exceptionless-client");

/// What a path may name: the project and the type of a single event.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    project: Option<String>,
    r#type: Option<String>,
}

/// `POST /api/v2/events` and `/api/v2/projects/{id}/events`: 202 once everything in it is stored.
pub(super) async fn post_events(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let (token, project) = sender(&state, &headers, query.as_deref(), &named)?;
    let content_type = text(&headers, &header::CONTENT_TYPE);
    if !content_type.is_none_or(is_allowed_content_type) {
        let detail = "expected a body of type application/json or text/plain";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let decompressed = match decompress(&headers, body) {
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            state.store.count_refused(project.pk, DropReason::TooLarge).await?;
            return Err(problem);
        }
        other => other?,
    };
    let kib = u32::try_from(decompressed.len() / 1024 + 1).unwrap_or(u32::MAX);
    let Ok(_in_work) = state.body_kib.try_acquire_many(kib) else {
        state.store.count_refused(project.pk, DropReason::Overload).await?;
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too much is waiting to be stored, try again",
        ));
    };
    let utf8 = to_utf8(&decompressed, content_type);
    let decoded = decode_events(&utf8, state.store.now(), &client(&headers));
    drop(utf8);
    drop(decompressed);
    state.store.submit(submission(&token, decoded)).await?;
    Ok((StatusCode::ACCEPTED, [(CONFIG_VERSION, project.config_version.to_string())]).into_response())
}

/// `GET /api/v2/events/submit[/{type}]` and the same below `/projects/{id}`: one event from the
/// query; 200, also when there is nothing in it.
pub(super) async fn submit(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (token, project) = sender(&state, &headers, query.as_deref(), &named)?;
    let (query, kind) = (query.unwrap_or_default(), named.r#type.as_deref());
    if let Some(event) = decode_submit(&query, kind, state.store.now(), &client(&headers)) {
        let decoded = Decoded { items: vec![event], unreadable: Vec::new() };
        state.store.submit(submission(&token, decoded)).await?;
    }
    Ok((StatusCode::OK, [(CONFIG_VERSION, project.config_version.to_string())]).into_response())
}

/// `GET /api/v2/events/session/heartbeat?id=…&close=…`: 200, whatever it says.
pub(super) async fn heartbeat(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (token, project) = sender(&state, &headers, query.as_deref(), &Named::default())?;
    if let Some(beat) = parse_heartbeat(query.as_deref().unwrap_or_default()) {
        let signals = vec![Signal { id: beat.id, close: beat.close }];
        let submission = Submission {
            project: project.pk,
            token: token.pk,
            items: Vec::new(),
            signals,
            dropped: Vec::new(),
        };
        state.store.submit(submission).await?;
    }
    Ok(StatusCode::OK)
}

/// `GET /api/v2/projects/config?v=N`: the settings, or 304 when the client has them.
pub(super) async fn config(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, project) = sender(&state, &headers, query.as_deref(), &Named::default())?;
    let known = query.as_deref().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("v="));
    Ok(match config_answer(known, project.config_version, &project.client_settings) {
        Some(settings) => {
            ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], settings).into_response()
        }
        None => StatusCode::NOT_MODIFIED.into_response(),
    })
}

fn text<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The agent as it names itself.
fn client(headers: &HeaderMap) -> Sender<'_> {
    Sender { client: text(headers, &CLIENT).or_else(|| text(headers, &header::USER_AGENT)), ip: None }
}

/// Whose request it is. A path that names a project has to name the token's own.
fn sender(
    state: &AppState,
    headers: &HeaderMap,
    query: Option<&str>,
    named: &Named,
) -> Result<(Token, Project), Problem> {
    let tables = state.directory.tables();
    let known = credentials(text(headers, &header::AUTHORIZATION), query);
    let (token, project) = known
        .and_then(|secret| tables.token(&secret).map(|(token, project)| (token.clone(), project.clone())))
        .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "expected a token of scope ingest"))?;
    if let Some(id) = named.project.as_deref().filter(|id| *id != project.id.as_str()) {
        return Err(Problem::not_found(format!("there is no project {id}")));
    }
    match token.scope {
        Scope::Ingest | Scope::Admin => Ok((token, project)),
        Scope::Browser => {
            let from = text(headers, &header::ORIGIN).unwrap_or_default();
            if project.origins.iter().any(|origin| origin == from) {
                Ok((token, project))
            } else {
                Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "this token may be used from the project's web origins only",
                ))
            }
        }
        Scope::Read => Err(Problem::new(StatusCode::FORBIDDEN, "this token may read, not send")),
    }
}

fn decompress(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {BODY_BYTES_MAX} bytes"));
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(too_large()),
        Err(_) => return Err(Problem::input("the body broke off")),
    };
    if body.is_empty() {
        return Err(Problem::new(StatusCode::LENGTH_REQUIRED, "expected a body"));
    }
    if body.len() > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    match inflate(&body, encoding, INFLATED_BYTES_MAX) {
        Ok(plain) => Ok(plain.into_owned()),
        Err(error @ InflateError::UnknownEncoding { .. }) => {
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()))
        }
        Err(error @ InflateError::TooLarge { .. }) => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))
        }
        Err(error) => Err(Problem::input(error.to_string())),
    }
}

fn submission(token: &Token, decoded: Decoded) -> Submission {
    let unreadable: u64 = decoded.unreadable.iter().map(|one| one.count() as u64).sum();
    let dropped = if unreadable > 0 { vec![(DropReason::Unreadable, unreadable)] } else { Vec::new() };
    Submission {
        project: token.project,
        token: token.pk,
        items: decoded.items.into_iter().map(item).collect(),
        signals: Vec::new(),
        dropped,
    }
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
    let identity = event.user.as_ref().and_then(|user| user.id.as_deref()).filter(|id| !id.trim().is_empty());
    let key = decoded
        .session_id
        .map(SessionKey::External)
        .or_else(|| identity.map(|identity| SessionKey::Identity(identity.to_owned())));
    let incoming = Incoming { key, role, event, properties: decoded.properties, arrival: 0 };
    Item { incoming, fingerprint: decoded.fingerprint }
}
