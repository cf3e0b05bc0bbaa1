//! Users of the sessions that match: support starts with a name.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use kymo_model::Timestamp;
use kymo_store::{SessionFilter, StoreErrorKind, UserCursor, UserSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::{FormatQuery, PageQuery, Refusal};
use super::export::{Format, Page, Pages, export, only};
use super::parameters::{Parameters, cursor_text};
use super::sessions::{PAGE_DEFAULT, PAGE_MAX, SessionQuery, filter};
use super::shapes::Moment;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// A user over the sessions that match.
#[derive(Serialize, ToSchema)]
pub(super) struct UserReport {
    /// The id, or the name of a user that has none.
    key: String,
    name: Option<String>,
    session_count: u64,
    running_count: u64,
    sessions_with_errors: u64,
    /// Of these sessions.
    event_count: u64,
    /// Of these sessions.
    error_count: u64,
    first_seen_at: Moment,
    last_seen_at: Moment,
    last_session_id: String,
    /// Of the last session.
    application: Option<String>,
    /// Of the last session.
    version: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserList {
    items: Vec<UserReport>,
    /// For the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// Users of the sessions that match, last seen first
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "list_users",
    tag = "users",
    params(SessionQuery, PageQuery, FormatQuery),
    responses(
        (status = 200, content((UserList = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
        Refusal
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = filter(&parameters, &caller, &state)?;
    let mut pages = Users { state, filter, limit: PAGE_MAX };
    match Format::asked(&parameters, &headers)? {
        Format::Json => {
            pages.limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
            let (items, next) = pages.page(user_cursor(&parameters)?).await?;
            let next_cursor =
                next.map(|next| cursor_text(next.last_seen_at.as_unix_nanos(), BASE64.encode(&next.key)));
            Ok(Json(UserList { items, next_cursor }).into_response())
        }
        format => {
            let (state, project) = (pages.state.clone(), only(&pages.filter.projects));
            export(&state, &caller, project, (pages, format)).await
        }
    }
}

fn user_cursor(parameters: &Parameters) -> Result<Option<UserCursor>, Problem> {
    parameters.cursor(|nanos, key| {
        let key = String::from_utf8(BASE64.decode(key).ok()?).ok()?;
        Some(UserCursor { last_seen_at: Timestamp::from_unix_nanos(nanos), key })
    })
}

/// One user, by the key of the list
#[utoipa::path(
    get,
    path = "/api/v1/users/{key}",
    operation_id = "get_user",
    tag = "users",
    params(("key" = String, Path, description = "The user's id, or the name of one that has none"), SessionQuery),
    responses((status = 200, body = UserReport), Refusal)
)]
pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(key): Path<String>,
    parameters: Parameters,
) -> Result<Json<UserReport>, Problem> {
    let filter = filter(&parameters, &caller, &state)?;
    let user = state.store.user(&filter, &key).await?;
    Ok(Json(report(&state, &filter, user).await?))
}

struct Users {
    state: AppState,
    filter: SessionFilter,
    limit: u32,
}

impl Pages for Users {
    type Item = UserReport;
    type Cursor = UserCursor;

    const NAME: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "key",
        "name",
        "session_count",
        "running_count",
        "sessions_with_errors",
        "event_count",
        "error_count",
        "first_seen_at",
        "last_seen_at",
        "last_session_id",
        "application",
        "version",
    ];

    async fn page(&mut self, after: Option<UserCursor>) -> Result<Page<UserReport, UserCursor>, Problem> {
        // One more than asked for tells whether there is a next page.
        let mut users = self.state.store.users(&self.filter, after.as_ref(), self.limit + 1).await?;
        let more = users.len() > self.limit as usize;
        users.truncate(self.limit as usize);
        let last = users.last().filter(|_| more);
        let next = last.map(|user| UserCursor { last_seen_at: user.last_seen_at, key: user.key.clone() });
        let mut items = Vec::with_capacity(users.len());
        for user in users {
            items.push(report(&self.state, &self.filter, user).await?);
        }
        Ok((items, next))
    }
}

/// With what the last session says, unless that was removed in the meantime.
async fn report(state: &AppState, filter: &SessionFilter, user: UserSummary) -> Result<UserReport, Problem> {
    let id = user.last_session.to_string();
    let (application, version) = match state.store.session(&filter.projects, &id).await {
        Ok((project, row)) => {
            let last = |name| row.property(name).map(|property| property.last.1.clone());
            let tables = state.directory.tables();
            let project = tables.project(project).map(|project| project.name.clone());
            (last("service.name").or(project), last("service.version"))
        }
        Err(error) if error.kind() == StoreErrorKind::NotFound => (None, None),
        Err(error) => return Err(error.into()),
    };
    Ok(UserReport {
        key: user.key,
        name: user.name,
        session_count: user.sessions,
        running_count: user.running,
        sessions_with_errors: user.with_errors,
        event_count: user.events,
        error_count: user.errors,
        first_seen_at: Moment(user.first_seen_at),
        last_seen_at: Moment(user.last_seen_at),
        last_session_id: id,
        application,
        version,
    })
}
