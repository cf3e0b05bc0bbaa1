//! Projects, and what became of what came in.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kymo_store::{Action, CATALOG_VERSION, ProjectPk};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::VERSION;
use super::document::Refusal;
use super::input::Input;
use super::parameters::Parameters;
use super::shapes::Moment;
use crate::access::{Caller, audit};
use crate::admin::make;
use crate::problem::Problem;
use crate::server::not_ready;
use crate::settings;
use crate::state::AppState;

/// Longest change of a project: all its settings at their limits, escaped, and some space.
pub(super) const CHANGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A project as it stands in the list.
#[derive(Serialize, ToSchema)]
pub(super) struct Project {
    id: String,
    name: String,
    created_at: Moment,
    session_count: u64,
    /// Events stored and not removed again, also those without a session.
    event_count: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ProjectList {
    items: Vec<Project>,
}

/// A project with its settings.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `settings` writes")]
pub(super) struct ProjectSettings {
    id: String,
    name: String,
    created_at: Moment,
    /// Web origins that may send with a `browser` token.
    origins: Vec<String>,
    sessions: SessionLimits,
    /// Sessions silent for longer are removed; `null`: as the server is set.
    retention_days: Option<u32>,
    /// What holds where `retention_days` is `null`; `null`: nothing is removed.
    retention_default_days: Option<u32>,
    /// What agents fetch; keys are theirs.
    client_settings: BTreeMap<String, String>,
    /// Rises with every change of `client_settings`.
    config_version: u64,
    upload: UploadSettings,
    live: LiveSettings,
}

/// Whether a project's programs may be followed while they run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `settings` writes")]
pub(super) struct LiveSettings {
    /// They may, where the server lets them.
    enabled: bool,
}

/// What a project wants of the sessions that its programs recorded.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `settings` writes")]
pub(super) struct UploadSettings {
    /// `all`, `with_errors` or `none`.
    wanted: String,
}

/// Limits of the session rules in seconds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `settings` writes")]
pub(super) struct SessionLimits {
    split_after_seconds: u64,
    idle_after_seconds: u64,
    close_grace_seconds: u64,
    browser_idle_after_seconds: u64,
    /// Names of the limits that the project does not set itself.
    defaults: Vec<String>,
}

/// What is named is changed; `null` unsets a limit or client setting.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `settings` reads")]
pub(super) struct ProjectChange {
    name: Option<String>,
    origins: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    sessions: Option<()>,
    #[schema(value_type = Option<Object>)]
    client_settings: Option<()>,
    retention_days: Option<u32>,
    /// `{"wanted": "all" | "with_errors" | "none" | null}`.
    #[schema(value_type = Option<Object>)]
    upload: Option<()>,
    /// `{"enabled": true | false}`.
    #[schema(value_type = Option<Object>)]
    live: Option<()>,
}

/// What was taken in and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    accepted: u64,
    stored: u64,
    /// By reason.
    dropped: BTreeMap<String, u64>,
    removed: Removed,
    queue: Queue,
    tail: Tail,
    segments: u64,
    /// When something of these projects was last stored.
    last_stored_at: Option<Moment>,
    disk: Disk,
    /// What `/readyz` complains about; `null`: it is ready.
    not_ready: Option<&'static str>,
    started_at: Moment,
    server_version: &'static str,
    /// Of the layout of the data folder's database.
    catalog_version: &'static str,
}

/// The disk of the data folder.
#[derive(Serialize, ToSchema)]
struct Disk {
    /// `null`: the system does not tell.
    free_bytes: Option<u64>,
    /// With less than this the server is not ready.
    free_bytes_min: u64,
}

/// What retention took away.
#[derive(Serialize, ToSchema)]
struct Removed {
    sessions: u64,
    events: u64,
    /// Of segment files.
    bytes: u64,
}

/// Requests waiting to be stored.
#[derive(Serialize, ToSchema)]
struct Queue {
    waiting: u64,
    waiting_max: u64,
}

/// What is stored in the catalog and not yet in a segment.
#[derive(Serialize, ToSchema)]
struct Tail {
    events: u64,
    bytes: u64,
}

/// The projects that the caller may see
#[utoipa::path(get, path = "/api/v1/projects", operation_id = "list_projects", tag = "projects", responses((status = 200, body = ProjectList), Refusal))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<ProjectList>, Problem> {
    let (counts, counters) = (state.store.session_counts().await?, state.store.counters().await?);
    // What is stored and was not removed again: adding sessions up takes seconds at a million.
    let counter = |project, name: &str| counters.get(&(project, name.to_owned())).copied().unwrap_or(0);
    let projects = state.store.projects().await?;
    let seen = projects.into_iter().filter(|project| caller.sees(project.pk));
    let items = seen.map(|project| {
        let session_count = counts.get(&project.pk).copied().unwrap_or(0);
        let event_count = counter(project.pk, "stored").saturating_sub(counter(project.pk, "removed_events"));
        let (id, created_at) = (project.id.to_string(), Moment(project.created_at));
        Project { id, name: project.name, created_at, session_count, event_count }
    });
    Ok(Json(ProjectList { items: items.collect() }))
}

/// A project to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddProject {
    name: String,
    /// Made from the name if not given.
    id: Option<String>,
    /// Web origins that may send with a `browser` token.
    #[serde(default)]
    origins: Vec<String>,
}

/// Makes a project, for admins of the server
#[utoipa::path(
    post,
    path = "/api/v1/projects",
    operation_id = "add_project",
    tag = "projects",
    request_body = AddProject,
    responses((status = 201, body = ProjectSettings), Refusal)
)]
pub(super) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    input: Input,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.must_be_server_admin()?;
    let wanted: AddProject = input.json()?;
    let (id, by) = (wanted.id.as_deref(), caller.actor());
    let id = make::project(&state.store, &wanted.name, id, &wanted.origins, &by).await?;
    state.access_changed().await?;
    let pk = caller.project(&state, id.as_str())?;
    Ok((StatusCode::CREATED, shown(&state, pk)?))
}

/// A project with its settings, for its admins
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}",
    operation_id = "get_project",
    tag = "projects",
    params(("id" = String, Path, description = "The project's id")),
    responses((status = 200, body = ProjectSettings), Refusal)
)]
pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let pk = caller.administered_project(&state, &id)?;
    shown(&state, pk)
}

/// Changes a project's settings, for its admins
///
/// What the body names is changed, all of it or nothing.
#[utoipa::path(
    patch,
    path = "/api/v1/projects/{id}",
    operation_id = "change_project",
    tag = "projects",
    params(("id" = String, Path, description = "The project's id")),
    request_body = ProjectChange,
    responses((status = 200, body = ProjectSettings), Refusal)
)]
pub(super) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let pk = caller.administered_project(&state, &id)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {CHANGE_BYTES_MAX} bytes"))
        }
        _ => Problem::input("the body broke off"),
    })?;
    let change: Value =
        serde_json::from_slice(&body).map_err(|error| Problem::input(format!("expected JSON: {error}")))?;
    state.store.change_project(pk, |project| settings::merge(project, &change)).await?;
    let target = settings::changed_keys(&change);
    audit::record(&state, &caller, Action::ProjectChange, Some(pk), Some(&target)).await?;
    state.directory.refresh(&state.store).await?;
    shown(&state, pk)
}

fn shown(state: &AppState, pk: ProjectPk) -> Result<Json<Value>, Problem> {
    let tables = state.directory.tables();
    let project = tables.project(pk).ok_or_else(|| Problem::not_found("the project is gone"))?;
    let mut shown = settings::shown(project);
    shown["retention_default_days"] = state.store.default_retention().into();
    Ok(Json(shown))
}

/// What was taken in and what became of it
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "get_status",
    tag = "server",
    params(("project" = Option<String>, Query, description = "Counters of this project only")),
    responses((status = 200, body = Status), Refusal)
)]
pub(super) async fn status(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<Status>, Problem> {
    let project = parameters.projects(&caller, &state)?;
    let mut status = state.store.status(&project).await?;
    let last_stored_at = state.store.last_stored_at(&project).await?;
    let readiness = state.store.readiness().await;
    let mut take = |name: &str| status.counters.remove(name).unwrap_or(0);
    let (accepted, stored) = (take("accepted"), take("stored"));
    let removed = Removed {
        sessions: take("removed_sessions"),
        events: take("removed_events"),
        bytes: take("removed_bytes"),
    };
    Ok(Json(Status {
        accepted,
        stored,
        dropped: status.counters,
        removed,
        queue: Queue { waiting: status.waiting as u64, waiting_max: status.waiting_max as u64 },
        tail: Tail { events: status.tail_events as u64, bytes: status.tail_bytes as u64 },
        segments: status.segments as u64,
        last_stored_at: last_stored_at.map(Moment),
        disk: Disk { free_bytes: readiness.free_bytes, free_bytes_min: state.free_bytes_min },
        not_ready: not_ready(&state, readiness),
        started_at: Moment(state.started_at),
        server_version: VERSION,
        catalog_version: CATALOG_VERSION,
    }))
}
