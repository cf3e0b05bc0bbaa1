//! The rows as they are written in the data files.

use std::collections::BTreeMap;

use kymo_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The moment that dates in the data count from.
pub(super) const T0: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

/// One row of a case table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Table and row: `S-A1`.
    pub(super) id: String,
    /// What it is about.
    pub(super) title: String,
    pub(super) verdict: Verdict,
    /// For `better`: what differs and why. For `not ours`: why.
    pub(super) why: Option<String>,
    /// How the row was translated, where that is not plain.
    #[serde(default, rename = "note")]
    _note: Option<String>,
    /// What the reference has stored in the end, where its table says so.
    pub(super) documents: Option<u64>,
    /// What the server's clock shows at first, in seconds after T0.
    #[serde(default = "begin")]
    pub(super) clock: f64,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    /// What holds in the end.
    pub(super) expected: Option<Expected>,
}

/// T0 is five minutes ago, as in the tables.
fn begin() -> f64 {
    300.0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) enum Verdict {
    #[serde(rename = "same")]
    Same,
    #[serde(rename = "better")]
    Better,
    #[serde(rename = "not ours")]
    NotOurs,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// One body of events.
    Post(Vec<Value>),
    /// The server's clock moves on by seconds.
    Advance(f64),
    /// A call with this query, as it goes over the wire.
    Heartbeat(String),
    /// Any request.
    Request(Box<Request>),
    /// The server's upkeep runs.
    Tick,
    /// What holds at this point.
    Look(Box<Expected>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) method: String,
    /// `{read}` stands for a token, `{@300}` for a time.
    pub(super) path: String,
    /// Goes into the header `Authorization`; none without it.
    pub(super) token: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// JSON; `@fill` in it stands for letters.
    pub(super) body: Option<Value>,
    /// The body as it is.
    pub(super) text: Option<String>,
    /// Bytes of the body that `@fill` makes up for.
    pub(super) fill_to: Option<usize>,
    pub(super) answer: Answer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// Any if left out.
    pub(super) status: Option<u16>,
    /// `null`: it must not be there; `@any`: it must be there.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(super) facts: Facts,
    /// Lengths of lists.
    #[serde(default)]
    pub(super) lengths: BTreeMap<String, usize>,
}

/// Values by JSON pointer; `null`: it must not be there.
pub(super) type Facts = BTreeMap<String, Value>;

/// What a reader of the API finds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// Events stored, shown or not.
    pub(super) stored: u64,
    #[serde(default)]
    pub(super) dropped: BTreeMap<String, u64>,
    #[serde(default)]
    pub(super) sessions: Vec<Session>,
    /// Events without a session.
    #[serde(default)]
    pub(super) loose: Vec<Event>,
    /// The same of the other project; nothing in it if left out.
    pub(super) other: Option<Box<Expected>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    /// The id its agent chose; none if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The user seen last; anybody if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// Seconds after T0.
    pub(super) start: f64,
    /// Seconds.
    pub(super) duration: f64,
    /// `running`, or `ended` with the reason.
    pub(super) state: String,
    #[serde(default)]
    pub(super) errors: u64,
    /// In order of time.
    pub(super) events: Vec<Event>,
    #[serde(default, skip_serializing)]
    pub(super) facts: Facts,
}

/// An event by its message, or its kind where it has no message.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Event {
    Text(String),
    Facts { event: String, facts: Facts },
}

impl Event {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Facts { event: text, .. } => text,
        }
    }

    pub(super) fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Text(_) => None,
            Self::Facts { facts, .. } => Some(facts),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// The moment that many seconds after [`T0`].
pub(super) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_unix_nanos(T0.as_unix_nanos() + (seconds * 1e3).round() as i64 * 1_000_000)
}

/// Every text `@300` in it becomes the moment it stands for.
pub(super) fn with_times(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@').and_then(|rest| rest.parse().ok()) {
            Some(seconds) => json!(at(seconds).to_string()),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(with_times).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), with_times(value))).collect(),
        other => other.clone(),
    }
}

/// The event as an agent sends it: `u` is the user's identity, `s` the agent's id of the session.
pub(super) fn event(written: &Value) -> Value {
    let mut event = with_times(written).as_object().expect("an event is an object").clone();
    let (user, session) = (event.remove("u"), event.remove("s"));
    let is_start = event.get("type").is_some_and(|kind| kind == "session");
    match session {
        Some(id) if is_start => drop(event.insert("reference_id".to_owned(), id)),
        Some(id) => drop(data(&mut event).insert("@ref:session".to_owned(), id)),
        None => {}
    }
    if let Some(id) = user {
        data(&mut event).insert("@user".to_owned(), json!({"identity": id}));
    }
    event.into()
}

fn data(event: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let data = event.entry("data").or_insert_with(|| json!({}));
    data.as_object_mut().expect("data is an object")
}

#[test]
fn events_are_written_short() {
    let short =
        json!({"type": "log", "date": "@0.5", "u": "A", "s": "12345678", "data": {"x": "@5 o'clock"}});
    let long = json!({"type": "log", "date": "2026-09-21T14:13:20.5Z",
        "data": {"x": "@5 o'clock", "@ref:session": "12345678", "@user": {"identity": "A"}}});
    assert_eq!(event(&short), long);
    let start = event(&json!({"type": "session", "s": "12345678"}));
    assert_eq!(start, json!({"type": "session", "reference_id": "12345678"}));
}
