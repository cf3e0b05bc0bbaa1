//! Stacks as browsers and agents write them.

mod frame;

use kymo_model::{Attributes, Frame, Value};

use self::frame::Form;
use super::exception::{is_error_name, is_name, without_uncaught};
use crate::json::{into_scalar_text, says_something};

/// Most frames read. Browsers give 10 to 200; a frame takes thirty times the space of a short
/// line, and later lines stay as text.
const FRAMES_MAX: usize = 500;

/// The lines of a stack, none of them blank.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Line>);

#[derive(Debug)]
enum Line {
    Text(String),
    /// Anything that is not a text.
    Other(Value),
}

impl Lines {
    /// From a list of lines, or one text of several; `None` of nothing.
    pub(super) fn read(value: Value) -> Result<Option<Self>, Value> {
        let mut lines = Vec::new();
        match value {
            Value::Text(text) => push_lines(&text, &mut lines),
            Value::List(values) => {
                for value in values {
                    match into_scalar_text(value) {
                        Ok(text) => push_lines(&text, &mut lines),
                        Err(other) if says_something(&other) => lines.push(Line::Other(other)),
                        Err(_) => {}
                    }
                }
            }
            Value::Null => {}
            other => return Err(other),
        }
        Ok((!lines.is_empty()).then_some(Self(lines)))
    }

    /// The stack below a message of several lines, if all that follows its first frame is frames.
    pub(super) fn below_message(text: &str) -> Option<(String, Self)> {
        let is_frame = |line: &&str| matches!(frame::read(line), Some((Form::At | Form::AtSign, _)));
        let start = text
            .match_indices('\n')
            .map(|(at, _)| at + 1)
            .find(|&at| text[at..].lines().next().is_some_and(|line| is_frame(&line)))?;
        let (message, stack) = text.split_at(start);
        if !stack.lines().filter(|line| !line.trim().is_empty()).all(|line| is_frame(&line)) {
            return None;
        }
        let mut lines = Vec::new();
        push_lines(stack, &mut lines);
        Some((message.trim_end().to_owned(), Self(lines)))
    }
}

fn push_lines(text: &str, lines: &mut Vec<Line>) {
    let lines_with_content = text.lines().filter(|line| !line.trim().is_empty());
    lines.extend(lines_with_content.map(|line| Line::Text(line.to_owned())));
}

/// A stack as far as it could be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Stack {
    /// Innermost call first. A line that is no frame is one with its text as function.
    pub(super) frames: Vec<Frame>,
    /// All of it, where no line is a frame.
    pub(super) text: Option<String>,
    /// The error's name in the line above the frames.
    pub(super) name: Option<String>,
    /// That line, if there is more in it than name and message.
    pub(super) title: Option<String>,
    /// Lines beyond [`FRAMES_MAX`].
    pub(super) rest: Option<String>,
}

impl Stack {
    /// Reads the lines of an exception with that message. `is_reversed`: the sender is known to
    /// put the outermost call first.
    pub(super) fn read(lines: Lines, message: Option<&str>, is_reversed: bool) -> Self {
        let mut stack = Self::default();
        let mut lines = lines.0;
        let titles = stack.read_title(&lines, message);
        lines.drain(..titles);
        let rest = lines.split_off(lines.len().min(FRAMES_MAX));
        stack.rest = joined(&rest);

        let mut forms = Vec::new();
        let mut frames = Vec::with_capacity(lines.len());
        for line in &lines {
            match line {
                Line::Text(text) => {
                    let (form, frame) = frame::read(text).unzip();
                    forms.extend(form);
                    frames.push(frame.unwrap_or_else(|| Frame {
                        function: Some(text.trim().to_owned()),
                        ..Frame::default()
                    }));
                }
                Line::Other(value) => {
                    let attributes = Attributes(vec![("frame".to_owned(), value.clone())]);
                    frames.push(Frame { attributes, ..Frame::default() });
                }
            }
        }
        if forms.is_empty() {
            stack.text = joined(&lines);
            return stack;
        }
        if is_reversed || is_made_by_agent(&forms) {
            frames.reverse();
        }
        stack.frames = frames;
        stack
    }

    /// How many lines above the frames repeat name and message.
    fn read_title(&mut self, lines: &[Line], message: Option<&str>) -> usize {
        let mut texts = lines.iter().map_while(|line| match line {
            Line::Text(text) => Some(text.trim()),
            Line::Other(_) => None,
        });
        let Some(first) = texts.next() else { return 0 };
        let message = without_uncaught(message.unwrap_or_default());
        let mut wanted = message.lines().map(str::trim).filter(|line| !line.is_empty());
        let opening = wanted.next().unwrap_or_default();
        let name = match first.strip_suffix(opening) {
            Some("") => None,
            Some(name) if opening.is_empty() && is_error_name(name) => Some(name),
            Some(name) => match name.strip_suffix(": ").filter(|name| is_name(name)) {
                Some(name) => Some(name),
                None => return self.read_other_title(first),
            },
            None => return self.read_other_title(first),
        };
        self.name = name.map(str::to_owned);
        1 + texts.zip(wanted).take_while(|(line, wanted)| line == wanted).count()
    }

    /// A first line `NAME: text` with another text than the message.
    fn read_other_title(&mut self, line: &str) -> usize {
        let (name, text) = line.split_once(':').unwrap_or((line, ""));
        let is_title = is_error_name(name) || is_name(name) && !text.trim().is_empty();
        if !is_title || frame::read(line).is_some() {
            return 0;
        }
        self.name = Some(name).filter(|name| is_error_name(name)).map(str::to_owned);
        self.title = Some(line).filter(|_| !text.trim().is_empty()).map(str::to_owned);
        1
    }
}

/// The agents make a stack anew where the error has none, and where it is passed to
/// `recordException`: `function (place)` without the `at` of a browser, outermost call first
/// (Loupe web protocol, exceptions).
fn is_made_by_agent(forms: &[Form]) -> bool {
    forms.contains(&Form::Call) && forms.iter().all(|form| matches!(form, Form::Call | Form::Place))
}

fn joined(lines: &[Line]) -> Option<String> {
    let texts: Vec<String> = lines
        .iter()
        .map(|line| match line {
            Line::Text(text) => text.clone(),
            Line::Other(value) => serde_json::to_string(value).unwrap_or_default(),
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests;
