//! The sessions report.

use axum::Json;
use axum::extract::{Path, State};
use kymo_store::{ProjectPk, SessionFilter};
use kymo_tracker::SessionRow;
use serde_json::{Value, json};

use super::parameters::{Parameters, cursor_text};
use super::shapes::SessionShape;
use crate::access::{Reader, Tables};
use crate::problem::Problem;
use crate::state::AppState;

/// Sessions of a page, and most of them.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 500;

/// `GET /api/v1/sessions`
pub(super) async fn list(
    State(state): State<AppState>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let filter = filter(&parameters, reader, &state)?;
    let limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
    // One more than asked for tells whether there is a next page.
    let mut rows = state.store.sessions(&filter, parameters.session_cursor()?, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|(_, row)| cursor_text(row.started_at, row.id));
    let tables = state.directory.tables();
    let items: Vec<SessionShape> = rows.iter().map(|(project, row)| shape(&tables, *project, row)).collect();
    Ok(Json(json!({"items": items, "next_cursor": next})))
}

/// `GET /api/v1/sessions/summary`
pub(super) async fn summary(
    State(state): State<AppState>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let summary = state.store.session_summary(&filter(&parameters, reader, &state)?).await?;
    Ok(Json(json!({
        "sessions": summary.sessions,
        "users": summary.users,
        "running": summary.running,
        "with_errors": summary.with_errors,
        "average_duration_seconds": summary.average_duration_seconds,
    })))
}

/// `GET /api/v1/sessions/{id}`
pub(super) async fn one(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<SessionShape>, Problem> {
    let (project, row) = state.store.session(reader.project, &id).await?;
    Ok(Json(shape(&state.directory.tables(), project, &row)))
}

fn shape(tables: &Tables, project: ProjectPk, row: &SessionRow) -> SessionShape {
    match tables.project(project) {
        Some(project) => SessionShape::new(project.id.as_str(), &project.name, row),
        None => SessionShape::new("", "", row),
    }
}

fn filter(parameters: &Parameters, reader: Reader, state: &AppState) -> Result<SessionFilter, Problem> {
    let running = match parameters.text("state") {
        None => None,
        Some("running") => Some(true),
        Some("ended") => Some(false),
        Some(other) => return Err(Problem::input(format!("state={other}: expected running or ended"))),
    };
    Ok(SessionFilter {
        project: parameters.project(reader, state)?,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        running,
        with_errors: parameters.flag("errors")?,
        visit: parameters.text("visit").map(str::to_owned),
        user: parameters.text("user").map(str::to_owned),
    })
}
