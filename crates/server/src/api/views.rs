//! Views: filters that people keep, alone or with those who see the same project.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kymo_model::SessionId;
use kymo_store::{Role, SavedView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::document::Refusal;
use super::input::Input;
use super::shapes::Moment;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// A view.
#[derive(Serialize, ToSchema)]
#[schema(as = View)]
pub(super) struct ViewShape {
    id: String,
    /// `null`: of no project in particular.
    project: Option<String>,
    /// Name of the member whose it is.
    owner: String,
    name: String,
    /// Others who see the project see it.
    is_shared: bool,
    /// What the page's URL holds.
    #[schema(value_type = BTreeMap<String, Value>)]
    view: Box<RawValue>,
    changed_at: Moment,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ViewList {
    items: Vec<ViewShape>,
}

/// A view as it is put.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewView {
    project: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[serde(default)]
    is_shared: bool,
    view: Map<String, Value>,
}

/// The caller's views and the shared ones of projects they see, by name
#[utoipa::path(
    get,
    path = "/api/v1/views",
    operation_id = "list_views",
    tag = "sessions",
    responses((status = 200, body = ViewList), Refusal)
)]
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<ViewList>, Problem> {
    let owner = if caller.is_person { caller.name.as_str() } else { "" };
    let views = state.store.saved_views(owner, &caller.projects()).await?;
    let items = views.into_iter().map(|view| shape(&state, view)).collect();
    Ok(Json(ViewList { items }))
}

/// Makes or replaces a view of one's own
///
/// The id is a UUID that the caller chooses: sent again, it is the same view. To share one of a project needs the
/// role member there; to share one of no project, an admin of the server.
#[utoipa::path(
    put,
    path = "/api/v1/views/{id}",
    operation_id = "put_view",
    tag = "sessions",
    params(("id" = String, Path, description = "A UUID")),
    request_body = NewView,
    responses((status = 200, body = ViewShape), Refusal)
)]
pub(super) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    input: Input,
) -> Result<Json<ViewShape>, Problem> {
    caller.must_be_person()?;
    let new: NewView = input.json()?;
    let project = new.project.map(|id| caller.project(&state, &id)).transpose()?;
    match project {
        Some(project) if new.is_shared => caller.must_be(Role::Member, project)?,
        None if new.is_shared && !caller.is_server_admin() => {
            let detail = "only an admin of the server shares a view that is of no project";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        _ => {}
    }
    let view = SavedView {
        id: view_id(&id)?,
        project,
        owner: caller.name,
        name: new.name.trim().to_owned(),
        is_shared: new.is_shared,
        view: Value::Object(new.view).to_string(),
        changed_at: state.store.now(),
    };
    state.store.put_view(&view).await?;
    Ok(Json(shape(&state, view)))
}

/// Removes a view of one's own
#[utoipa::path(
    delete,
    path = "/api/v1/views/{id}",
    operation_id = "delete_view",
    tag = "sessions",
    params(("id" = String, Path, description = "A UUID")),
    responses((status = 204, description = "It is not there (any more)"), Refusal)
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be_person()?;
    state.store.delete_view(&caller.name, view_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view_id(id: &str) -> Result<SessionId, Problem> {
    id.parse().map_err(|_| {
        Problem::input(format!("{id}: expected a UUID such as 0192f0c1-2b3c-8d4e-9f50-61728394a5b6"))
    })
}

fn shape(state: &AppState, view: SavedView) -> ViewShape {
    let tables = state.directory.tables();
    let project = view.project.and_then(|pk| Some(tables.project(pk)?.id.to_string()));
    ViewShape {
        id: view.id.to_string(),
        project,
        owner: view.owner,
        name: view.name,
        is_shared: view.is_shared,
        view: RawValue::from_string(view.view).unwrap_or_default(),
        changed_at: Moment(view.changed_at),
    }
}
