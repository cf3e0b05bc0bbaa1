//! `/api/v1`: what the page, the command line and scripts read. Shapes are in `docs/api.md`.

mod changes;
mod events;
mod parameters;
mod projects;
mod sessions;
mod shapes;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::access::Reader;
use crate::login;
use crate::state::AppState;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All routes of the API.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/me", get(me))
        .route("/api/v1/logout", post(login::sign_out))
        .route("/api/v1/projects", get(projects::list))
        .route(
            "/api/v1/projects/{id}",
            get(projects::one)
                .patch(projects::change)
                .layer(DefaultBodyLimit::max(projects::CHANGE_BYTES_MAX)),
        )
        .route("/api/v1/status", get(projects::status))
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/summary", get(sessions::summary))
        .route("/api/v1/sessions/{id}", get(sessions::one))
        .route("/api/v1/sessions/{id}/events", get(events::of_session))
        .route("/api/v1/sessions/{id}/density", get(events::density))
        .route("/api/v1/events", get(events::without_session))
        .route("/api/v1/changes", get(changes::stream))
}

async fn me(reader: Reader) -> Json<Value> {
    let role = if reader.project.is_none() { "admin" } else { "reader" };
    let name = if reader.is_person { "admin" } else { "token" };
    Json(json!({"name": name, "role": role, "server_version": VERSION}))
}
