//! Stored events and sessions in the form that Exceptionless answers them in, for scripts that read it.
//!
//! An event comes back as it was posted, as far as the model keeps it: levels as our words, exceptions as `@error`
//! whichever form they came in.

use kymo_model::{EventKind, Exception, Frame, Severity, Timestamp};
use serde_json::{Map, Value, json};

use super::event::severity;

/// Members of the root that are kept as attributes.
const ROOT: [(&str, &str); 4] =
    [("@tags", "tags"), ("@value", "value"), ("@geo", "geo"), ("@count", "count")];

/// An event to be answered.
#[derive(Clone, Debug)]
pub struct EventAnswer<'event> {
    /// Our id for it.
    pub id: String,
    /// Its project's id.
    pub project: &'event str,
    /// The id its session is referred to by; `None`: it belongs to none.
    pub session: Option<&'event str>,
    /// The agent's clock.
    pub time: Timestamp,
    /// The server's clock.
    pub observed_time: Timestamp,
    /// How bad.
    pub severity: Severity,
    /// Of what sort, as the model's word.
    pub kind: &'event str,
    /// Logger, feature or resource.
    pub category: Option<&'event str>,
    /// The text.
    pub message: Option<&'event str>,
    /// The user's id.
    pub user_id: Option<&'event str>,
    /// The user's name.
    pub user_name: Option<&'event str>,
    /// The agent's id for it.
    pub reference_id: Option<&'event str>,
    /// The exception as JSON.
    pub exception: Option<&'event str>,
    /// The attributes as a JSON object.
    pub attributes: Option<&'event str>,
}

/// A session to be answered: an event of type `session`.
#[derive(Clone, Debug)]
pub struct SessionAnswer<'session> {
    /// Our id for it.
    pub id: String,
    /// Its project's id.
    pub project: &'session str,
    /// The id that events refer to it by.
    pub reference_id: &'session str,
    /// Its first event.
    pub started_at: Timestamp,
    /// Its last.
    pub last_activity_at: Timestamp,
    /// When the server last heard of it.
    pub observed_at: Timestamp,
    /// Whether it is over.
    pub ended: bool,
    /// Whether an event of it is an error.
    pub has_error: bool,
    /// The last user's id.
    pub user_id: Option<&'session str>,
    /// The last user's name.
    pub user_name: Option<&'session str>,
    /// The application's version.
    pub version: Option<&'session str>,
}

impl EventAnswer<'_> {
    /// The event as it is answered whole.
    pub fn whole(&self) -> Value {
        let mut data = object(self.attributes);
        let mut root = Map::new();
        for (attribute, member) in ROOT {
            if let Some(value) = data.remove(attribute) {
                root.insert(member.to_owned(), value);
            }
        }
        data.remove("@id");
        data.remove("@stack_id");
        add_user(&mut data, self.user_id, self.user_name);
        if let Some(session) = self.session {
            data.entry("@ref:session").or_insert_with(|| session.into());
        }
        let kind = EventKind::from_word(self.kind);
        if kind == EventKind::Log || self.severity != severity::of_kind(&kind, false) {
            data.entry("@level").or_insert_with(|| self.severity.text().into());
        }
        if let Some(exception) = self.exception.and_then(|json| serde_json::from_str(json).ok()) {
            data.insert("@error".to_owned(), error(&exception));
        }
        common(&mut root, &self.id, self.project, self.time, self.observed_time);
        root.insert("type".to_owned(), type_of(&kind).into());
        for (name, text) in
            [("source", self.category), ("message", self.message), ("reference_id", self.reference_id)]
        {
            root.insert(name.to_owned(), text.into());
        }
        root.insert("data".to_owned(), Value::Object(data));
        Value::Object(root)
    }

    /// The event as a row of a list (`mode=summary`).
    pub fn summary(&self) -> Value {
        let kind = EventKind::from_word(self.kind);
        json!({
            "id": self.id,
            "template_key": "event-summary",
            "date": self.time.to_string(),
            "type": type_of(&kind),
            "project_id": self.project,
            "data": {
                "Message": self.message,
                "Source": self.category,
                "Type": type_of(&kind),
                "Level": self.severity.text(),
                "Identity": self.user_id,
                "Name": self.user_name,
            },
        })
    }
}

impl SessionAnswer<'_> {
    fn seconds(&self) -> f64 {
        self.last_activity_at.since(self.started_at).as_secs_f64()
    }

    /// The session as it is answered whole.
    pub fn whole(&self) -> Value {
        let mut data = Map::new();
        add_user(&mut data, self.user_id, self.user_name);
        if self.ended {
            data.insert("sessionend".to_owned(), self.last_activity_at.to_string().into());
        }
        if self.has_error {
            data.insert("haserror".to_owned(), true.into());
        }
        if let Some(version) = self.version {
            data.insert("@version".to_owned(), version.into());
        }
        let mut root = Map::new();
        common(&mut root, &self.id, self.project, self.started_at, self.observed_at);
        root.insert("type".to_owned(), "session".into());
        root.insert("reference_id".to_owned(), self.reference_id.into());
        root.insert("value".to_owned(), self.seconds().into());
        root.insert("data".to_owned(), Value::Object(data));
        Value::Object(root)
    }

    /// The session as a row of a list (`mode=summary`).
    pub fn summary(&self, project_name: &str) -> Value {
        json!({
            "id": self.id,
            "template_key": "event-session-summary",
            "date": self.started_at.to_string(),
            "type": "session",
            "version": self.version,
            "tags": [],
            "project_id": self.project,
            "project_name": project_name,
            "data": {
                "SessionId": self.reference_id,
                "Type": "session",
                "Identity": self.user_id,
                "Name": self.user_name,
                "Value": self.seconds().to_string(),
                "SessionEnd": self.ended.then(|| self.last_activity_at.to_string()),
            },
        })
    }
}

fn common(root: &mut Map<String, Value>, id: &str, project: &str, time: Timestamp, observed: Timestamp) {
    root.insert("id".to_owned(), id.into());
    root.insert("project_id".to_owned(), project.into());
    root.insert("date".to_owned(), time.to_string().into());
    root.insert("created_utc".to_owned(), observed.to_string().into());
}

fn object(json: Option<&str>) -> Map<String, Value> {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// What `@user` holds beside id and name is among the attributes.
fn add_user(data: &mut Map<String, Value>, id: Option<&str>, name: Option<&str>) {
    if id.is_none() && name.is_none() {
        return;
    }
    let user = data.entry("@user").or_insert_with(|| json!({}));
    for (key, text) in [("identity", id), ("name", name)] {
        if let (Some(text), Some(user)) = (text, user.as_object_mut()) {
            user.insert(key.to_owned(), text.into());
        }
    }
}

/// The reference's word for a kind of events (Exceptionless HTTP API).
pub fn type_of(kind: &EventKind) -> &str {
    match kind {
        EventKind::NotFound => "404",
        EventKind::SessionStart => "session",
        EventKind::SessionEnd => "sessionend",
        other => other.as_str(),
    }
}

fn error(exception: &Exception) -> Value {
    let mut error = attributes(&exception.attributes);
    for (name, text) in
        [("type", &exception.type_name), ("message", &exception.message), ("code", &exception.code)]
    {
        if let Some(text) = text {
            error.insert(name.to_owned(), text.clone().into());
        }
    }
    if let Some(text) = exception.stack_text.as_ref().filter(|_| exception.frames.is_empty()) {
        error.insert("stack_trace".to_owned(), text.clone().into());
    } else if !exception.frames.is_empty() {
        error.insert("stack_trace".to_owned(), exception.frames.iter().map(frame).collect());
    }
    if let Some(inner) = &exception.inner {
        error.insert("inner".to_owned(), self::error(inner));
    }
    Value::Object(error)
}

fn frame(frame: &Frame) -> Value {
    let mut answer = attributes(&frame.attributes);
    for (name, text) in
        [("name", &frame.function), ("declaring_type", &frame.type_name), ("file_name", &frame.file)]
    {
        if let Some(text) = text {
            answer.insert(name.to_owned(), text.clone().into());
        }
    }
    for (name, number) in [("line_number", frame.line), ("column", frame.column)] {
        if let Some(number) = number {
            answer.insert(name.to_owned(), number.into());
        }
    }
    Value::Object(answer)
}

fn attributes(kept: &kymo_model::Attributes) -> Map<String, Value> {
    match serde_json::to_value(kept) {
        Ok(Value::Object(entries)) => entries,
        _ => Map::new(),
    }
}
