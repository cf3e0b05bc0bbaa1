//! The sessions report.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kymo_filter::Subject;
use kymo_model::SessionId;
use kymo_store::{
    COUNT_BUCKETS_MAX, ProjectPk, Role, SessionCount, SessionCursor, SessionFilter, SessionSort, WorthReason,
};
use kymo_tracker::SessionRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::words::StateAsked;
use super::document::{FormatQuery, PageQuery, Refusal};
use super::export::{Format, Page, Pages, export, only};
use super::parameters::{Parameters, cursor_text};
use super::shapes::{Moment, SessionShape};
use crate::access::{Caller, Tables};
use crate::live::open::row;
use crate::problem::Problem;
use crate::state::AppState;

/// Stretches that sessions are counted in, unless asked otherwise.
const BUCKETS_DEFAULT: u32 = 60;
/// Range of a count that names none: the report's.
const RANGE_DEFAULT: Duration = Duration::from_hours(7 * 24);
/// Range of what is worth opening today.
const DAY: Duration = Duration::from_hours(24);
/// Sessions of a page, and most of them.
pub(super) const PAGE_DEFAULT: u32 = 100;
pub(super) const PAGE_MAX: u32 = 500;

/// Which sessions.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `filter` reads")]
pub(super) struct SessionQuery {
    /// In the filter language: `user:ann version:2.* error:true duration:>60`.
    filter: Option<String>,
    /// Of this project only, by its id.
    project: Option<String>,
    /// Active at or after this moment.
    from: Option<Moment>,
    /// Begun before this moment.
    to: Option<Moment>,
    /// `running` or `ended`.
    state: Option<StateAsked>,
    /// `true`: only with errors; `false`: only without.
    errors: Option<bool>,
    /// Only tabs of this visit.
    visit: Option<String>,
    /// Part of the id or name of any of its users, case folded.
    user: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SessionList {
    items: Vec<SessionShape>,
    /// For the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// Figures of the sessions that match.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionSummary {
    sessions: u64,
    users: u64,
    running: u64,
    with_errors: u64,
    average_duration_seconds: f64,
}

/// Sessions, newest start first unless sorted otherwise
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    params(
        SessionQuery,
        ("sort" = Option<String>, Query, description = "`started`, `last_activity`, `duration`, `events` or `errors`; \
            with `-` in front the largest first. Default: `-started`"),
        PageQuery,
        FormatQuery
    ),
    responses(
        (status = 200, content((SessionList = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
        Refusal
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut filter = filter(&parameters, &caller, &state)?;
    (filter.sort, filter.ascending) = sort(&parameters)?;
    let mut pages = Sessions { state, filter, limit: PAGE_MAX };
    match Format::asked(&parameters, &headers)? {
        Format::Json => {
            pages.limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
            let (items, next) = pages.page(parameters.session_cursor()?).await?;
            let next_cursor = next.map(|next| cursor_text(next.value, next.id));
            Ok(Json(SessionList { items, next_cursor }).into_response())
        }
        format => {
            let (state, project) = (pages.state.clone(), only(&pages.filter.projects));
            export(&state, &caller, project, (pages, format)).await
        }
    }
}

struct Sessions {
    state: AppState,
    filter: SessionFilter,
    limit: u32,
}

impl Pages for Sessions {
    type Item = SessionShape;
    type Cursor = SessionCursor;

    const NAME: &'static str = "sessions";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "project",
        "kind",
        "external_id",
        "state",
        "end_reason",
        "started_at",
        "last_activity_at",
        "ended_at",
        "duration_seconds",
        "user.id",
        "user.name",
        "application",
        "version",
        "host",
        "os",
        "event_count",
        "error_count",
        "visit_id",
        "page",
        "properties",
    ];

    async fn page(
        &mut self,
        after: Option<SessionCursor>,
    ) -> Result<Page<SessionShape, SessionCursor>, Problem> {
        // One more than asked for tells whether there is a next page.
        let mut rows = self.state.store.sessions(&self.filter, after, self.limit + 1).await?;
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(|(_, row)| self.filter.sort.cursor(row));
        let tables = self.state.directory.tables();
        let ids: Vec<SessionId> = rows.iter().map(|(_, row)| row.id).collect();
        let pinned = self.state.store.pinned(&ids).await?;
        let shape_of = |(project, row): &(ProjectPk, SessionRow)| {
            shape(&tables, *project, row, pinned.contains(&row.id))
        };
        Ok((rows.iter().map(shape_of).collect(), next))
    }
}

/// Figures of the sessions that match
#[utoipa::path(
    get,
    path = "/api/v1/sessions/summary",
    operation_id = "summarize_sessions",
    tag = "sessions",
    params(SessionQuery),
    responses((status = 200, body = SessionSummary), Refusal)
)]
pub(super) async fn summary(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<SessionSummary>, Problem> {
    let summary = state.store.session_summary(&filter(&parameters, &caller, &state)?).await?;
    Ok(Json(SessionSummary {
        sessions: summary.sessions,
        users: summary.users,
        running: summary.running,
        with_errors: summary.with_errors,
        average_duration_seconds: summary.average_duration_seconds,
    }))
}

/// Sessions counted by the time of their start.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionCounts {
    from: Moment,
    to: Moment,
    width_seconds: f64,
    /// Those that hold something.
    buckets: Vec<SessionBucket>,
}

/// Sessions that began within a stretch of time.
#[derive(Serialize, ToSchema)]
struct SessionBucket {
    /// Which stretch, from 0.
    index: u32,
    sessions: u64,
    users: u64,
    with_errors: u64,
}

/// Sessions that match by the time of their start
#[utoipa::path(
    get,
    path = "/api/v1/sessions/counts",
    operation_id = "count_sessions",
    tag = "sessions",
    params(
        SessionQuery,
        ("buckets" = Option<u32>, Query, description = "Most buckets", minimum = 1, maximum = 512)
    ),
    responses((status = 200, body = SessionCounts), Refusal)
)]
pub(super) async fn counts(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<SessionCounts>, Problem> {
    let filter = filter(&parameters, &caller, &state)?;
    let (from, to) = parameters.range(&state, RANGE_DEFAULT)?;
    let buckets = parameters.number("buckets", 1, COUNT_BUCKETS_MAX, BUCKETS_DEFAULT)?;
    let counted = state.store.session_counts_over_time(&filter, from, to, buckets).await?;
    let bucket = |count: &SessionCount| SessionBucket {
        index: count.index,
        sessions: count.sessions,
        users: count.users,
        with_errors: count.with_errors,
    };
    Ok(Json(SessionCounts {
        from: Moment(from),
        to: Moment(to),
        // As the store rounds it, up to whole nanoseconds.
        width_seconds: to.since(from).as_nanos().div_ceil(u128::from(buckets)).max(1) as f64 / 1e9,
        buckets: counted.iter().map(bucket).collect(),
    }))
}

/// Sessions worth opening.
#[derive(Serialize, ToSchema)]
pub(super) struct WorthList {
    items: Vec<Worth>,
}

/// A session worth opening, and why.
#[derive(Serialize, ToSchema)]
struct Worth {
    /// `first_crash_of_version`, `new_error_type`, `error_burst`, `user_in_trouble` or `silence_then_crash`.
    rule: &'static str,
    /// The reason as a sentence.
    reason: String,
    session: SessionShape,
}

/// The few sessions of the range worth opening, one for each rule, with the reason
#[utoipa::path(
    get,
    path = "/api/v1/sessions/worth-opening",
    operation_id = "list_sessions_worth_opening",
    tag = "sessions",
    params(SessionQuery),
    responses((status = 200, body = WorthList), Refusal)
)]
pub(super) async fn worth_opening(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<WorthList>, Problem> {
    let filter = filter(&parameters, &caller, &state)?;
    let (from, _) = parameters.range(&state, DAY)?;
    let found = state.store.worth_opening(&filter, from).await?;
    let ids: Vec<SessionId> = found.iter().map(|worth| worth.session.id).collect();
    let pinned = state.store.pinned(&ids).await?;
    let tables = state.directory.tables();
    let items = found.into_iter().map(|worth| {
        let (rule, reason) = sentence(&worth.reason);
        Worth {
            rule,
            reason,
            session: shape(&tables, worth.project, &worth.session, pinned.contains(&worth.session.id)),
        }
    });
    Ok(Json(WorthList { items: items.collect() }))
}

fn sentence(reason: &WorthReason) -> (&'static str, String) {
    match reason {
        WorthReason::FirstCrashOfVersion { version } => (
            "first_crash_of_version",
            format!("the first session of version {version} that ended in an error"),
        ),
        WorthReason::NewErrorType { error_type } => {
            ("new_error_type", format!("{error_type} was never seen before"))
        }
        WorthReason::ErrorBurst { errors, median } => {
            ("error_burst", format!("{errors} errors; sessions with errors usually have {median}"))
        }
        WorthReason::UserInTrouble { user, sessions } => {
            ("user_in_trouble", format!("{sessions} sessions of {user} ended in an error; this is the last"))
        }
        WorthReason::SilenceThenCrash { silence } => {
            let silence = match silence.as_secs() {
                seconds @ ..120 => format!("{seconds} s"),
                seconds @ ..7200 => format!("{} min", seconds / 60),
                seconds => format!("{} h", seconds / 3600),
            };
            ("silence_then_crash", format!("{silence} of silence, then an error and the end"))
        }
    }
}

/// One session, by its own id or, where it is unique, by the one its agent chose
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}",
    operation_id = "get_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id or `external_id`")),
    responses((status = 200, body = SessionShape), Refusal)
)]
pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionShape>, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    let pinned = state.store.is_pinned(row.id).await?;
    Ok(Json(shape(&state.directory.tables(), project, &row, pinned)))
}

/// Pins a session: retention leaves it alone
#[utoipa::path(
    put,
    path = "/api/v1/sessions/{id}/pin",
    operation_id = "pin_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id or `external_id`")),
    responses((status = 204, description = "It is pinned"), Refusal)
)]
pub(super) async fn pin(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (project, row) = state.store.session(&caller.projects(), &id).await?;
    caller.must_be(Role::Member, project)?;
    state.store.pin(row.id, &caller.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unpins a session
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}/pin",
    operation_id = "unpin_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id or `external_id`")),
    responses((status = 204, description = "It is not pinned (any more)"), Refusal)
)]
pub(super) async fn unpin(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (project, row) = state.store.session(&caller.projects(), &id).await?;
    caller.must_be(Role::Member, project)?;
    state.store.unpin(row.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shape(tables: &Tables, project: ProjectPk, row: &SessionRow, pinned: bool) -> SessionShape {
    match tables.project(project) {
        Some(project) => SessionShape::new(project.id.as_str(), &project.name, row, pinned),
        None => SessionShape::new("", "", row, pinned),
    }
}

pub(super) fn filter(
    parameters: &Parameters,
    caller: &Caller,
    state: &AppState,
) -> Result<SessionFilter, Problem> {
    let running = match parameters.text("state") {
        None => None,
        Some("running") => Some(true),
        Some("ended") => Some(false),
        Some(other) => return Err(Problem::input(format!("state={other}: expected running or ended"))),
    };
    Ok(SessionFilter {
        query: parameters.filter(Subject::Session, state.store.now())?,
        projects: parameters.projects(caller, state)?,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        running,
        with_errors: parameters.choice("errors")?,
        visit: parameters.text("visit").map(str::to_owned),
        user: parameters.text("user").map(str::to_owned),
        ..SessionFilter::default()
    })
}

/// `sort=-duration`: of what, and whether the smallest come first.
fn sort(parameters: &Parameters) -> Result<(SessionSort, bool), Problem> {
    let Some(text) = parameters.text("sort") else { return Ok((SessionSort::Started, false)) };
    let (name, ascending) = text.strip_prefix('-').map_or((text, true), |name| (name, false));
    let sort = match name {
        "started" => SessionSort::Started,
        "last_activity" => SessionSort::LastActivity,
        "duration" => SessionSort::Duration,
        "events" => SessionSort::Events,
        "errors" => SessionSort::Errors,
        _ => {
            let expected =
                "started, last_activity, duration, events or errors, with - in front for the largest first";
            return Err(Problem::input(format!("sort={text}: expected {expected}")));
        }
    };
    Ok((sort, ascending))
}
