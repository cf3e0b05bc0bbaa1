//! Projects, and what became of what came in.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::parameters::Parameters;
use super::shapes::Moment;
use crate::access::Reader;
use crate::problem::Problem;
use crate::state::AppState;

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
