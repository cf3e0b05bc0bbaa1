//! Events of a session and of none.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kymo_filter::Subject;
use kymo_model::SessionId;
use kymo_store::{
    EventCursor, EventFilter, EventId, EventOrder, EventPage, EventStart, FoundCursor, FoundEvent, NoEventId,
    ProjectPk, Projects, StoredEvent,
};
use kymo_tracker::SessionRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::words::{Level, Order};
use super::document::{FormatQuery, Refusal};
use super::export::{Format, Page, Pages, export, only};
use super::parameters::{Parameters, cursor_text};
use super::shapes::{EventShape, Moment};
use crate::access::Caller;
use crate::live::open::row;
use crate::problem::Problem;
use crate::state::AppState;

/// Events of a page, and most of them: 5000 events are some 3 MB of JSON.
const PAGE_DEFAULT: u32 = 500;
const PAGE_MAX: u32 = 5000;

/// Which events.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `page` reads")]
pub(super) struct EventQuery {
    /// In the filter language: `level:>=warn "exact words" -category:Http*`.
    filter: Option<String>,
    /// Part of message, category or exception, case folded.
    text: Option<String>,
    /// This level and worse.
    severity: Option<Level>,
    /// Only errors, as the session counts them.
    errors: Option<bool>,
    /// `log`, `error`, `usage`, ...
    kind: Option<String>,
    /// Exactly this id, given by the agent.
    reference_id: Option<String>,
    /// Dated at or after this moment.
    from: Option<Moment>,
    /// Dated before this moment.
    to: Option<Moment>,
    /// Items of the page.
    #[param(minimum = 1, maximum = 5000, default = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct EventList {
    items: Vec<EventShape>,
    /// For the next page; `null` on the last one.
    next_cursor: Option<String>,
    /// With `around`: for the page before, in the opposite `order`; `null` if there is none.
    previous_cursor: Option<String>,
    /// The place of the last item: what comes for the session later is behind it. `null` for a search.
    last_cursor: Option<String>,
    /// How many of those that match come before the first item; `null` for a search.
    first_index: Option<u64>,
    /// Events that match, on all pages; `null`: a search stops at the end of its page.
    total: Option<u64>,
}

/// A session's events in order of time, then sequence; those of a browser tab or of a program in order of sequence
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/events",
    operation_id = "list_session_events",
    tag = "events",
    params(
        ("id" = String, Path, description = "The session's id or `external_id`"),
        EventQuery,
        ("order" = Option<Order>, Query, description = "`desc` turns the order around"),
        ("around" = Option<u64>, Query, description = "The page with the event of this sequence in its middle"),
        ("offset" = Option<u32>, Query, description = "The page that begins behind so many events; a cursor holds while events arrive, this does not"),
        FormatQuery
    ),
    responses(
        (status = 200, content((EventList = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
        Refusal
    )
)]
pub(super) async fn of_session(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (project, row) = row(&state, &caller, &id).await?;
    answer(Events::new(state, project, Some(&row), &parameters)?, &caller, &parameters, &headers).await
}

/// Events of everywhere that match a filter, newest first; without a filter a project's events without a session
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "list_events",
    tag = "events",
    params(
        (
            "project" = Option<String>,
            Query,
            description = "The project's id; without a filter it is needed if the caller sees several"
        ),
        EventQuery,
        FormatQuery
    ),
    responses(
        (status = 200, content((EventList = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
        Refusal
    )
)]
pub(super) async fn everywhere(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if parameters.text("filter").is_some() {
        let projects = parameters.projects(&caller, &state)?;
        let filter = filter(&state, &parameters)?;
        let mut found = Found { state, projects, filter, limit: PAGE_MAX };
        return match Format::asked(&parameters, &headers)? {
            Format::Json => {
                found.limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
                let (items, next) = found.page(parameters.found_cursor()?).await?;
                let next_cursor = next.map(|next| next.to_string());
                let (previous_cursor, last_cursor) = (None, None);
                let (first_index, total) = (None, None);
                let list = EventList { items, next_cursor, previous_cursor, last_cursor, first_index, total };
                Ok(Json(list).into_response())
            }
            format => {
                let (state, project) = (found.state.clone(), only(&found.projects));
                export(&state, &caller, project, (found, format)).await
            }
        };
    }
    let project = parameters.project(&caller, &state)?;
    answer(Events::new(state, project, None, &parameters)?, &caller, &parameters, &headers).await
}

async fn answer(
    mut events: Events,
    caller: &Caller,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    match Format::asked(parameters, headers)? {
        Format::Json => {
            events.limit = parameters.number("limit", 1, PAGE_MAX, PAGE_DEFAULT)?;
            let after = parameters.event_cursor()?;
            let places =
                ["around", "offset", "cursor"].into_iter().filter(|name| parameters.text(name).is_some());
            if places.count() > 1 {
                return Err(Problem::input("expected one of around, offset and cursor"));
            }
            let (items, next, previous) = match (parameters.text("around"), parameters.text("offset")) {
                (Some(sequence), _) => events.around(sequence).await?,
                (None, Some(_)) => {
                    let offset = parameters.number("offset", 0, u32::MAX, 0)?;
                    let (items, next) = events.from(EventStart::Index(offset.into())).await?;
                    (items, next, None)
                }
                (None, None) => {
                    let (items, next) = events.page(after).await?;
                    (items, next, None)
                }
            };
            let text = |cursor: EventCursor| cursor_text(cursor.time.as_unix_nanos(), cursor.sequence);
            Ok(Json(EventList {
                items,
                next_cursor: next.map(text),
                previous_cursor: previous.map(text),
                last_cursor: events.last.or(after).map(text),
                first_index: Some(events.index),
                total: Some(events.total),
            })
            .into_response())
        }
        format => {
            let (state, project) = (events.state.clone(), events.project);
            export(&state, caller, Some(project), (events, format)).await
        }
    }
}

pub(super) fn filter(state: &AppState, parameters: &Parameters) -> Result<EventFilter, Problem> {
    Ok(EventFilter {
        query: parameters.filter(Subject::Event, state.store.now())?,
        text: parameters.text("text").map(str::to_owned),
        severity: parameters.severity("severity")?,
        errors_only: parameters.flag("errors")?,
        kind: parameters.text("kind").map(str::to_owned),
        reference_id: parameters.text("reference_id").map(str::to_owned),
        sequence: None,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
    })
}

/// Events of everywhere, newest first.
struct Found {
    state: AppState,
    projects: Projects,
    filter: EventFilter,
    limit: u32,
}

impl Pages for Found {
    type Item = EventShape;
    type Cursor = FoundCursor;

    const NAME: &'static str = "events";
    const COLUMNS: &'static [&'static str] = EVENT_COLUMNS;

    async fn page(&mut self, after: Option<FoundCursor>) -> Result<Page<EventShape, FoundCursor>, Problem> {
        let (store, filter) = (&self.state.store, self.filter.clone());
        let page = store.find_events(&self.projects, filter, after, self.limit as usize).await?;
        let mut by_project: BTreeMap<ProjectPk, Vec<StoredEvent>> = BTreeMap::new();
        for found in page.events.iter().filter(|found| found.event.reference_id.is_some()) {
            by_project.entry(found.project).or_default().push(found.event.clone());
        }
        let mut described = BTreeMap::new();
        for (project, events) in by_project {
            described.insert(project, store.descriptions(project, &events).await?);
        }
        let shape = |found: FoundEvent| {
            let of_project = described.get(&found.project);
            let id = found.event.reference_id.as_ref();
            let description = id.and_then(|id| of_project?.get(id)).cloned();
            let (event_id, session) = (found.id(), found.event.session);
            EventShape::new(event_id, found.event, session, description)
        };
        Ok((page.events.into_iter().map(shape).collect(), page.next))
    }
}

/// Columns of events in CSV.
const EVENT_COLUMNS: &[&str] = &[
    "id",
    "session_id",
    "sequence",
    "time",
    "observed_time",
    "severity",
    "kind",
    "category",
    "message",
    "user.id",
    "user.name",
    "reference_id",
    "exception.type",
    "exception.message",
    "exception",
    "attributes",
];

struct Events {
    state: AppState,
    project: ProjectPk,
    session: Option<SessionId>,
    filter: EventFilter,
    order: EventOrder,
    limit: u32,
    /// Of the last page's count.
    total: u64,
    /// Of the last page's first item.
    index: u64,
    /// Place of the last item that was read.
    last: Option<EventCursor>,
}

impl Events {
    fn new(
        state: AppState,
        project: ProjectPk,
        session: Option<&SessionRow>,
        parameters: &Parameters,
    ) -> Result<Self, Problem> {
        let filter = filter(&state, parameters)?;
        // Whoever numbers its events knows their order better than its clock does.
        let is_numbered = session.is_some_and(|row| row.tab.is_some() || row.process.is_some());
        let ascending = if is_numbered { EventOrder::Sequence } else { EventOrder::Time };
        let order = match parameters.text("order") {
            None | Some("asc") => ascending,
            Some("desc") => ascending.reversed(),
            Some(other) => return Err(Problem::input(format!("order={other}: expected asc or desc"))),
        };
        let session = session.map(|row| row.id);
        Ok(Self { state, project, session, filter, order, limit: PAGE_MAX, total: 0, index: 0, last: None })
    }

    /// The page with that event in its middle, where it goes on, and where it goes on in the opposite order.
    async fn around(
        &mut self,
        sequence: &str,
    ) -> Result<(Vec<EventShape>, Option<EventCursor>, Option<EventCursor>), Problem> {
        let wanted: u64 = sequence
            .parse()
            .map_err(|_| Problem::input(format!("around={sequence}: expected the sequence of an event")))?;
        let session = self.session.ok_or_else(|| Problem::input("around is for the events of a session"))?;
        let (store, how) = (&self.state.store, (self.filter.clone(), self.order));
        let found = store.events_around(self.project, session, how, wanted, self.limit as usize).await?;
        let (page, previous) =
            found.ok_or_else(|| Problem::not_found(format!("the session has no event {sequence}")))?;
        let (items, next) = self.shaped(page).await?;
        Ok((items, next, previous))
    }

    async fn from(&mut self, start: EventStart) -> Result<Page<EventShape, EventCursor>, Problem> {
        let (store, project) = (&self.state.store, self.project);
        let filter = self.filter.clone();
        let page =
            store.events(project, self.session, filter, self.order, start, self.limit as usize).await?;
        self.shaped(page).await
    }

    async fn shaped(&mut self, page: EventPage) -> Result<Page<EventShape, EventCursor>, Problem> {
        let described = self.state.store.descriptions(self.project, &page.events).await?;
        let shape = |event: StoredEvent| {
            let description = event.reference_id.as_ref().and_then(|id| described.get(id)).cloned();
            EventShape::new(EventId::of_event(self.project, &event), event, self.session, description)
        };
        self.total = page.total;
        self.index = page.index;
        self.last =
            page.events.last().map(|event| EventCursor { time: event.time, sequence: event.sequence });
        Ok((page.events.into_iter().map(shape).collect(), page.next))
    }
}

impl Pages for Events {
    type Item = EventShape;
    type Cursor = EventCursor;

    const NAME: &'static str = "events";
    const COLUMNS: &'static [&'static str] = EVENT_COLUMNS;

    async fn page(&mut self, after: Option<EventCursor>) -> Result<Page<EventShape, EventCursor>, Problem> {
        self.from(after.into()).await
    }
}

/// An event by its id
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}",
    operation_id = "get_event",
    tag = "events",
    params(("id" = String, Path, description = "The `id` of an event in a list")),
    responses((status = 200, body = EventShape), Refusal)
)]
pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<EventShape>, Problem> {
    let id: EventId = id.parse().map_err(|wrong: NoEventId| Problem::input(format!("{id}: {wrong}")))?;
    let placed = state.store.event(&caller.projects(), id).await?;
    let described = state.store.descriptions(placed.project, std::slice::from_ref(&placed.event)).await?;
    let description = placed.event.reference_id.as_ref().and_then(|id| described.get(id)).cloned();
    let session = placed.session.map(|row| row.id);
    Ok(Json(EventShape::new(id, placed.event, session, description)))
}
