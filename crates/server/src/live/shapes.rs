//! A session that runs, as JSON.

use std::time::Duration;

use kymo_filter::SessionFacts;
use kymo_format::Header;
use kymo_format::live::header_of;
use kymo_model::{Kymogram, Timestamp, User, Value};
use kymo_relay::LiveSession;
use kymo_store::ProjectPk;
use kymo_tracker::{End, SessionKey, SessionRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Tables;
use crate::api::{Kind, Moment, UserShape};

/// A session that runs now.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveSession)]
pub(crate) struct LiveShape {
    /// What `/sessions/{id}` takes: of a program the id its agent gave it.
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) project_name: String,
    #[schema(value_type = Kind)]
    kind: &'static str,
    /// `agent`: it is connected and can be followed from its first record on; `http`: it is followed as it is stored.
    source: &'static str,
    application: String,
    version: Option<String>,
    environment: Option<String>,
    host: Option<String>,
    user: Option<UserShape>,
    pub(crate) started_at: Moment,
    connected_at: Option<Moment>,
    last_word_at: Moment,
    event_count: u64,
    error_count: u64,
    warning_count: u64,
    dropped_count: u64,
    /// Over its last words, or over its last minute where it is followed as it is stored.
    events_per_second: f64,
    followers: u64,
    /// Its clock less the server's, where it was measured.
    clock_ahead_ms: Option<i64>,
    /// The store knows it.
    is_stored: bool,
}

/// Of a text that is shown; ten of them are to fit into a message of 64 KiB, each character escaped as six bytes.
const TEXT_CHARS_MAX: usize = 500;

/// The text of one of the attributes of a header's resource.
fn text(header: &Header, name: &str) -> Option<String> {
    let text = header.resource.get(name).and_then(Value::as_text)?;
    Some(text.chars().take(TEXT_CHARS_MAX).collect())
}

impl LiveShape {
    /// One that is connected.
    pub(crate) fn of_agent(session: &LiveSession, is_stored: bool, tables: &Tables) -> Option<Self> {
        let project = tables.project(ProjectPk::of_number(session.key.project))?;
        let header = header_of(&session.header).ok()?;
        let (id, name) = (text(&header, "user.id"), text(&header, "user.name"));
        let has_user = id.is_some() || name.is_some();
        Some(Self {
            id: session.key.session.to_string(),
            project_id: project.id.to_string(),
            project_name: project.name.clone(),
            kind: header.kind.as_str(),
            source: "agent",
            application: text(&header, "service.name").unwrap_or_else(|| project.name.clone()),
            version: text(&header, "service.version"),
            environment: text(&header, "deployment.environment.name"),
            host: text(&header, "host.name"),
            user: has_user.then_some(UserShape { id, name }),
            started_at: Moment(header.started_at),
            connected_at: Some(Moment(session.since)),
            last_word_at: Moment(session.word_at),
            event_count: session.counts.messages,
            error_count: session.counts.errors,
            warning_count: session.counts.warnings,
            dropped_count: session.counts.dropped,
            events_per_second: session.messages_per_second,
            followers: session.followers as u64,
            clock_ahead_ms: session.clock_ahead_ns.map(|nanos| nanos / 1_000_000),
            is_stored,
        })
    }

    /// One that is followed as it is stored.
    pub(crate) fn of_row(
        project: ProjectPk,
        row: &SessionRow,
        now: Timestamp,
        tables: &Tables,
    ) -> Option<Self> {
        let project = tables.project(project)?;
        let last = |name: &str| row.property(name).map(|property| property.last.1.clone());
        Some(Self {
            id: row.id.to_string(),
            project_id: project.id.to_string(),
            project_name: project.name.clone(),
            kind: row.kind.as_str(),
            source: "http",
            application: last("service.name").unwrap_or_else(|| project.name.clone()),
            version: last("service.version"),
            environment: last("deployment.environment.name"),
            host: last("host.name"),
            user: row.current_user().map(|user| UserShape { id: user.id.clone(), name: user.name.clone() }),
            started_at: Moment(row.started_at),
            connected_at: None,
            last_word_at: Moment(row.last_activity_at),
            event_count: row.event_count,
            error_count: row.error_count,
            warning_count: 0,
            dropped_count: row.dropped.values().sum(),
            events_per_second: rate(&row.kymogram, now),
            followers: 0,
            clock_ahead_ms: None,
            is_stored: true,
        })
    }
}

/// Events a second over the last minute, or over the bucket that it lies in where that is longer.
fn rate(drawing: &Kymogram, now: Timestamp) -> f64 {
    const LOOKED_AT: Duration = Duration::from_mins(1);
    let width = Duration::from_nanos(drawing.width_nanos());
    let span = width.max(LOOKED_AT);
    let is_late = |at: Timestamp| now.since(at) <= span;
    let late = drawing.buckets().iter().filter(|bucket| is_late(drawing.start_of(**bucket)));
    let count: u64 = late.map(|bucket| u64::from(bucket.count)).sum();
    count as f64 / span.as_secs_f64()
}

/// What a filter looks at; `None`: its project is gone.
pub(crate) fn facts(session: &LiveSession, tables: &Tables) -> Option<SessionFacts> {
    let project = tables.project(ProjectPk::of_number(session.key.project))?;
    let header = header_of(&session.header).ok()?;
    let (id, name) = (text(&header, "user.id"), text(&header, "user.name"));
    let properties = header
        .resource
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), vec![value.to_scalar_text()?])))
        .collect();
    Some(SessionFacts {
        id: None,
        external_id: Some(session.key.session.to_string()),
        project: vec![project.id.to_string(), project.name.clone()],
        kind: header.kind,
        end: None,
        users: if id.is_some() || name.is_some() { vec![User { id, name }] } else { Vec::new() },
        application: Some(project.name.clone()),
        started_at: header.started_at,
        last_activity_at: session.word_at,
        event_count: session.counts.messages,
        error_count: session.counts.errors,
        visit_id: None,
        properties,
    })
}

/// The same of one that is stored.
pub(super) fn facts_of_row(project: ProjectPk, row: &SessionRow, tables: &Tables) -> Option<SessionFacts> {
    let project = tables.project(project)?;
    let properties = row
        .properties
        .iter()
        .map(|property| (property.name.clone(), vec![property.first.1.clone(), property.last.1.clone()]));
    let agent_id = match &row.key {
        SessionKey::External(id) | SessionKey::Tab(id) | SessionKey::Process(id) => Some(id.clone()),
        SessionKey::Identity(_) => None,
    };
    Some(SessionFacts {
        id: Some(row.id),
        external_id: agent_id,
        project: vec![project.id.to_string(), project.name.clone()],
        kind: row.kind,
        end: row.end.and_then(End::reason),
        users: row.users.iter().map(|span| span.user.clone()).collect(),
        application: Some(project.name.clone()),
        started_at: row.started_at,
        last_activity_at: row.last_activity_at,
        event_count: row.event_count,
        error_count: row.error_count,
        visit_id: None,
        properties: properties.collect(),
    })
}
