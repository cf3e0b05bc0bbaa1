//! Reading as Exceptionless has it, so that scripts written for it live on: sessions, events of a session, single
//! events, counts. Tokens only, of scope read or admin; no cookie is looked at here.
//!
//! Source: the Exceptionless HTTP API (its server at `f5f0d885`). There are no organisations and no plans.

mod count;
mod time;

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::{EventAnswer, SessionAnswer, credentials};
use kymo_filter::{Query as Filter, Subject};
use kymo_model::Timestamp;
use kymo_store::{
    EventCursor, EventFilter, EventId, EventOrder, PlacedEvent, ProjectPk, Projects, SessionCursor,
    SessionFilter, StoreErrorKind, StoredEvent,
};
use kymo_tracker::{End, SessionKey, SessionRow};
use serde::Deserialize;
use serde_json::Value;

use crate::access::{Address, Caller};
use crate::ingest::text;
use crate::problem::Problem;
use crate::state::AppState;

pub(in crate::ingest) use self::count::count;

/// Items of a page, and most of them (Exceptionless HTTP API).
const LIMIT_DEFAULT: u32 = 10;
const LIMIT_MAX: u32 = 100;
/// Items that may be skipped by page numbers (Exceptionless HTTP API); beyond it there are `before` and `after`.
const SKIP_MAX: u32 = 1000;
/// How many items match, if the request asks with `include=total`.
const RESULT_COUNT: HeaderName = HeaderName::from_static("x-result-count");

/// What a path may name.
#[derive(Debug, Default, Deserialize)]
pub(in crate::ingest) struct Named {
    project: Option<String>,
    session: Option<String>,
    event: Option<String>,
    reference: Option<String>,
}

/// A term of the filters there that says what a count is about: sessions are no events here.
const OF_SESSIONS: &str = "type:session";

/// A reading request.
struct Reading {
    projects: Projects,
    parameters: HashMap<String, String>,
    range: time::Range,
    limit: u32,
    skip: u32,
}

impl Reading {
    fn new(
        state: &AppState,
        headers: &HeaderMap,
        query: Option<&str>,
        named: &Named,
        address: Address,
    ) -> Result<Self, Problem> {
        let secret = credentials(text(headers, &header::AUTHORIZATION), query)
            .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "expected a token of scope read"))?;
        let caller = Caller::by_token(state, &secret, address)?;
        let projects = match &named.project {
            None => caller.projects(),
            Some(id) => Projects::one(caller.project(state, id)?),
        };
        let parameters: HashMap<String, String> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let number = |name: &str| match parameters.get(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Problem::input(format!("{name}={text}: expected a whole number"))),
            },
        };
        // Out of bounds is brought within them (Exceptionless HTTP API).
        let limit = match number("limit")? {
            Some(limit) if limit > 0 => u32::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
            _ => LIMIT_DEFAULT,
        };
        let page = number("page")?.unwrap_or(1).clamp(1, i64::from(SKIP_MAX)) as u32;
        let skip = (page - 1).saturating_mul(limit);
        if skip > SKIP_MAX {
            let detail =
                format!("page={page}: expected at most {SKIP_MAX} items before the page; go on by after=");
            return Err(Problem::input(detail));
        }
        let range =
            parameters.get("time").map_or(Ok((None, None)), |text| time::parse(text, state.store.now()));
        Ok(Self { projects, range: range.map_err(Problem::input)?, parameters, limit, skip })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    fn is_summary(&self) -> bool {
        self.text("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("summary"))
    }

    fn wants_total(&self) -> bool {
        self.text("include").is_some_and(|include| include.split(',').any(|one| one.trim() == "total"))
    }

    /// `date` or `-date`; whether the oldest come first.
    fn is_ascending(&self) -> Result<bool, Problem> {
        match self.text("sort") {
            None | Some("-date") => Ok(false),
            Some("date") => Ok(true),
            Some(other) => Err(Problem::input(format!("sort={other}: expected date or -date"))),
        }
    }

    /// `after` and `before`: the places of the last item of the page before, and of the first of the page behind.
    fn cursor<T>(&self, name: &str, read: impl Fn(i64, &str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = text.split_once('~').and_then(|(value, rest)| read(value.parse().ok()?, rest));
        read.map(Some).ok_or_else(|| Problem::input(format!("{name}={text}: expected one of a Link header")))
    }

    fn filter(&self, subject: Subject, now: Timestamp) -> Result<Option<Filter>, Problem> {
        Ok(self.text("filter").map(|text| Filter::parse(text, subject, now)).transpose()?)
    }

    /// What the filter and the time say about events.
    fn events(&self, now: Timestamp) -> Result<EventFilter, Problem> {
        let query = self.filter(Subject::Event, now)?;
        Ok(EventFilter { query, from: self.range.0, to: self.range.1, ..EventFilter::default() })
    }

    fn sessions(&self, now: Timestamp) -> Result<SessionFilter, Problem> {
        Ok(SessionFilter {
            projects: self.projects.clone(),
            from: self.range.0,
            to: self.range.1,
            ascending: self.is_ascending()?,
            query: self.filter(Subject::Session, now)?,
            ..SessionFilter::default()
        })
    }

    /// What a count of sessions is about; `None`: it is about events.
    fn session_filter(&self, state: &AppState) -> Result<Option<SessionFilter>, Problem> {
        let is_about_sessions = self.text("filter").is_some_and(|text| {
            text.split_whitespace().any(|term| term.trim_matches(['(', ')']) == OF_SESSIONS)
        });
        if is_about_sessions { self.sessions(state.store.now()).map(Some) } else { Ok(None) }
    }
}

/// `GET /api/v2/events/sessions`, and below a project.
pub(in crate::ingest) async fn sessions(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reading = Reading::new(&state, &headers, query.as_deref(), &named, address)?;
    let mut filter = reading.sessions(state.store.now())?;
    let read = |value, id: &str| Some(SessionCursor { value, id: id.parse().ok()? });
    let (after, before) = (reading.cursor("after", read)?, reading.cursor("before", read)?);
    // What lies before a place is what lies behind it in the opposite order.
    let is_turned = before.is_some() && after.is_none();
    filter.ascending ^= is_turned;
    let wanted = reading.skip + reading.limit + 1;
    let mut rows = state.store.sessions(&filter, after.or(before), wanted).await?;
    let more = rows.len() > (reading.skip + reading.limit) as usize;
    rows.truncate((reading.skip + reading.limit) as usize);
    rows.drain(..rows.len().min(reading.skip as usize));
    if is_turned {
        rows.reverse();
    }
    let place = |row: Option<&(ProjectPk, SessionRow)>| {
        row.map(|(_, row)| {
            let cursor = filter.sort.cursor(row);
            format!("{}~{}", cursor.value, cursor.id)
        })
    };
    let (first, last) = (place(rows.first()), place(rows.last()));
    let has_next = if is_turned { true } else { more };
    let has_previous = if is_turned { more } else { after.is_some() || reading.skip > 0 };
    let links = Links { next: last.filter(|_| has_next), previous: first.filter(|_| has_previous) };
    let total = if reading.wants_total() {
        filter.ascending = false;
        Some(state.store.session_summary(&filter).await?.sessions)
    } else {
        None
    };
    let items = rows.iter().map(|(project, row)| session(&state, *project, row, reading.is_summary()));
    Ok(list(items.collect(), &links, total, query.as_deref()))
}

/// `GET /api/v2/events/sessions/{id}`, and below a project: the session and its events, newest first.
pub(in crate::ingest) async fn session_events(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reading = Reading::new(&state, &headers, query.as_deref(), &named, address)?;
    let id = named.session.as_deref().unwrap_or_default();
    let (project, row) = match state.store.session(&reading.projects, id).await {
        Ok(found) => found,
        // A filter that matches nothing is an empty list there.
        Err(error) if error.kind() == StoreErrorKind::NotFound => {
            return Ok(list(Vec::new(), &Links::default(), Some(0), None));
        }
        Err(error) => return Err(error.into()),
    };
    let read = |nanos, sequence: &str| {
        let time = Timestamp::from_unix_nanos(nanos);
        Some(EventCursor { time, sequence: sequence.parse().ok()? })
    };
    let filter = reading.events(state.store.now())?;
    let is_ascending = reading.is_ascending()?;
    let order = if is_ascending { EventOrder::Time } else { EventOrder::TimeReversed };
    let after = reading.cursor("after", read)?;
    let wanted = (reading.skip + reading.limit) as usize;
    let mut page = state.store.events(project, Some(row.id), filter, order, after, wanted).await?;
    page.events.drain(..page.events.len().min(reading.skip as usize));
    let links = Links {
        next: page.next.map(|next| format!("{}~{}", next.time.as_unix_nanos(), next.sequence)),
        previous: None,
    };
    let is_summary = reading.is_summary();
    let shape = |one: &StoredEvent| {
        event(&state, (project, Some(&row)), (EventId::of_event(project, one), one), is_summary)
    };
    let mut items: Vec<Value> = page.events.iter().map(shape).collect();
    // The session is the first event of it there; where its agent sent one, that is among the events.
    let is_made = row.start_event_at.is_none() && reading.text("filter").is_none();
    if is_made {
        let is_first_page = after.is_none() && reading.skip == 0;
        match is_ascending {
            true if is_first_page => items.insert(0, session(&state, project, &row, is_summary)),
            false if page.next.is_none() => items.push(session(&state, project, &row, is_summary)),
            _ => {}
        }
    }
    let total = reading.wants_total().then_some(page.total + u64::from(is_made));
    Ok(list(items, &links, total, query.as_deref()))
}

/// `GET /api/v2/events/{id}`: an event, or a session by its own id.
pub(in crate::ingest) async fn one(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reading = Reading::new(&state, &headers, query.as_deref(), &named, address)?;
    let id = named.event.as_deref().unwrap_or_default();
    if let Ok(event_id) = id.parse::<EventId>() {
        let found = state.store.event(&reading.projects, event_id).await?;
        return Ok(Json(placed(&state, &found, false)).into_response());
    }
    let (project, row) = state.store.session(&reading.projects, id).await?;
    Ok(Json(session(&state, project, &row, false)).into_response())
}

/// `GET /api/v2/events/by-ref/{id}`, and below a project: events of that reference id, newest first.
pub(in crate::ingest) async fn by_reference(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reading = Reading::new(&state, &headers, query.as_deref(), &named, address)?;
    let id = named.reference.as_deref().unwrap_or_default();
    let found = state.store.events_by_reference(&reading.projects, id, reading.limit as usize).await?;
    let items: Vec<Value> = found.iter().map(|one| placed(&state, one, reading.is_summary())).collect();
    let total = if reading.wants_total() {
        let filter = EventFilter { reference_id: Some(id.to_owned()), ..EventFilter::default() };
        Some(state.store.count_events(&reading.projects, filter).await?)
    } else {
        None
    };
    Ok(list(items, &Links::default(), total, None))
}

/// Where the pages beside this one begin.
#[derive(Default)]
struct Links {
    next: Option<String>,
    previous: Option<String>,
}

fn list(items: Vec<Value>, links: &Links, total: Option<u64>, query: Option<&str>) -> Response {
    let mut response = Json(items).into_response();
    let kept: Vec<&str> = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            // Credentials are not repeated.
            !matches!(name, "" | "after" | "before" | "page" | "access_token" | "api_key" | "apikey")
        })
        .collect();
    let link = |(relation, name, place): (&str, &str, &Option<String>)| {
        let place = place.as_ref()?;
        let mut query = kept.join("&");
        if !query.is_empty() {
            query.push('&');
        }
        Some(format!("<?{query}{name}={place}>; rel=\"{relation}\""))
    };
    let both = [("previous", "before", &links.previous), ("next", "after", &links.next)];
    let all: Vec<String> = both.into_iter().filter_map(link).collect();
    if !all.is_empty()
        && let Ok(value) = HeaderValue::from_str(&all.join(", "))
    {
        response.headers_mut().insert(header::LINK, value);
    }
    if let Some(total) = total {
        response.headers_mut().insert(RESULT_COUNT, HeaderValue::from(total));
    }
    response
}

fn session(state: &AppState, project: ProjectPk, row: &SessionRow, is_summary: bool) -> Value {
    let tables = state.directory.tables();
    let known = tables.project(project);
    let user = row.current_user();
    let own = row.id.to_string();
    let answer = SessionAnswer {
        id: own.clone(),
        project: known.map_or("", |project| project.id.as_str()),
        reference_id: reference_of(row).unwrap_or(&own),
        started_at: row.started_at,
        last_activity_at: row.last_activity_at,
        observed_at: row.last_observed_at,
        ended: row.end.and_then(End::reason).is_some(),
        has_error: row.error_count > 0,
        user_id: user.and_then(|user| user.id.as_deref()),
        user_name: user.and_then(|user| user.name.as_deref()),
        version: row.property("service.version").map(|property| property.last.1.as_str()),
    };
    if is_summary { answer.summary(known.map_or("", |project| &project.name)) } else { answer.whole() }
}

/// The id that the agent's events refer to the session by.
fn reference_of(row: &SessionRow) -> Option<&str> {
    match &row.key {
        SessionKey::External(id) | SessionKey::Tab(id) | SessionKey::Process(id) => Some(id),
        SessionKey::Identity(_) => None,
    }
}

fn placed(state: &AppState, one: &PlacedEvent, is_summary: bool) -> Value {
    event(state, (one.project, one.session.as_ref()), (one.id, &one.event), is_summary)
}

fn event(
    state: &AppState,
    (project, session): (ProjectPk, Option<&SessionRow>),
    (id, event): (EventId, &StoredEvent),
    is_summary: bool,
) -> Value {
    let (tables, user) = (state.directory.tables(), event.user.as_ref());
    let own = session.map(|row| row.id.to_string());
    let answer = EventAnswer {
        id: id.to_string(),
        project: tables.project(project).map_or("", |project| project.id.as_str()),
        session: session.and_then(reference_of).or(own.as_deref()),
        time: event.time,
        observed_time: event.observed_time,
        severity: event.severity,
        kind: &event.kind,
        category: event.category.as_deref(),
        message: event.message.as_deref(),
        user_id: user.and_then(|user| user.id.as_deref()),
        user_name: user.and_then(|user| user.name.as_deref()),
        reference_id: event.reference_id.as_deref(),
        exception: event.exception.as_deref(),
        attributes: event.attributes.as_deref(),
    };
    if is_summary { answer.summary() } else { answer.whole() }
}
