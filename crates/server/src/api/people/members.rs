//! Members of the server, and who of them may do what in a project.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kymo_model::Timestamp;
use kymo_store::{MemberChange, MemberRow, ProjectPk, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Caller, Tables};
use crate::admin::make;
use crate::admin::people::role_of;
use crate::api::Refusal;
use crate::api::input::Input;
use crate::api::shapes::Moment;
use crate::problem::Problem;
use crate::state::AppState;

/// A member of the server.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberShape {
    name: String,
    /// Administers the server, and so every project.
    is_admin: bool,
    has_password: bool,
    created_at: Moment,
    /// When a browser that is signed in was last used, to the minute.
    last_used_at: Option<Moment>,
    /// Roles by project id.
    roles: BTreeMap<String, &'static str>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct MemberList {
    items: Vec<MemberShape>,
}

/// A one-time link; it is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = SignInLink)]
pub(super) struct LinkShape {
    /// To be put behind the server's URL.
    path: String,
    expires_at: Moment,
}

/// A member, and the link by which they sign in if one was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberWithLink {
    member: MemberShape,
    link: Option<LinkShape>,
}

/// A member to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddMember {
    name: String,
    #[serde(default)]
    is_admin: bool,
    /// Roles by project id.
    #[serde(default)]
    roles: BTreeMap<String, String>,
}

/// What to change of a member; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeMember {
    is_admin: Option<bool>,
    /// Roles by project id; `null` takes the role away.
    #[serde(default)]
    roles: BTreeMap<String, Option<String>>,
    /// For who forgot it. Signs all their browsers out.
    #[serde(default)]
    remove_password: bool,
    /// Signs all their browsers out.
    #[serde(default)]
    end_sessions: bool,
    /// Makes a one-time link for them.
    #[serde(default)]
    new_link: bool,
}

/// A member as a project sees them.
#[derive(Serialize, ToSchema)]
#[schema(as = ProjectMember)]
pub(super) struct ProjectMemberShape {
    name: String,
    role: &'static str,
    /// Has this role as an admin of the server, whatever the project says.
    is_server_admin: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ProjectMemberList {
    items: Vec<ProjectMemberShape>,
}

/// The role that somebody shall have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRole {
    role: String,
}

/// Members, for admins of the server
#[utoipa::path(
    get,
    path = "/api/v1/members",
    operation_id = "list_members",
    tag = "people",
    responses((status = 200, body = MemberList), Refusal)
)]
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<MemberList>, Problem> {
    caller.must_be_server_admin()?;
    let tables = state.directory.tables();
    let members = state.store.members().await?;
    Ok(Json(MemberList { items: members.into_iter().map(|member| shape(member, &tables)).collect() }))
}

/// Adds a member; they sign in by the link of the answer
#[utoipa::path(
    post,
    path = "/api/v1/members",
    operation_id = "add_member",
    tag = "people",
    request_body = AddMember,
    responses((status = 201, body = MemberWithLink), Refusal)
)]
pub(super) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    input: Input,
) -> Result<(StatusCode, Json<MemberWithLink>), Problem> {
    caller.must_be_server_admin()?;
    let wanted: AddMember = input.json()?;
    let tables = state.directory.tables();
    let roles = wanted.roles.iter().map(|(project, role)| Ok((pk_of(&tables, project)?, role_of(role)?)));
    let roles: Vec<(ProjectPk, Role)> = roles.collect::<Result<_, Problem>>()?;
    let name = state.store.add_member(&wanted.name, wanted.is_admin, &roles, &caller.actor()).await?;
    let link = Some(new_link(&state, &caller, &name).await?);
    let member = one(&state, &tables, &name).await?;
    Ok((StatusCode::CREATED, Json(MemberWithLink { member, link })))
}

/// A member, for admins of the server
#[utoipa::path(
    get,
    path = "/api/v1/members/{name}",
    operation_id = "get_member",
    tag = "people",
    params(
        ("name" = String, Path, description = "The member's name")
    ),
    responses((status = 200, body = MemberShape), Refusal)
)]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<MemberShape>, Problem> {
    caller.must_be_server_admin()?;
    Ok(Json(one(&state, &state.directory.tables(), &name).await?))
}

/// Changes what is named of a member
#[utoipa::path(
    patch,
    path = "/api/v1/members/{name}",
    operation_id = "change_member",
    tag = "people",
    params(
        ("name" = String, Path, description = "The member's name")
    ),
    request_body = ChangeMember,
    responses((status = 200, body = MemberWithLink), Refusal)
)]
pub(super) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    input: Input,
) -> Result<Json<MemberWithLink>, Problem> {
    caller.must_be_server_admin()?;
    let wanted: ChangeMember = input.json()?;
    let tables = state.directory.tables();
    let roles = wanted
        .roles
        .iter()
        .map(|(project, role)| Ok((pk_of(&tables, project)?, role.as_deref().map(role_of).transpose()?)));
    let change = MemberChange {
        is_admin: wanted.is_admin,
        roles: roles.collect::<Result<_, Problem>>()?,
        remove_password: wanted.remove_password,
        end_sessions: wanted.end_sessions,
    };
    state.store.change_member(&name, &change, &caller.actor()).await?;
    state.gate.changed();
    let link = if wanted.new_link { Some(new_link(&state, &caller, &name).await?) } else { None };
    Ok(Json(MemberWithLink { member: one(&state, &tables, &name).await?, link }))
}

/// Removes a member and signs their browsers out
#[utoipa::path(
    delete,
    path = "/api/v1/members/{name}",
    operation_id = "remove_member",
    tag = "people",
    params(
        ("name" = String, Path, description = "The member's name")
    ),
    responses((status = 204, description = "They are no member (any more)"), Refusal)
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be_server_admin()?;
    state.store.remove_member(&name, &caller.actor()).await?;
    state.gate.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// Members of a project, for its admins
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/members",
    operation_id = "list_project_members",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id")
    ),
    responses((status = 200, body = ProjectMemberList), Refusal)
)]
pub(super) async fn of_project(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ProjectMemberList>, Problem> {
    let project = caller.administered_project(&state, &id)?;
    let members = state.store.members().await?.into_iter().filter_map(|member| {
        let own = member.roles.get(&project).copied();
        let role = if member.is_admin { Some(Role::Admin) } else { own };
        let (name, is_server_admin) = (member.name, member.is_admin);
        role.map(|role| ProjectMemberShape { name, role: role.as_str(), is_server_admin })
    });
    Ok(Json(ProjectMemberList { items: members.collect() }))
}

/// Gives a member a role in a project
#[utoipa::path(
    put,
    path = "/api/v1/projects/{id}/members/{name}",
    operation_id = "set_role",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id"),
        ("name" = String, Path, description = "The member's name")
    ),
    request_body = SetRole,
    responses((status = 204, description = "They have it"), Refusal)
)]
pub(super) async fn set_role(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    input: Input,
) -> Result<StatusCode, Problem> {
    let project = caller.administered_project(&state, &id)?;
    let wanted: SetRole = input.json()?;
    change_role(&state, &caller, &name, project, Some(role_of(&wanted.role)?)).await
}

/// Takes the role in a project away
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}/members/{name}",
    operation_id = "remove_role",
    tag = "people",
    params(
        ("id" = String, Path, description = "The project's id"),
        ("name" = String, Path, description = "The member's name")
    ),
    responses((status = 204, description = "They have none (any more)"), Refusal)
)]
pub(super) async fn remove_role(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let project = caller.administered_project(&state, &id)?;
    change_role(&state, &caller, &name, project, None).await
}

async fn change_role(
    state: &AppState,
    caller: &Caller,
    name: &str,
    project: ProjectPk,
    role: Option<Role>,
) -> Result<StatusCode, Problem> {
    let change = MemberChange { roles: vec![(project, role)], ..MemberChange::default() };
    state.store.change_member(name, &change, &caller.actor()).await?;
    state.gate.changed();
    Ok(StatusCode::NO_CONTENT)
}

async fn new_link(state: &AppState, caller: &Caller, name: &str) -> Result<LinkShape, Problem> {
    let (code, expires_at): (String, Timestamp) =
        make::login_code(&state.store, Some(name), &caller.actor()).await?;
    Ok(LinkShape { path: format!("/login?code={code}"), expires_at: Moment(expires_at) })
}

async fn one(state: &AppState, tables: &Tables, name: &str) -> Result<MemberShape, Problem> {
    let (folded, members) = (name.trim().to_lowercase(), state.store.members().await?);
    let found = members.into_iter().find(|member| member.name == folded);
    found
        .map(|member| shape(member, tables))
        .ok_or_else(|| Problem::not_found(format!("there is no member {name}")))
}

fn pk_of(tables: &Tables, project: &str) -> Result<ProjectPk, Problem> {
    let known = tables.project_by_id(project).map(|project| project.pk);
    known.ok_or_else(|| Problem::input(format!("roles: there is no project {project}")))
}

fn shape(member: MemberRow, tables: &Tables) -> MemberShape {
    let roles = member
        .roles
        .iter()
        .filter_map(|(project, role)| Some((tables.project(*project)?.id.to_string(), role.as_str())));
    MemberShape {
        roles: roles.collect(),
        is_admin: member.is_admin,
        has_password: member.has_password,
        created_at: Moment(member.created_at),
        last_used_at: member.last_used_at.map(Moment),
        name: member.name,
    }
}
