//! The member `exception`. What has no place of its own in the model becomes an attribute of the
//! exception; nothing with content is thrown away.

use kymo_model::{Attributes, Exception, Value};

use super::source::take_number;
use super::stack::{Lines, Stack};
use crate::json::{into_scalar_text, says_something};

/// What else the message says, by which it is known who made the exception.
pub(super) struct Context<'a> {
    pub(super) category: Option<&'a str>,
    pub(super) caption: Option<&'a str>,
    pub(super) details: Option<&'a Value>,
}

impl Context<'_> {
    /// The category of what the agents log by themselves.
    const AGENT_CATEGORY: &'static str = "JavaScript";

    /// The exception handler of the Angular agent adds where in the application it happened.
    fn is_of_angular_handler(&self) -> bool {
        self.category == Some(Self::AGENT_CATEGORY)
            && self.caption.is_none()
            && self
                .details
                .is_some_and(|details| details.get("controller").is_some() && details.get("page").is_some())
    }
}

/// An exception and the place it was reported for: of an uncaught error the script's, else the
/// page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Thrown {
    pub(super) exception: Exception,
    pub(super) url: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

/// `None` for nothing at all, which agents write as null, 0, false or an empty text.
pub(super) fn read(value: Value, context: &Context<'_>) -> Option<Thrown> {
    let mut parts = Parts::default();
    match value {
        Value::Int(0) => return None,
        Value::Map(members) => {
            for (name, value) in members.0 {
                parts.take(name, value);
            }
        }
        list @ Value::List(_) if says_something(&list) => parts.attributes.push("exception", list),
        plain => match into_scalar_text(plain) {
            Ok(text) if matches!(text.trim(), "" | "false" | "0") => return None,
            Ok(text) => parts.message = Some(text),
            Err(_) => return None,
        },
    }
    let thrown = parts.into_thrown(context);
    (thrown != Thrown::default()).then_some(thrown)
}

#[derive(Default)]
struct Parts {
    message: Option<String>,
    name: Option<String>,
    code: Option<String>,
    cause: Option<String>,
    url: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    stack: Option<Lines>,
    attributes: Attributes,
}

impl Parts {
    fn take(&mut self, name: String, value: Value) {
        let text = match name.to_ascii_lowercase().as_str() {
            "message" => &mut self.message,
            "cause" => &mut self.cause,
            "url" => &mut self.url,
            // Of objects that the application made; the agents pass them on as they are.
            "name" => &mut self.name,
            "code" => &mut self.code,
            "line" => return take_number(&mut self.line, name, value, &mut self.attributes),
            "column" => return take_number(&mut self.column, name, value, &mut self.attributes),
            "stacktrace" | "stack" if self.stack.is_none() => match Lines::read(value) {
                Ok(lines) => {
                    self.stack = lines;
                    return;
                }
                Err(other) => return self.keep(name, other),
            },
            _ => return self.keep(name, value),
        };
        match into_scalar_text(value) {
            Ok(found) if found.trim().is_empty() => {}
            Ok(found) if text.is_none() => *text = Some(found),
            Ok(found) => self.attributes.push(name, Value::Text(found)),
            Err(other) => self.keep(name, other),
        }
    }

    fn keep(&mut self, name: String, value: Value) {
        if says_something(&value) {
            self.attributes.push(name, value);
        }
    }

    fn into_thrown(mut self, context: &Context<'_>) -> Thrown {
        let mut exception = Exception::default();
        let lines = self.stack.take().or_else(|| {
            // One wrapper of the agents puts the whole stack into the message.
            let (message, lines) = Lines::below_message(self.message.as_deref()?)?;
            self.message = Some(message);
            Some(lines)
        });
        let stack =
            lines.map(|lines| Stack::read(lines, self.message.as_deref(), context.is_of_angular_handler()));
        let stack = stack.unwrap_or_default();
        exception.type_name = self.type_name(stack.name.as_deref(), context);
        let mut attributes = Attributes::default();
        if let Some(url) = &self.url {
            attributes.push("url.full", Value::Text(url.clone()));
        }
        for (name, number) in [("code.line.number", self.line), ("code.column.number", self.column)] {
            if let Some(number) = number {
                attributes.push(name, Value::Int(number.into()));
            }
        }
        let is_other = |name: &String| Some(name) != exception.type_name.as_ref();
        let texts = [
            ("cause", self.cause.filter(is_other)),
            ("name", self.name.filter(is_other)),
            ("stack.title", stack.title.or(stack.name).filter(is_other)),
            ("stack.rest", stack.rest),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                attributes.push(name, Value::Text(text));
            }
        }
        attributes.0.append(&mut self.attributes.0);
        exception.message = self.message;
        exception.code = self.code;
        exception.frames = stack.frames;
        exception.stack_text = stack.text;
        exception.attributes = attributes;
        Thrown { exception, url: self.url, line: self.line, column: self.column }
    }

    /// Of an uncaught error the cause is its name, and the caption too. Exceptions that the
    /// application passes come without a name, but browsers begin stacks and messages with it.
    fn type_name(&self, of_stack: Option<&str>, context: &Context<'_>) -> Option<String> {
        let cause = self.cause.as_deref().filter(|cause| is_name(cause));
        let reported = cause.filter(|cause| context.caption == Some(cause));
        let named = self.name.as_deref().filter(|name| is_name(name));
        reported
            .or(named)
            .or_else(|| self.message.as_deref().and_then(leading_name))
            .or(of_stack)
            .or(cause.filter(|cause| is_error_name(cause)))
            // `recordException` takes the name as caption.
            .or(context.caption.filter(|caption| is_error_name(caption)))
            .map(str::to_owned)
    }
}

/// The name in `Uncaught NAME: text` and `NAME: text`. Without the browser's word before it, it
/// has to look like an error's: a text may begin with any word and a colon.
fn leading_name(message: &str) -> Option<&str> {
    let text = without_uncaught(message);
    let (name, _) = text.split_once(": ")?;
    let is_marked = text.len() < message.len();
    (is_name(name) && (is_marked || is_error_name(name))).then_some(name)
}

/// Without the words that browsers put before the message of an uncaught error.
pub(super) fn without_uncaught(message: &str) -> &str {
    let text = message.strip_prefix("Uncaught ").unwrap_or(message);
    text.strip_prefix("(in promise) ").unwrap_or(text)
}

/// Whether it could name a type of errors.
pub(super) fn is_name(text: &str) -> bool {
    /// Longer ones are texts without a space.
    const NAME_BYTES_MAX: usize = 100;
    let is_inside = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '.');
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '$'))
        && text.chars().all(is_inside)
}

pub(super) fn is_error_name(text: &str) -> bool {
    is_name(text) && (text.ends_with("Error") || text.ends_with("Exception"))
}
