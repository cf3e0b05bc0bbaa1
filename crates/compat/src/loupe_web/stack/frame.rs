//! One line of a stack.

use kymo_model::{Attributes, Frame, Value};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `at function (place)`, `at place`: Chromium, Internet Explorer.
    At,
    /// `function@place`: Firefox, Safari, and how the Angular agent rewrites the others.
    AtSign,
    /// `function (place)`: how the TypeScript agents rewrite all of them.
    Call,
    /// `place`
    Place,
}

/// The call that a line describes; `None` if it describes none.
pub(super) fn read(line: &str) -> Option<(Form, Frame)> {
    let line = line.trim();
    let (form, line) = match line.strip_prefix("at ") {
        Some(rest) => (Some(Form::At), rest.trim_start()),
        None => (None, line),
    };
    if let Some(frame) = in_eval(line) {
        let form = form.unwrap_or(if line.contains('@') { Form::AtSign } else { Form::Call });
        return Some((form, frame));
    }
    if let Some(form) = form {
        return at(line).map(|frame| (form, frame));
    }
    if let Some((function, place)) = split_at_sign(line) {
        return Some((Form::AtSign, frame(function, Place::read(place)?)));
    }
    if let Some((function, place)) = split_call(line) {
        return Some((Form::Call, frame(function, place)));
    }
    let (place, is_async) = without_async(line);
    // With a space in it, it is a sentence with a URL at the end.
    let place = Some(place).filter(|place| !place.contains(char::is_whitespace)).and_then(Place::read);
    let place = place.filter(|read| read.line.is_some() && read.has_path())?;
    let mut frame = frame("", place);
    mark(&mut frame, "async", is_async);
    Some((Form::Place, frame))
}

/// Behind `at`: browsers write functions without a place of their own as well.
fn at(text: &str) -> Option<Frame> {
    if let Some((function, place)) = text.strip_suffix(')').and_then(|text| text.split_once(" (")) {
        return Some(match Place::read(place) {
            Some(place) => frame(function, place),
            None => frame(text, Place::default()),
        });
    }
    let (place, is_async) = without_async(text);
    let mut frame = frame("", Place::read(place).filter(|read| read.has_path())?);
    mark(&mut frame, "async", is_async);
    Some(frame)
}

/// `function (eval at outer (place), place)`, also cut in two by agents that look for the last
/// colon or bracket.
fn in_eval(line: &str) -> Option<Frame> {
    let (function, rest) = line.split_once(" (eval at ")?;
    let (origin, place) = rest.rsplit_once(", ")?;
    let place = Place::read(place.strip_suffix(')').unwrap_or(place))?;
    let mut frame = frame(function, place);
    frame.attributes.push("eval.origin", Value::Text(origin.to_owned()));
    Some(frame)
}

fn split_at_sign(line: &str) -> Option<(&str, &str)> {
    let (function, place) = line.split_once('@')?;
    let (bare, _) = without_async(place);
    let read = Place::read(bare)?;
    // An address of mail is no frame, and neither is a URL with an at sign in it.
    (read.has_path() && !function.contains("://")).then_some((function, place))
}

fn split_call(line: &str) -> Option<(&str, Place<'_>)> {
    let (function, place) = line.strip_suffix(')')?.split_once(" (")?;
    let name = without_async(function).0;
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = name.split_once(" [as ").map_or(name, |(name, _)| name);
    if name.contains(char::is_whitespace) {
        return None;
    }
    let place = Place::read(place).filter(|read| read.file.is_none() || read.has_path())?;
    Some((function, place))
}

fn frame(function: &str, place: Place<'_>) -> Frame {
    let (function, is_async) = without_async(function.trim());
    let (function, is_constructor) = match function.strip_prefix("new ") {
        Some(class) => (class, true),
        None => (function, false),
    };
    let mut function = function.strip_suffix("()").unwrap_or(function);
    // Functions without a name inside of one with a name, in Firefox.
    while let Some(outer) = function.strip_suffix("/<") {
        function = outer;
    }
    let mut frame = Frame {
        function: Some(function).filter(|name| !name.is_empty()).map(str::to_owned),
        type_name: None,
        file: place.file.map(str::to_owned),
        line: place.line,
        column: place.column,
        attributes: Attributes::default(),
    };
    mark(&mut frame, "async", is_async || place.is_async);
    mark(&mut frame, "constructor", is_constructor);
    frame
}

fn mark(frame: &mut Frame, name: &str, is_so: bool) {
    if is_so && frame.attributes.get(name).is_none() {
        frame.attributes.push(name, Value::Bool(true));
    }
}

fn without_async(text: &str) -> (&str, bool) {
    match text.strip_prefix("async ").or_else(|| text.strip_prefix("async*")) {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

/// `file:line:column`, `file:line` or a file alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    is_async: bool,
}

impl<'a> Place<'a> {
    /// `None` if it is no place: neither a number at the end nor a known way to write a file.
    fn read(text: &'a str) -> Option<Self> {
        let (text, is_async) = without_async(text.trim());
        let text = text.strip_suffix(':').unwrap_or(text);
        let (mut file, mut numbers) = (text, Vec::with_capacity(2));
        while let Some((before, number)) = split_number(file).filter(|_| numbers.len() < 2) {
            // Without a path the number is the port.
            if before.split_once("://").is_some_and(|(_, host)| !host.contains(['/', ':'])) {
                break;
            }
            file = before;
            numbers.push(number);
        }
        if numbers.is_empty() && !is_file(file) {
            return None;
        }
        let (line, column) = match numbers[..] {
            [column, line] => (Some(line), Some(column)),
            [line] => (Some(line), None),
            _ => (None, None),
        };
        Some(Self {
            file: Some(file).filter(|file| !file.is_empty()),
            line: line.filter(|&line| line > 0),
            column: column.filter(|&column| column > 0),
            is_async,
        })
    }

    /// Whether the file is written as browsers do, and not a word with a number behind it.
    fn has_path(self) -> bool {
        let Some(file) = self.file else { return self.line.is_some() && self.column.is_some() };
        is_file(file) || !file.contains(char::is_whitespace) && file.contains(['/', '.', '\\'])
    }
}

fn is_file(text: &str) -> bool {
    text.contains("://") || matches!(text, "<anonymous>" | "native" | "native code" | "[native code]")
}

fn split_number(text: &str) -> Option<(&str, u32)> {
    let (before, digits) = text.rsplit_once(':')?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
    Some((before, number?))
}
