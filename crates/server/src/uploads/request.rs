//! A person asks for all of a program's session: `POST /api/v1/sessions/{id}/request`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use kymo_model::SessionKind;
use kymo_store::{Action, Role};

use crate::access::{Caller, audit};
use crate::api::{ProblemShape, Refusal};
use crate::problem::Problem;
use crate::state::AppState;

/// Asks for all of a program's session, whatever its project wants
///
/// Who sends it is told with the answer to the next beat or head.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/request",
    operation_id = "request_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id, or the id its agent gave it")),
    responses(
        (status = 204, description = "It is asked for"),
        (status = 422, description = "It is no program's", body = ProblemShape, content_type = "application/problem+json"),
        Refusal
    )
)]
pub(crate) async fn session(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (project, row) = state.store.session(&caller.projects(), &id).await?;
    caller.must_be(Role::Member, project)?;
    if row.kind != SessionKind::Process {
        let detail = format!("expected a session of a program, found one of kind {}", row.kind.as_str());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    state.store.request(project, &row.key).await?;
    let target = row.id.to_string();
    audit::record(&state, &caller, Action::SessionRequest, Some(project), Some(&target)).await?;
    Ok(StatusCode::NO_CONTENT)
}
