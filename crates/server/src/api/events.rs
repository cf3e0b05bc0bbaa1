//! Events of a session, of none, and their density.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use kymo_store::{DENSITY_BUCKETS_MAX, EventFilter, EventOrder, ProjectPk, StoredEvent};
use kymo_tracker::SessionRow;
use serde::Serialize;
use serde_json::{Value, json};

use super::parameters::{Parameters, cursor_text};
use super::shapes::{DensityBucketShape, EventShape, Moment};
use crate::access::Reader;
use crate::problem::Problem;
use crate::state::AppState;

/// Events of a page, and most of them: 5000 events are some 3 MB of JSON.
const PAGE_DEFAULT: u32 = 500;
const PAGE_MAX: u32 = 5000;
const DENSITY_BUCKETS_DEFAULT: u32 = 256;

#[derive(Serialize)]
pub(super) struct EventList {
    items: Vec<EventShape>,
    next_cursor: Option<String>,
    total: u64,
}

/// `GET /api/v1/sessions/{id}/events`
pub(super) async fn of_session(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<EventList>, Problem> {
    let (project, row) = state.store.session(reader.project, &id).await?;
    page(&state, project, Some(&row), &parameters).await
}

/// `GET /api/v1/events?project=ID`
pub(super) async fn without_session(
    State(state): State<AppState>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Json<EventList>, Problem> {
    let project = parameters.project(reader, &state)?.ok_or_else(|| Problem::input("expected project=ID"))?;
    page(&state, project, None, &parameters).await
}

async fn page(
    state: &AppState,
    project: ProjectPk,
    session: Option<&SessionRow>,
    parameters: &Parameters,
) -> Result<Json<EventList>, Problem> {
    let filter = EventFilter {
        text: parameters.text("text").map(str::to_owned),
        severity: parameters.severity("severity")?,
        errors_only: parameters.flag("errors")?,
        kind: parameters.text("kind").map(str::to_owned),
        reference_id: parameters.text("reference_id").map(str::to_owned),
        from: parameters.time("from")?,
        to: parameters.time("to")?,
    };
    let limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
    let after = parameters.event_cursor()?;
    // A tab's agent numbers its events; the clock of its machine may be set in between.
    let is_tab = session.is_some_and(|row| row.tab.is_some());
    let order = if is_tab { EventOrder::Sequence } else { EventOrder::Time };
    let session = session.map(|row| row.id);
    let page = state.store.events(project, session, filter, order, after, limit as usize).await?;
    let described = state.store.descriptions(project, &page.events).await?;
    let shape = |event: StoredEvent| {
        let description = event.reference_id.as_ref().and_then(|id| described.get(id)).cloned();
        EventShape::new(event, session, description)
    };
    Ok(Json(EventList {
        items: page.events.into_iter().map(shape).collect(),
        next_cursor: page.next.map(|next| cursor_text(next.time, next.sequence)),
        total: page.total,
    }))
}

/// `GET /api/v1/sessions/{id}/density`
pub(super) async fn density(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let (project, row) = state.store.session(reader.project, &id).await?;
    let from = parameters.time("from")?.unwrap_or(row.started_at);
    // The end is exclusive, the last event is not.
    let default_to = row.last_activity_at.plus(Duration::from_nanos(1));
    let to = parameters.time("to")?.unwrap_or(default_to).max(from.plus(Duration::from_nanos(1)));
    let buckets = parameters.number("buckets", 1, DENSITY_BUCKETS_MAX, DENSITY_BUCKETS_DEFAULT)?;
    let counted = state.store.density(project, row.id, from, to, buckets).await?;
    let items: Vec<DensityBucketShape> = counted.into_iter().map(DensityBucketShape::from).collect();
    Ok(Json(json!({
        "from": Moment(from),
        "to": Moment(to),
        "width_seconds": to.since(from).as_secs_f64() / f64::from(buckets),
        "buckets": items,
    })))
}
