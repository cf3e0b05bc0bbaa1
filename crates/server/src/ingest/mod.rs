//! The foreign paths: machines come here with a token, and cookies are never looked at.

mod cors;
mod exceptionless;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use kymo_compat::exceptionless::BODY_BYTES_MAX;

use crate::state::AppState;

/// Routes of every foreign protocol.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v2/events", post(exceptionless::post_events))
        .route("/api/v2/projects/{project}/events", post(exceptionless::post_events))
        .route("/api/v2/events/submit", get(exceptionless::submit))
        .route("/api/v2/events/submit/{type}", get(exceptionless::submit))
        .route("/api/v2/projects/{project}/events/submit", get(exceptionless::submit))
        .route("/api/v2/projects/{project}/events/submit/{type}", get(exceptionless::submit))
        .route("/api/v2/events/session/heartbeat", get(exceptionless::heartbeat))
        .route("/api/v2/projects/config", get(exceptionless::config))
        // One byte over the limit is read, so that "too large" is told from "just fits".
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX + 1))
        .layer(middleware::from_fn(cors::echo))
}
