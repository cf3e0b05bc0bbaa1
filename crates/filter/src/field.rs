//! The names that a filter may use: ours, and those of Exceptionless.

use std::fmt;

/// What a query is about, and what a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Sessions.
    Session,
    /// Events.
    Event,
}

impl Subject {
    /// `session` or `event`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Event => "event",
        }
    }
}

/// A field of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SessionField {
    /// Our id, or the one its agent chose.
    Id,
    /// Id or name of its project.
    Project,
    /// `user`, `process` or `browser`.
    Kind,
    /// `running`, `silent` or `ended`.
    State,
    /// How it ended.
    EndReason,
    /// Ids and names of all its users.
    User,
    /// Ids of its users.
    UserId,
    /// Names of its users.
    UserName,
    /// What its agent calls the application, else the project's name.
    Application,
    /// From its start to its last activity.
    Duration,
    /// When it began.
    Started,
    /// When it was last active.
    LastActivity,
    /// When it ended, if it did.
    Ended,
    /// Whether it has errors.
    Error,
    /// How many errors it has.
    Errors,
    /// How many events it has.
    Events,
    /// The visit it is part of.
    Visit,
    /// The property of that name: its first and its last value.
    Property(String),
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventField {
    /// Message, category and exception.
    Text,
    /// When it happened, by the agent's clock.
    Time,
    /// When it arrived.
    Observed,
    /// How bad it is.
    Severity,
    /// Of what sort it is.
    Kind,
    /// Logger, feature or resource.
    Category,
    /// Its text.
    Message,
    /// Types and messages of its exception and the causes.
    Exception,
    /// The types among them.
    ExceptionType,
    /// The messages among them.
    ExceptionMessage,
    /// The id its agent gave it.
    Reference,
    /// Id and name of its user.
    User,
    /// Id of its user.
    UserId,
    /// Name of its user.
    UserName,
    /// Whether it counts as an error.
    Error,
    /// Its place in the session.
    Sequence,
    /// The attribute of that name.
    Attribute(String),
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Of a session.
    Session(SessionField),
    /// Of an event.
    Event(EventField),
}

impl Field {
    /// What it belongs to.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Session(_) => Subject::Session,
            Self::Event(_) => Subject::Event,
        }
    }
}

/// What a field's values are, and so what may be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text that is searched by words.
    Words,
    /// Text that is compared as a whole, with `*` for anything.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// A length of time.
    Duration,
    /// A moment.
    Time,
    /// A severity level.
    Severity,
    /// Text, number or truth value, whatever it is.
    Value,
}

impl FieldType {
    /// The word for it in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Text => "text",
            Self::Word(_) => "word",
            Self::Flag => "flag",
            Self::Number => "number",
            Self::Duration => "duration",
            Self::Time => "time",
            Self::Severity => "level",
            Self::Value => "value",
        }
    }
}

/// For people: what may be written.
impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(words) => f.write_str(&words.join(", ")),
            Self::Flag => f.write_str("true, false"),
            Self::Value => f.write_str("text or number"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// A row of the table of fields.
#[derive(Debug)]
pub struct FieldRow {
    /// What it belongs to.
    pub subject: Subject,
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub field_type: FieldType,
    /// What it is.
    pub help: &'static str,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Session(SessionField),
    Event(EventField),
    /// The session's property of that name.
    Property(&'static str),
    /// The event's attribute of that name.
    Attribute(&'static str),
}

impl FieldRow {
    /// The field it names.
    pub fn field(&self) -> Field {
        match &self.target {
            Target::Session(field) => Field::Session(field.clone()),
            Target::Event(field) => Field::Event(field.clone()),
            Target::Property(name) => Field::Session(SessionField::Property((*name).to_owned())),
            Target::Attribute(name) => Field::Event(EventField::Attribute((*name).to_owned())),
        }
    }
}

const KINDS: FieldType = FieldType::Word(&["user", "process", "browser"]);
const STATES: FieldType = FieldType::Word(&["running", "silent", "ended"]);
const END_REASONS: FieldType =
    FieldType::Word(&["normal", "timed_out", "crashed", "killed", "lost_power", "unknown"]);

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    field_type: FieldType,
    target: Target,
    help: &'static str,
) -> FieldRow {
    let subject = match target {
        Target::Session(_) | Target::Property(_) => Subject::Session,
        Target::Event(_) | Target::Attribute(_) => Subject::Event,
    };
    FieldRow { subject, name, aliases, field_type, help, target }
}

/// Every field with a name of its own. Beside them there are `properties.NAME` of a session and
/// `attributes.NAME` of an event.
pub static FIELDS: [FieldRow; 47] = {
    use EventField as E;
    use FieldType as T;
    use SessionField as S;
    use Target::{Attribute, Event, Property, Session};
    [
        row("id", &["session", "ref.session"], T::Text, Session(S::Id), "its id, or the one its agent chose"),
        row("project", &[], T::Text, Session(S::Project), "id or name of its project"),
        row("kind", &[], KINDS, Session(S::Kind), "what it stands for"),
        row("state", &[], STATES, Session(S::State), "whether it goes on"),
        row("end", &["end_reason"], END_REASONS, Session(S::EndReason), "how it ended"),
        row("user", &[], T::Words, Session(S::User), "words of an id or name of any of its users"),
        row("user.id", &["user.email"], T::Text, Session(S::UserId), "id of any of its users"),
        row("user.name", &[], T::Text, Session(S::UserName), "name of any of its users"),
        row(
            "application",
            &["app"],
            T::Text,
            Session(S::Application),
            "the application, else the project's name",
        ),
        row("version", &[], T::Text, Property("service.version"), "version of the application"),
        row("host", &["machine"], T::Text, Property("host.name"), "the machine"),
        row("architecture", &[], T::Text, Property("host.arch"), "of the machine"),
        row("os", &[], T::Text, Property("os.name"), "operating system"),
        row("os.version", &[], T::Text, Property("os.version"), "its version"),
        row("runtime", &[], T::Text, Property("process.runtime.version"), "what runs the program"),
        row("browser", &[], T::Text, Property("user_agent.name"), "the browser"),
        row("browser.version", &[], T::Text, Property("user_agent.version"), "its version"),
        row("device", &[], T::Text, Property("device.model.name"), "the device"),
        row(
            "user_agent",
            &["useragent"],
            T::Text,
            Property("user_agent.original"),
            "what the browser calls itself",
        ),
        row("page", &["path"], T::Text, Property("url.full"), "address of the page"),
        row("ip", &[], T::Text, Property("client.address"), "where it sent from"),
        row("duration", &["value"], T::Duration, Session(S::Duration), "from its start to its last activity"),
        row("started", &["date", "start"], T::Time, Session(S::Started), "when it began"),
        row("last_activity", &["active"], T::Time, Session(S::LastActivity), "when it was last active"),
        row(
            "ended",
            &["data.sessionend"],
            T::Time,
            Session(S::Ended),
            "when it ended; one that runs has none",
        ),
        row("error", &["data.haserror", "has_error"], T::Flag, Session(S::Error), "whether it has errors"),
        row("errors", &["error_count"], T::Number, Session(S::Errors), "how many errors it has"),
        row("events", &["event_count", "count"], T::Number, Session(S::Events), "how many events it has"),
        row("visit", &["visit_id"], T::Text, Session(S::Visit), "the visit that the tab is part of"),
        row("time", &["date"], T::Time, Event(E::Time), "when it happened, by the agent's clock"),
        row("observed", &["observed_time", "created"], T::Time, Event(E::Observed), "when it arrived"),
        row("level", &["severity"], T::Severity, Event(E::Severity), "how bad it is"),
        row("kind", &["type"], T::Text, Event(E::Kind), "of what sort: log, error, usage, not_found, …"),
        row("category", &["source", "logger"], T::Text, Event(E::Category), "logger, feature or resource"),
        row("message", &["body"], T::Words, Event(E::Message), "its text"),
        row(
            "exception",
            &[],
            T::Words,
            Event(E::Exception),
            "types and messages of its exception and the causes",
        ),
        row("exception.type", &["error.type"], T::Text, Event(E::ExceptionType), "the types among them"),
        row(
            "exception.message",
            &["error.message"],
            T::Words,
            Event(E::ExceptionMessage),
            "the messages among them",
        ),
        row("reference", &["reference_id"], T::Text, Event(E::Reference), "the id its agent gave it"),
        row("user", &[], T::Words, Event(E::User), "words of id or name of its user"),
        row("user.id", &["user.email"], T::Text, Event(E::UserId), "id of its user"),
        row("user.name", &[], T::Text, Event(E::UserName), "name of its user"),
        row("error", &[], T::Flag, Event(E::Error), "whether it counts as an error of its session"),
        row("sequence", &[], T::Number, Event(E::Sequence), "its place in the session"),
        row("tag", &["tags"], T::Value, Attribute("@tags"), "any of its tags"),
        row("event.value", &["value"], T::Value, Attribute("@value"), "its value"),
        row("geo", &[], T::Value, Attribute("@geo"), "where it happened"),
    ]
};

/// Beginnings of names of properties and attributes. `data.` is the one or the other, by what the query
/// is about.
const PREFIXES: [(&str, Option<Subject>); 3] =
    [("properties.", Some(Subject::Session)), ("attributes.", Some(Subject::Event)), ("data.", None)];

/// The field that `name` means in a query about `subject`. In front of a name, `session.` and `event.`
/// say which one is meant where both have it.
pub fn lookup(name: &str, subject: Subject) -> Option<(Field, FieldType)> {
    let name = crate::text::fold(name);
    let other = match subject {
        Subject::Session => Subject::Event,
        Subject::Event => Subject::Session,
    };
    if let Some(row) = row_of(&name, subject).or_else(|| row_of(&name, other)) {
        return Some((row.field(), row.field_type));
    }
    for forced in [Subject::Session, Subject::Event] {
        let inner = name.strip_prefix(forced.as_str()).and_then(|rest| rest.strip_prefix('.'));
        if let Some(row) = inner.and_then(|inner| row_of(inner, forced)) {
            return Some((row.field(), row.field_type));
        }
    }
    if let Some(named) = name.strip_prefix("ref.").filter(|named| !named.is_empty()) {
        // Ids of other events, as agents of Exceptionless send them.
        let attribute = format!("@ref:{named}");
        return Some((Field::Event(EventField::Attribute(attribute)), FieldType::Value));
    }
    let (key, of) = PREFIXES.iter().find_map(|(prefix, of)| Some((name.strip_prefix(prefix)?, of)))?;
    match of.unwrap_or(subject) {
        _ if key.is_empty() => None,
        Subject::Session => Some((Field::Session(SessionField::Property(key.to_owned())), FieldType::Text)),
        Subject::Event => Some((Field::Event(EventField::Attribute(key.to_owned())), FieldType::Value)),
    }
}

fn row_of(name: &str, subject: Subject) -> Option<&'static FieldRow> {
    FIELDS.iter().find(|row| row.subject == subject && (row.name == name || row.aliases.contains(&name)))
}

/// How a query about `subject` writes the field; its letters still need escaping.
pub(crate) fn name_of(field: &Field, subject: Subject) -> String {
    let of = field.subject();
    match (FIELDS.iter().find(|row| row.field() == *field), field) {
        (Some(row), _) if lookup(row.name, subject).is_some_and(|(found, _)| found == *field) => {
            row.name.to_owned()
        }
        (Some(row), _) => format!("{}.{}", of.as_str(), row.name),
        (None, Field::Session(SessionField::Property(name))) => format!("properties.{name}"),
        (None, Field::Event(EventField::Attribute(name))) => format!("attributes.{name}"),
        // Words anywhere in an event are written without a field.
        (None, _) => String::new(),
    }
}

/// Every name and alias, and the beginnings of open names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let named = FIELDS.iter().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
    named.chain(["_exists_", "_missing_"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_names() {
        for row in &FIELDS {
            for name in std::iter::once(&row.name).chain(row.aliases) {
                let found = lookup(name, row.subject).map(|(field, _)| field);
                assert_eq!(found, Some(row.field()), "{name}");
            }
            for subject in [Subject::Session, Subject::Event] {
                let written = name_of(&row.field(), subject);
                let found = lookup(&written, subject).map(|(field, _)| field);
                assert_eq!(found, Some(row.field()), "{written}");
            }
        }
    }

    #[test]
    fn what_both_have_is_meant_of_what_the_query_is_about() {
        let check = |name: &str, subject, expected: Field| {
            assert_eq!(lookup(name, subject).map(|(field, _)| field), Some(expected), "{name}");
        };
        let (of_session, of_event) = (Field::Session(SessionField::User), Field::Event(EventField::User));
        check("user", Subject::Session, of_session.clone());
        check("user", Subject::Event, of_event.clone());
        check("event.user", Subject::Session, of_event);
        check("session.user", Subject::Event, of_session);
        check("Version", Subject::Event, Field::Session(SessionField::Property("service.version".into())));
        check("data.region", Subject::Session, Field::Session(SessionField::Property("region".into())));
        check("data.region", Subject::Event, Field::Event(EventField::Attribute("region".into())));
        assert_eq!(lookup("data.", Subject::Event), None);
    }
}
