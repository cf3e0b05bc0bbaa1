//! The foreign paths: machines come here with a token; no cookie is ever a credential.

mod body;
mod cors;
mod exceptionless;
mod loupe;
mod path;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware;
use axum::routing::{get, post};

use kymo_store::{Project, Scope, Token};

pub(crate) use self::loupe::refuse_post_of_page;
pub(crate) use self::path::{canonical_path, is_post_of_page};
use crate::state::AppState;

/// Routes of every foreign protocol.
pub(crate) fn routes() -> Router<AppState> {
    exceptionless_routes().merge(loupe_routes())
}

fn loupe_routes() -> Router<AppState> {
    Router::new()
        .route("/loupe/log", post(loupe::post_log))
        .route("/in/{token}/loupe/log", post(loupe::post_log))
        .layer(middleware::from_fn(|request, next| cors::echo(cors::LOUPE, request, next)))
}

fn exceptionless_routes() -> Router<AppState> {
    Router::new()
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
        .layer(middleware::from_fn(|request, next| cors::echo(cors::EXCEPTIONLESS, request, next)))
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

fn text<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
