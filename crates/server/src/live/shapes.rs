//! A session that runs, as JSON.

use kymo_filter::SessionFacts;
use kymo_format::Header;
use kymo_format::live::header_of;
use kymo_model::{User, Value};
use kymo_relay::LiveSession;
use kymo_store::ProjectPk;
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

/// The text of one of the attributes of a header's resource.
fn text(header: &Header, name: &str) -> Option<String> {
    header.resource.get(name).and_then(Value::as_text).map(str::to_owned)
}

impl LiveShape {
    /// One that is connected.
    pub(crate) fn of_agent(session: &LiveSession, tables: &Tables) -> Option<Self> {
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
            is_stored: false,
        })
    }
}

/// What a filter looks at; `None`: its project is gone.
pub(super) fn facts(session: &LiveSession, tables: &Tables) -> Option<SessionFacts> {
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
