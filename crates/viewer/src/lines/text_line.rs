//! An event as a line for people, and its error below it.

use kymo_format::ReadRecord;
use kymo_model::Exception;
use serde_json::Value;

use crate::row::{caption, exception_text, user_text};
use crate::text::{harmless, one_line};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look<'tag> {
    /// Whose line it is, where those of several are mixed.
    pub tag: Option<&'tag str>,
    /// With the colours of a terminal.
    pub has_colors: bool,
}

/// An event for people: time, level, category, thread, what it says, whom it happened to. Its texts are harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLine {
    time: String,
    level: String,
    /// 0 trace to 5 fatal.
    rank: usize,
    category: Option<String>,
    thread: Option<String>,
    said: String,
    user: Option<String>,
    causes: Vec<String>,
}

impl TextLine {
    /// Of a record.
    pub fn of(record: &ReadRecord) -> Self {
        let thread = record.thread.name.clone().unwrap_or_else(|| record.thread.id.to_string());
        Self {
            time: record.time.to_string(),
            level: record.severity.text().to_uppercase(),
            rank: rank(record.severity.number()),
            category: record.category().map(harmless),
            thread: Some(harmless(&thread)),
            said: one_line(&caption(record), usize::MAX),
            user: record.user.as_ref().map(|user| harmless(&user_text(user))),
            causes: causes(record.exception.as_ref()),
        }
    }

    /// Of an event as a server gives it. Fields that its text does not name are not said: which these are, only a
    /// record tells.
    pub fn of_stored(event: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(harmless);
        let attribute = |name: &str| event["attributes"][name].as_str().map(str::to_owned);
        let id = || event["attributes"]["thread.id"].as_u64().map(|id| id.to_string());
        let thread = attribute("thread.name").or_else(|| attribute("thread.id")).or_else(id);
        let exception = serde_json::from_value::<Option<Exception>>(event["exception"].clone());
        let exception = exception.unwrap_or_default();
        let kind = event["kind"].as_str().unwrap_or("log");
        let said = match (event["message"].as_str(), &exception) {
            (Some(message), _) => message.to_owned(),
            (None, Some(exception)) => exception_text(exception),
            (None, None) => format!("({kind})"),
        };
        let user = &event["user"];
        let user = [&user["name"], &user["id"]].into_iter().find_map(Value::as_str).map(harmless);
        Self {
            time: text(&event["time"]).unwrap_or_default(),
            level: text(&event["severity"]).unwrap_or_default().to_uppercase(),
            rank: rank(event["severity_number"].as_u64().map_or(0, |number| number.min(24) as u8)),
            category: text(&event["category"]),
            thread: thread.map(|thread| harmless(&thread)),
            said: one_line(&said, usize::MAX),
            user,
            causes: causes(exception.as_ref()),
        }
    }

    /// The line, and those of its error, each with its end.
    pub fn text(&self, look: Look<'_>) -> String {
        let paint = |text: &str, codes: &str| match (look.has_colors, codes) {
            (false, _) | (_, "") => text.to_owned(),
            _ => format!("\u{1b}[{codes}m{text}\u{1b}[0m"),
        };
        let mut text = paint(&self.time, DIM);
        if let Some(tag) = look.tag {
            text.extend([" ", &paint(tag, TAG)]);
        }
        text.extend([" ", &paint(&format!("{:<5}", self.level), LEVELS[self.rank])]);
        if let Some(category) = &self.category {
            text.extend([" ", &paint(category, DIM)]);
        }
        if let Some(thread) = &self.thread {
            text.extend([" ", &paint(&format!("[{thread}]"), DIM)]);
        }
        text.extend([" ", &self.said]);
        if let Some(user) = &self.user {
            text.extend(["  ", &paint(&format!("user={user}"), DIM)]);
        }
        text.push('\n');
        for (depth, cause) in self.causes.iter().enumerate() {
            let lead = if depth == 0 { "error" } else { "caused by" };
            let said = paint(&format!("{lead} {cause}"), LEVELS[4]);
            text.extend([&"    ".repeat(depth + 1), said.as_str(), "\n"]);
        }
        text
    }
}

/// As the viewer's screen has them: of the terminal's sixteen colours.
const LEVELS: [&str; 6] = ["2", "2", "", "1;33", "1;31", "1;4;35"];
const DIM: &str = "2";
const TAG: &str = "36";

fn rank(severity_number: u8) -> usize {
    usize::from(severity_number.clamp(1, 24) - 1) / 4
}

fn causes(exception: Option<&Exception>) -> Vec<String> {
    let chain = exception.into_iter().flat_map(Exception::chain);
    chain.map(|cause| one_line(&exception_text(cause), usize::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_gives_is_a_line_with_its_causes() {
        let event = json!({
            "time": "2026-11-20T16:20:42.132Z", "severity": "error", "severity_number": 17, "kind": "error",
            "category": "shop\u{1b}[2J", "message": "no\nmilk", "user": {"id": "ann", "name": null},
            "exception": {"type": "A", "message": "b", "inner": {"type": "C", "message": null}},
            "attributes": {"thread.id": 7},
        });
        let line = TextLine::of_stored(&event);
        let plain = "2026-11-20T16:20:42.132Z ERROR shop\\u{1b}[2J [7] no ⏎ milk  user=ann\n    error A: b\n        caused by C\n";
        assert_eq!(line.text(Look::default()), plain);
        let tagged = line.text(Look { tag: Some("till#1"), has_colors: false });
        assert!(tagged.starts_with("2026-11-20T16:20:42.132Z till#1 ERROR"), "{tagged}");
        let colored = line.text(Look { tag: None, has_colors: true });
        assert!(colored.contains("\u{1b}[1;31mERROR\u{1b}[0m"), "{colored}");
    }

    #[test]
    fn every_number_of_a_severity_has_a_look() {
        assert_eq!([0, 1, 4, 5, 9, 13, 17, 21, 24, 255].map(rank), [0, 0, 0, 1, 2, 3, 4, 5, 5, 5]);
    }
}
