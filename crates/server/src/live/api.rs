//! `GET /api/v1/live`: where to connect.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use kymo_store::ProjectPk;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Caller, Sender};
use crate::api::Refusal;
use crate::problem::Problem;
use crate::state::AppState;

/// Whoever may send or read: programs and terminals ask the same.
pub(crate) struct Anyone {
    /// The project that the question is about; `None`: several.
    project: Option<ProjectPk>,
}

impl FromRequestParts<AppState> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Self { project: caller.only_project() }),
            // A token that sends and does not read.
            Err(problem) if problem.is_forbidden() => {
                Ok(Self { project: Some(Sender::from_request_parts(parts, state).await?.project) })
            }
            Err(problem) => Err(problem),
        }
    }
}

/// Where programs and terminals connect to the live protocol.
#[derive(Serialize, ToSchema)]
#[schema(as = Live)]
pub(crate) struct LiveAnswer {
    /// Switched on for the server and, where the token is of one project, for that.
    enabled: bool,
    /// Where programs connect, on the host that was asked; `null`: they need not.
    agents: Option<LivePort>,
    /// Where terminals connect.
    viewers: Option<LivePort>,
}

#[derive(Serialize, ToSchema)]
struct LivePort {
    port: u16,
    /// It speaks TLS from the first byte, with the server's certificate.
    tls: bool,
}

/// Where programs and terminals connect to follow or be followed, on the host that was asked
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "get_live",
    tag = "live",
    responses((status = 200, body = LiveAnswer), Refusal)
)]
pub(crate) async fn get(State(state): State<AppState>, anyone: Anyone) -> Json<LiveAnswer> {
    let tables = state.directory.tables();
    let is_wanted = match anyone.project {
        Some(project) => tables.project(project).is_some_and(|project| project.live),
        None => tables.projects().any(|project| project.live),
    };
    let ports = state.live.as_ref().and_then(|live| live.ports()).filter(|_| is_wanted);
    let port = |port: u16, tls: bool| LivePort { port, tls };
    Json(LiveAnswer {
        enabled: ports.is_some(),
        agents: ports.map(|ports| port(ports.agents.port(), ports.has_tls)),
        viewers: ports.map(|ports| port(ports.viewers.port(), ports.has_tls)),
    })
}
