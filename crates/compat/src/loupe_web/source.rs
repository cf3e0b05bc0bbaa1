//! The place in the source a message is about.

use kymo_model::{Attributes, Frame, Value};

use super::exception::Thrown;
use super::message::Field;
use crate::json::{Member, into_scalar_text, says_something};

#[derive(Debug, Default, PartialEq)]
struct Place {
    file: Option<String>,
    namespace: Option<String>,
    function: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

/// Adds the place as attributes: what the application said if it said anything, else where the
/// exception was thrown.
pub(super) fn push(said: Option<Value>, thrown: Option<&Thrown>, attributes: &mut Attributes) {
    let mut place = Place::default();
    let mut rest = Attributes::default();
    match said {
        Some(Value::Map(members)) => {
            for (name, value) in members.0 {
                place.take(name, value, &mut rest);
            }
        }
        Some(other) if says_something(&other) => attributes.push(Field::MethodSourceInfo.name(), other),
        _ => {}
    }
    if !rest.is_empty() {
        attributes.push(Field::MethodSourceInfo.name(), Value::Map(rest));
    }
    if place == Place::default()
        && let Some(thrown) = thrown
    {
        place = Place::of(thrown);
    }
    let texts = [
        ("code.file.path", place.file),
        ("code.namespace", place.namespace),
        ("code.function.name", place.function),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            attributes.push(name, Value::Text(text));
        }
    }
    for (name, number) in [("code.line.number", place.line), ("code.column.number", place.column)] {
        if let Some(number) = number {
            attributes.push(name, Value::Int(number.into()));
        }
    }
}

impl Place {
    /// A member of `methodSourceInfo`; what means nothing here goes to `rest`.
    fn take(&mut self, name: String, value: Value, rest: &mut Attributes) {
        let text = match name.to_ascii_lowercase().as_str() {
            "file" => &mut self.file,
            "class" => &mut self.namespace,
            "method" => &mut self.function,
            "line" => return take_number(&mut self.line, name, value, rest),
            "column" => return take_number(&mut self.column, name, value, rest),
            _ if says_something(&value) => return rest.push(name, value),
            _ => return,
        };
        match into_scalar_text(value) {
            Ok(found) if found.trim().is_empty() => {}
            Ok(found) if text.is_none() => *text = Some(found),
            Ok(found) => rest.push(name, Value::Text(found)),
            Err(other) if says_something(&other) => rest.push(name, other),
            Err(_) => {}
        }
    }

    /// Where the exception was thrown: its first own frame. The line that the browser reported
    /// wins over the frame's, unless it is of another file (an error made here and thrown there);
    /// without any own frame the reported place is all there is.
    fn of(thrown: &Thrown) -> Self {
        let frames = &thrown.exception.frames;
        let Some(frame) = own_frame(frames) else {
            return match (&thrown.url, thrown.line) {
                (Some(url), Some(_)) => Self {
                    file: Some(url.clone()),
                    line: thrown.line,
                    column: thrown.column,
                    ..Self::default()
                },
                _ => Self::default(),
            };
        };
        let mut place = Self {
            file: frame.file.clone(),
            namespace: None,
            function: frame.function.clone(),
            line: frame.line,
            column: frame.column,
        };
        let is_same_file = thrown.url.is_none() || thrown.url == frame.file;
        if is_same_file && thrown.line.is_some() && thrown.line != frame.line {
            place.line = thrown.line;
            place.column = thrown.column;
        }
        place
    }
}

/// Functions of the agents that stand in the stacks they make themselves, innermost first.
const AGENT_FUNCTIONS: [&str; 4] = ["createStackFromMessage", "getStackTrace", "logError", "recordException"];

/// The innermost frame of the application that names a line of a file, else the innermost that
/// names a function.
fn own_frame(frames: &[Frame]) -> Option<&Frame> {
    let calls = |name: &str| frames.iter().any(|frame| agent_function(frame) == Some(name));
    // The error had no stack of its own: all of this is the agent's.
    if calls("logError") && (calls("createStackFromMessage") || calls("getStackTrace")) {
        return None;
    }
    let own = || frames.iter().filter(|frame| agent_function(frame).is_none());
    own()
        .find(|frame| frame.line.is_some() && frame.file.as_deref().is_some_and(is_file))
        .or_else(|| own().find(|frame| frame.line.is_some() || frame.file.is_some()))
}

fn agent_function(frame: &Frame) -> Option<&'static str> {
    let name = frame.function.as_deref()?.rsplit('.').next()?;
    AGENT_FUNCTIONS.into_iter().find(|known| *known == name)
}

/// Code made at run time has no file.
fn is_file(file: &str) -> bool {
    !file.starts_with(['<', '['])
}

/// Lines and columns count from 1; 0 is how agents write "unknown".
pub(super) fn take_number(slot: &mut Option<u32>, name: String, value: Value, rest: &mut Attributes) {
    let number = match &value {
        Value::Int(_) | Value::Float(_) => value.to_scalar_text().and_then(|text| text.parse().ok()),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(0) => {}
        Some(number) if slot.is_none() => *slot = Some(number),
        _ if says_something(&value) => rest.push(name, value),
        _ => {}
    }
}
