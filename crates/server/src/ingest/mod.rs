//! The foreign paths: machines come here with a token; no cookie is ever a credential.

pub(crate) mod body;
mod cors;
mod exceptionless;
mod loupe;
mod path;

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware;

use kymo_store::{Project, Scope, Token};

pub(crate) use self::loupe::refuse_post_of_page;
pub(crate) use self::path::{canonical_path, is_post_of_page};
use crate::access::Address;
use crate::routes::{Routes, get, post};
use crate::state::AppState;

/// Routes of every foreign protocol.
pub(crate) fn routes() -> Routes {
    exceptionless_routes().merge(loupe_routes())
}

fn loupe_routes() -> Routes {
    Routes::new()
        .route("/loupe/log", post(loupe::post_log))
        .route("/in/{token}/loupe/log", post(loupe::post_log))
        .layer(middleware::from_fn(|request, next| cors::echo(cors::LOUPE, request, next)))
}

fn exceptionless_routes() -> Routes {
    Routes::new()
        .route("/api/v2/events", post(exceptionless::post_events))
        .route("/api/v2/projects/{project}/events", post(exceptionless::post_events))
        .route("/api/v2/events/submit", get(exceptionless::submit))
        .route("/api/v2/events/submit/{type}", get(exceptionless::submit))
        .route("/api/v2/projects/{project}/events/submit", get(exceptionless::submit))
        .route("/api/v2/projects/{project}/events/submit/{type}", get(exceptionless::submit))
        .route("/api/v2/events/session/heartbeat", get(exceptionless::heartbeat))
        .route("/api/v2/projects/config", get(exceptionless::config))
        .route("/api/v2/projects/{project}/config", get(exceptionless::config))
        .route("/api/v2/events/by-ref/{reference}/user-description", post(exceptionless::describe))
        .route(
            "/api/v2/projects/{project}/events/by-ref/{reference}/user-description",
            post(exceptionless::describe),
        )
        .merge(reading_routes())
        .layer(middleware::from_fn(|request, next| cors::echo(cors::EXCEPTIONLESS, request, next)))
}

fn reading_routes() -> Routes {
    use exceptionless::reading::{by_reference, count, one, session_events, sessions};
    Routes::new()
        .route("/api/v2/events/sessions", get(sessions))
        .route("/api/v2/projects/{project}/events/sessions", get(sessions))
        .route("/api/v2/events/sessions/{session}", get(session_events))
        .route("/api/v2/projects/{project}/events/sessions/{session}", get(session_events))
        .route("/api/v2/events/count", get(count))
        .route("/api/v2/projects/{project}/events/count", get(count))
        .route("/api/v2/events/by-ref/{reference}", get(by_reference))
        .route("/api/v2/projects/{project}/events/by-ref/{reference}", get(by_reference))
        .route("/api/v2/events/{event}", get(one))
}

/// Whether a token may be used for sending, from where the request comes.
fn may_send(token: &Token, project: &Project, headers: &HeaderMap) -> bool {
    match token.scope {
        Scope::Ingest | Scope::Admin => true,
        Scope::Browser => {
            let from = text(headers, &header::ORIGIN).unwrap_or_default();
            project.origins.iter().any(|origin| origin == from)
        }
        Scope::Read => false,
    }
}

/// Public tokens are in everybody's hands: what they may send is limited for each address, never for the
/// token as a whole, which one visitor could use up for all.
fn check_rate(state: &AppState, token: &Token, address: Address) -> Result<(), Duration> {
    match token.scope {
        Scope::Browser => state.gate.browser_request(token, address, state.store.now()),
        Scope::Ingest | Scope::Read | Scope::Admin => Ok(()),
    }
}

fn text<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
