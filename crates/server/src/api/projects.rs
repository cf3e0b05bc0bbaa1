//! Projects, and what became of what came in.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kymo_store::ProjectPk;
use serde_json::{Value, json};

use super::parameters::Parameters;
use super::shapes::Moment;
use crate::access::Reader;
use crate::problem::Problem;
use crate::settings;
use crate::state::AppState;

/// Longest change of a project: all its settings at their limits, escaped, and some space.
pub(super) const CHANGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// `GET /api/v1/projects`
pub(super) async fn list(State(state): State<AppState>, reader: Reader) -> Result<Json<Value>, Problem> {
    let counts = state.store.session_counts().await?;
    let projects = state.store.projects().await?;
    let items: Vec<Value> = projects
        .iter()
        .filter(|project| reader.project.is_none_or(|own| own == project.pk))
        .map(|project| {
            let (sessions, events) = counts
                .iter()
                .find(|(pk, ..)| *pk == project.pk)
                .map_or((0, 0), |(_, sessions, events)| (*sessions, *events));
            json!({
                "id": project.id.as_str(),
                "name": project.name,
                "created_at": Moment(project.created_at),
                "session_count": sessions,
                "event_count": events,
            })
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

/// `GET /api/v1/projects/{id}`
pub(super) async fn one(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    reader.must_be_admin()?;
    shown(&state, project(&state, &id)?)
}

/// `PATCH /api/v1/projects/{id}`: what the body names is changed, all of it or nothing.
pub(super) async fn change(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    reader.must_be_admin()?;
    let pk = project(&state, &id)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {CHANGE_BYTES_MAX} bytes"))
        }
        _ => Problem::input("the body broke off"),
    })?;
    let change: Value =
        serde_json::from_slice(&body).map_err(|error| Problem::input(format!("expected JSON: {error}")))?;
    state.store.change_project(pk, |project| settings::merge(project, &change)).await?;
    state.directory.refresh(&state.store).await?;
    shown(&state, pk)
}

fn project(state: &AppState, id: &str) -> Result<ProjectPk, Problem> {
    let tables = state.directory.tables();
    let project = tables.project_by_id(id).map(|project| project.pk);
    project.ok_or_else(|| Problem::not_found(format!("there is no project {id}")))
}

fn shown(state: &AppState, pk: ProjectPk) -> Result<Json<Value>, Problem> {
    let tables = state.directory.tables();
    let project = tables.project(pk).ok_or_else(|| Problem::not_found("the project is gone"))?;
    Ok(Json(settings::shown(project)))
}

/// `GET /api/v1/status`
pub(super) async fn status(
    State(state): State<AppState>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let project = parameters.project(reader, &state)?;
    let mut status = state.store.status(project).await?;
    let mut take = |name: &str| status.counters.remove(name).unwrap_or(0);
    let (accepted, stored) = (take("accepted"), take("stored"));
    Ok(Json(json!({
        "accepted": accepted,
        "stored": stored,
        "dropped": status.counters,
        "queue": {"waiting": status.waiting, "waiting_max": status.waiting_max},
        "tail": {"events": status.tail_events, "bytes": status.tail_bytes},
        "segments": status.segments,
        "started_at": Moment(state.started_at),
    })))
}
