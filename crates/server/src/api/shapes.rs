//! The JSON shapes of sessions and events; see `docs/api.md`.

use std::collections::BTreeMap;

use kymo_model::{EndReason as EndReasonWord, Kymogram, SessionId, Severity, Timestamp};
use kymo_store::{DensityBucket, EventId, StoredEvent, UserDescription};
use kymo_tracker::{End, Process, SessionKey, SessionRow, UserSpan};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::document::words::{EndReason, ExceptionShape, Kind, Level, State};

/// A moment as RFC 3339.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text: Object = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, up to nanoseconds"))
            .build();
        text.into()
    }
}

impl ToSchema for Moment {}

pub(super) fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserShape {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserSpan)]
struct UserSpanShape {
    id: Option<String>,
    name: Option<String>,
    first_at: Moment,
    last_at: Moment,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Property)]
struct PropertyShape {
    first: String,
    last: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Kymogram)]
struct KymogramShape {
    width_seconds: f64,
    buckets: Vec<KymogramBucket>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = KymogramBucket)]
struct KymogramBucket {
    at: Moment,
    count: u32,
    #[schema(value_type = Level)]
    worst: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionShape {
    id: String,
    project: String,
    #[schema(value_type = Kind)]
    kind: &'static str,
    external_id: Option<String>,
    visit_id: Option<String>,
    #[schema(value_type = State)]
    state: &'static str,
    #[schema(value_type = Option<EndReason>)]
    end_reason: Option<&'static str>,
    started_at: Moment,
    last_activity_at: Moment,
    ended_at: Option<Moment>,
    /// The program could not say how it ended: it was found out from what it left.
    end_recovered: bool,
    /// When the last word of it came, if it is `silent`.
    silent_since: Option<Moment>,
    duration_seconds: f64,
    user: Option<UserShape>,
    users: Vec<UserSpanShape>,
    application: String,
    version: Option<String>,
    host: Option<String>,
    os: Option<String>,
    runtime: Option<String>,
    user_agent: Option<String>,
    page: Option<String>,
    clock_skew_seconds: f64,
    event_count: u64,
    error_count: u64,
    dropped: BTreeMap<&'static str, u64>,
    kymogram: KymogramShape,
    properties: BTreeMap<String, PropertyShape>,
    /// Of a session of a program.
    process: Option<ProcessShape>,
    pinned: bool,
}

/// What the files of a program's session say beside its events.
#[derive(Serialize, ToSchema)]
#[schema(as = Process)]
struct ProcessShape {
    /// Events that the agent recorded.
    recorded: u64,
    /// Of these, those that are not here: their files did not come, or the agent removed them.
    missing: u64,
    /// What the agent could not record, by its own word for why.
    lost: BTreeMap<String, u64>,
    /// The session that it came out of, by fork or roll-over: the agent's id.
    previous_id: Option<String>,
    /// Messages that the program says it recorded while it runs; 0: it did not say.
    messages: u64,
    /// Errors among the session's that the program told of and that are not here.
    awaited_errors: u64,
    /// A person asked for all of it.
    requested: bool,
}

impl SessionShape {
    /// `project_name` stands for the application where the agent does not name one.
    pub(super) fn new(project_id: &str, project_name: &str, row: &SessionRow, pinned: bool) -> Self {
        let last = |name: &str| row.property(name).map(|property| property.last.1.clone());
        let os = match (last("os.name"), last("os.version")) {
            (Some(name), Some(version)) => Some(format!("{name} {version}")),
            (name, version) => name.or(version),
        };
        let ended = row.end.and_then(End::reason);
        Self {
            id: row.id.to_string(),
            project: project_id.to_owned(),
            kind: row.kind.as_str(),
            external_id: match &row.key {
                SessionKey::External(id) | SessionKey::Tab(id) | SessionKey::Process(id) => Some(id.clone()),
                SessionKey::Identity(_) => None,
            },
            visit_id: row.tab.as_ref().and_then(|tab| Some(tab.visit.as_ref()?.id.clone())),
            state: row.state().as_str(),
            end_reason: ended.map(EndReasonWord::as_str),
            started_at: Moment(row.started_at),
            last_activity_at: Moment(row.last_activity_at),
            ended_at: ended.map(|_| Moment(row.last_activity_at)),
            end_recovered: matches!(row.end, Some(End::Told(end)) if end.recovered),
            silent_since: row.silent_since().map(Moment),
            duration_seconds: row.last_activity_at.since(row.started_at).as_secs_f64(),
            user: row.current_user().map(|user| UserShape { id: user.id.clone(), name: user.name.clone() }),
            users: row.users.iter().map(user_span).collect(),
            application: last("service.name").unwrap_or_else(|| project_name.to_owned()),
            version: last("service.version"),
            host: last("host.name"),
            os,
            runtime: last("process.runtime.version"),
            user_agent: last("user_agent.original"),
            page: last("url.full"),
            clock_skew_seconds: seconds(row.clock_skew_nanos),
            event_count: row.event_count,
            error_count: row.error_count,
            dropped: row.dropped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect(),
            kymogram: kymogram(&row.kymogram),
            properties: row
                .properties
                .iter()
                .map(|property| {
                    let (first, last) = (property.first.1.clone(), property.last.1.clone());
                    (property.name.clone(), PropertyShape { first, last })
                })
                .collect(),
            process: row.process.as_deref().map(process),
            pinned,
        }
    }
}

fn process(process: &Process) -> ProcessShape {
    ProcessShape {
        recorded: process.recorded,
        missing: process.missing(),
        lost: process.lost.clone(),
        previous_id: process.previous.map(|id| id.to_string()),
        messages: process.messages,
        awaited_errors: process.awaited_errors,
        requested: process.is_requested,
    }
}

fn user_span(span: &UserSpan) -> UserSpanShape {
    UserSpanShape {
        id: span.user.id.clone(),
        name: span.user.name.clone(),
        first_at: Moment(span.first_at),
        last_at: Moment(span.last_at),
    }
}

fn level_text(level: u8) -> &'static str {
    Severity::from_number(level * 4 + 1).unwrap_or(Severity::FATAL).text()
}

fn kymogram(drawing: &Kymogram) -> KymogramShape {
    let buckets = drawing.buckets().iter().map(|&bucket| KymogramBucket {
        at: Moment(drawing.start_of(bucket)),
        count: bucket.count,
        worst: level_text(bucket.worst_level),
    });
    KymogramShape { width_seconds: drawing.width_nanos() as f64 / 1e9, buckets: buckets.collect() }
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserDescription)]
struct DescriptionShape {
    email: Option<String>,
    description: Option<String>,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    data: Box<RawValue>,
    received_at: Moment,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventShape {
    /// Leads to the event for as long as it is there.
    id: String,
    session_id: Option<String>,
    sequence: u64,
    time: Moment,
    observed_time: Moment,
    #[schema(value_type = Level)]
    severity: &'static str,
    severity_number: u8,
    kind: String,
    category: Option<String>,
    message: Option<String>,
    user: Option<UserShape>,
    reference_id: Option<String>,
    user_description: Option<DescriptionShape>,
    #[schema(value_type = Option<ExceptionShape>)]
    exception: Option<Box<RawValue>>,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: Box<RawValue>,
}

/// Stored JSON as it is.
fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

impl EventShape {
    /// Bytes of its longest texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let exception = self.exception.as_ref().map_or(0, |json| json.get().len());
        self.message.as_ref().map_or(0, String::len) + exception + self.attributes.get().len()
    }

    /// `session` is the one it was read from: stored with the event is the id of its page load.
    /// `description`: what a user said about the event.
    pub(crate) fn new(
        id: EventId,
        event: StoredEvent,
        session: Option<SessionId>,
        description: Option<UserDescription>,
    ) -> Self {
        Self {
            id: id.to_string(),
            session_id: session.map(|id| id.to_string()),
            sequence: event.sequence,
            time: Moment(event.time),
            observed_time: Moment(event.observed_time),
            severity: event.severity.text(),
            severity_number: event.severity.number(),
            kind: event.kind,
            category: event.category,
            message: event.message,
            user: event.user.map(|user| UserShape { id: user.id, name: user.name }),
            reference_id: event.reference_id,
            user_description: description.map(|said| DescriptionShape {
                email: said.email,
                description: said.text,
                data: said.data.and_then(raw).unwrap_or_else(empty_object),
                received_at: Moment(said.received_at),
            }),
            exception: event.exception.and_then(raw),
            attributes: event.attributes.and_then(raw).unwrap_or_else(empty_object),
        }
    }
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

#[derive(Serialize, ToSchema)]
#[schema(as = DensityBucket)]
pub(super) struct DensityBucketShape {
    index: u32,
    count: u32,
    errors: u32,
    #[schema(value_type = Level)]
    worst: &'static str,
}

impl From<DensityBucket> for DensityBucketShape {
    fn from(bucket: DensityBucket) -> Self {
        Self { index: bucket.index, count: bucket.count, errors: bucket.errors, worst: bucket.worst.text() }
    }
}
