//! `/api/v1/live`: where to connect, what runs now, one of it as it happens, and what it is told to do.

pub(super) mod channels;

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, stream};
use kymo_filter::session_fits;
use kymo_format::live::Command;
use kymo_relay::LiveSession;
use kymo_store::{Action, ProjectPk, Role, SessionFilter};
use kymo_tracker::SessionKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::changes::{KEEP_ALIVE, until_over};
use super::document::{ProblemShape, Refusal};
use super::input::Input;
use super::parameters::Parameters;
use super::sessions;
use crate::access::{Caller, Sender, audit};
use crate::live::ReachedAt;
use crate::live::follow::Follow;
use crate::live::open::{find, open};
use crate::live::shapes::{LiveShape, facts};
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
    /// Where programs connect; `null`: they need not.
    agents: Option<LivePort>,
    /// Where terminals connect.
    viewers: Option<LivePort>,
}

#[derive(Serialize, ToSchema)]
struct LivePort {
    /// `null`: the host that was asked.
    host: Option<String>,
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
    let live = state.live.as_ref().filter(|_| is_wanted);
    let Some((options, ports)) = live.and_then(|live| Some((live.options(), live.ports()?))) else {
        return Json(LiveAnswer { enabled: false, agents: None, viewers: None });
    };
    let port = |reached: &Option<ReachedAt>, bound: SocketAddr| LivePort {
        host: reached.as_ref().map(|at| at.host.clone()),
        port: reached.as_ref().map_or(bound.port(), |at| at.port),
        tls: ports.has_tls,
    };
    Json(LiveAnswer {
        enabled: true,
        agents: Some(port(&options.reached_agents, ports.agents)),
        viewers: Some(port(&options.reached_viewers, ports.viewers)),
    })
}

/// Sessions of one answer, unless fewer are asked for.
const SESSIONS_MAX: u32 = 2000;

/// What runs now.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveList {
    /// Those that began last come first.
    items: Vec<LiveShape>,
    /// How many there are of programs that are connected, beyond the limit too.
    connected: u64,
}

/// The sessions that run now: of programs that can be followed from their first record on, and all others that are stored
///
/// Terms of the filter about events fit those that are stored only.
#[utoipa::path(
    get,
    path = "/api/v1/live/sessions",
    operation_id = "list_live_sessions",
    tag = "live",
    params(
        ("project" = Option<String>, Query, description = "The project's id"),
        ("filter" = Option<String>, Query, description = "The filter language, about sessions"),
        ("limit" = Option<u32>, Query, description = "At most 2000, which is the default")
    ),
    responses((status = 200, body = LiveList), Refusal)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<LiveList>, Problem> {
    let limit = parameters.number("limit", 1, SESSIONS_MAX, SESSIONS_MAX)?;
    let filter = SessionFilter { running: Some(true), ..sessions::filter(&parameters, &caller, &state)? };
    let stored = state.store.sessions(&filter, None, limit).await?;
    let (tables, now) = (state.directory.tables(), state.store.now());
    let mut connected = connected(&state, &filter);
    // Ids begin with the time: the newest come first.
    connected.sort_unstable_by_key(|live| std::cmp::Reverse(live.key.session));
    let count = connected.len() as u64;
    let keys: HashSet<String> = connected.iter().map(|live| live.key.session.to_string()).collect();
    let agent_id = |key: &SessionKey| match key {
        SessionKey::Process(id) => Some(id.clone()),
        _ => None,
    };
    let known: HashSet<String> = stored.iter().filter_map(|(_, row)| agent_id(&row.key)).collect();
    let of_agents = connected.iter().take(limit as usize).filter_map(|live| {
        let is_stored = known.contains(&live.key.session.to_string());
        LiveShape::of_agent(live, is_stored, &tables)
    });
    let others = stored.iter().filter(|(_, row)| agent_id(&row.key).is_none_or(|id| !keys.contains(&id)));
    let others = others.filter_map(|(project, row)| LiveShape::of_row(*project, row, now, &tables));
    let mut items: Vec<LiveShape> = of_agents.chain(others).collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.started_at.0));
    items.truncate(limit as usize);
    Ok(Json(LiveList { items, connected: count }))
}

/// Programs that are connected and fit.
fn connected(state: &AppState, filter: &SessionFilter) -> Vec<LiveSession> {
    let Some(live) = &state.live else { return Vec::new() };
    let tables = state.directory.tables();
    let projects =
        tables.projects().map(|project| project.pk).filter(|project| filter.projects.has(*project));
    let fits = |session: &LiveSession| match &filter.query {
        None => true,
        Some(query) => {
            facts(session, &tables).is_some_and(|facts| session_fits(&query.root, &facts, &mut |_| false))
        }
    };
    projects.flat_map(|project| live.relay.sessions(project.number())).filter(fits).collect()
}

/// What happens in a session that runs, as it happens: `opened`, `events`, `missed`, `lag`, `closed`
///
/// Server-sent events whose `id` is the last sequence: who comes back with `Last-Event-ID` gets what is after it, once.
#[utoipa::path(
    get,
    path = "/api/v1/live/sessions/{id}/events",
    operation_id = "follow_session",
    tag = "live",
    params(
        ("id" = String, Path, description = "The session's id, or the one its agent gave it"),
        ("after" = Option<u64>, Query, description = "The last sequence that is known; without it from the first record on"),
        ("filter" = Option<String>, Query, description = "The filter language, about events"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Stands for `after`, and before it")
    ),
    responses((status = 200, description = "A stream until the session ends", body = String, content_type = "text/event-stream"), Refusal)
)]
pub(crate) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match (resumed, parameters.text("after")) {
        (Some(after), _) => Some(after),
        (None, Some(text)) => {
            let expected = || Problem::input(format!("after={text}: expected a sequence"));
            Some(text.parse().map_err(|_| expected())?)
        }
        (None, None) => None,
    };
    let filter = parameters.text("filter").unwrap_or_default();
    let follow = Follow::new(&state, open(&state, &caller, &id, after.is_some()).await?, after, filter)?;
    let told = stream::unfold(follow, |mut follow| async {
        let said = follow.next().await?;
        let id = follow.last_sequence().to_string();
        // Texts and numbers: it cannot fail.
        let event = Event::default().event(said.name()).id(id).json_data(&said).unwrap_or_default();
        Some((event, follow))
    });
    let events = told.take_until(Box::pin(until_over(state, caller)));
    Ok(Sse::new(events.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// What a program that runs is told to do.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
#[schema(as = LiveCommand)]
pub(crate) enum CommandShape {
    /// Upload what there is of the session.
    SendNow,
    /// Close the fragment that is being written.
    Roll,
    /// Record by this filter for a time.
    Verbosity {
        /// As the agent's `set_filter` takes it.
        filter: String,
        /// Then the one before holds again.
        seconds: u64,
    },
}

/// Tells a program that runs to do something, and waits for its answer for at most ten seconds
#[utoipa::path(
    post,
    path = "/api/v1/live/sessions/{id}/commands",
    operation_id = "command_session",
    tag = "live",
    params(("id" = String, Path, description = "The session's id, or the one its agent gave it")),
    request_body = CommandShape,
    responses(
        (status = 204, description = "It is done, or was begun where it takes longer"),
        (status = 409, description = "The program could not, or did not answer", body = ProblemShape, content_type = "application/problem+json"),
        Refusal
    )
)]
pub(crate) async fn command(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    body: Input,
) -> Result<StatusCode, Problem> {
    // Who may not is told that first.
    if let Ok((project, _)) = state.store.session(&caller.projects(), &id).await {
        caller.must_be(Role::Member, project)?;
    }
    let (_, session) = find(&state, &caller, &id).await?;
    let project = ProjectPk::of_number(session.key.project);
    caller.must_be(Role::Member, project)?;
    let command = match body.json()? {
        CommandShape::SendNow => Command::SendNow,
        CommandShape::Roll => Command::Roll,
        CommandShape::Verbosity { filter, seconds } => Command::Verbosity { filter, seconds },
    };
    let Some(live) = &state.live else { return Err(Problem::not_found("live is off")) };
    let target = session.key.session.to_string();
    audit::record(&state, &caller, Action::SessionCommand, Some(project), Some(&target)).await?;
    let done = live.relay.command(session.key, command).await;
    done.map_err(|why| Problem::new(StatusCode::CONFLICT, why))?;
    Ok(StatusCode::NO_CONTENT)
}
