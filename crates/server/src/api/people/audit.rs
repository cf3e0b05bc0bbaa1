//! The audit log.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kymo_store::{AuditEntry, Projects};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Caller, Tables};
use crate::api::Refusal;
use crate::api::parameters::Parameters;
use crate::api::shapes::Moment;
use crate::problem::Problem;
use crate::state::AppState;

/// Rows of a page, and most of them.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

/// One thing that was done.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct AuditShape {
    at: Moment,
    /// A member's name, `token` and its first characters, or `command line`.
    actor: String,
    action: String,
    /// A project's id.
    project: Option<String>,
    target: Option<String>,
    address: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AuditList {
    items: Vec<AuditShape>,
    next_cursor: Option<String>,
}

/// What was done to accounts, tokens and projects, newest first
///
/// All for an admin of the server, else that of the projects the caller administers.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "people",
    params(
        ("project" = Option<String>, Query, description = "Of this project only"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items of the page"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, body = AuditList), Refusal)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<AuditList>, Problem> {
    let projects = match parameters.text("project") {
        Some(id) => {
            let project = caller.administered_project(&state, id)?;
            Projects::one(project)
        }
        None => caller.administered(),
    };
    if matches!(&projects, Projects::Only(projects) if projects.is_empty()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this needs the role admin in a project"));
    }
    let before =
        match parameters.text("cursor") {
            Some(text) => Some(text.parse().map_err(|_| {
                Problem::input(format!("cursor={text}: expected the next_cursor of an answer"))
            })?),
            None => None,
        };
    let limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
    let mut entries = state.store.audit(&projects, before, limit + 1).await?;
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next_cursor = entries.last().filter(|_| more).map(|entry| entry.pk.to_string());
    let tables = state.directory.tables();
    let items = entries.into_iter().map(|entry| shape(entry, &tables)).collect();
    Ok(Json(AuditList { items, next_cursor }))
}

fn shape(entry: AuditEntry, tables: &Tables) -> AuditShape {
    let project = entry.project.and_then(|project| tables.project(project));
    AuditShape {
        at: Moment(entry.at),
        actor: entry.actor,
        action: entry.action,
        project: project.map(|project| project.id.to_string()),
        target: entry.target,
        address: entry.address,
    }
}
