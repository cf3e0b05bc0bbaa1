//! What comes in and what goes out: one line of JSON each.

use std::io::{BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};

use crate::text::{cleaned, cut, one_line};

/// The version of the line that is understood.
const VERSION: u32 = 1;
/// Longest line that is read, without its end: details of 20,000 characters, each escaped to six bytes, eight times over.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Longest name that is shown: it stands in a headline and in the title of a window.
const NAME_CHARS_MAX: usize = 80;
/// Longest message that is shown: some ten lines, so that the boxes below are still seen. A longer one begins the
/// details, too.
const MESSAGE_CHARS_MAX: usize = 700;
const NO_MESSAGE: &str = "It did not say what went wrong.";
/// Longest details that are shown: laid out at once, so that they can be selected as one. The copy has all of them.
const DETAILS_CHARS_MAX: usize = 32_000;
/// Longest address of a privacy policy; browsers take no more than some 2,000 in places.
const URL_CHARS_MAX: usize = 2_000;

/// What a window is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Error(Problem),
    Consent(Question),
}

/// A problem that an application met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) application: String,
    /// Empty if not told.
    pub(crate) version: String,
    /// Who would get a report; empty if not told.
    pub(crate) company: String,
    pub(crate) message: String,
    /// Empty if there are none.
    pub(crate) details: String,
    /// What the copy button gives.
    pub(crate) details_whole: String,
    pub(crate) can_restart: bool,
    pub(crate) is_blocking: bool,
    /// Whether a report is offered.
    pub(crate) can_report: bool,
}

/// The question whether a product may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) product: String,
    pub(crate) version: String,
    /// Empty if not told.
    pub(crate) company: String,
    /// With product and version as its query; `None` if not told or not one that a browser may be given.
    pub(crate) privacy_url: Option<String>,
}

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Error { choice: ErrorChoice, ignore_further: bool, report_at_end: bool },
    Consent { choice: ConsentChoice, include_details: bool },
}

/// The buttons of the window about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorChoice {
    Restart,
    Close,
    Continue,
}

/// The buttons of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConsentChoice {
    Yes,
    No,
    Later,
}

impl Request {
    /// The answer of a window that was closed: nothing is decided, no box counts.
    pub(crate) fn closed(&self) -> Answer {
        match self {
            Self::Error(_) => {
                Answer::Error { choice: ErrorChoice::Close, ignore_further: false, report_at_end: false }
            }
            Self::Consent(_) => Answer::Consent { choice: ConsentChoice::Later, include_details: false },
        }
    }

    /// Every text that is shown of it.
    pub(crate) fn all_text(&self) -> String {
        match self {
            Self::Error(problem) => {
                [&problem.application, &problem.version, &problem.company, &problem.message, &problem.details]
                    .map(String::as_str)
                    .concat()
            }
            Self::Consent(question) => {
                [&question.product, &question.version, &question.company].map(String::as_str).concat()
            }
        }
    }

    /// The title of the window.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Error(problem) => problem.application.clone(),
            Self::Consent(question) => format!("Help improve {}", question.product),
        }
    }
}

/// The line as it comes. What is not known is passed over, what is missing has a substitute.
#[derive(Deserialize)]
#[serde(default)]
struct Line {
    version: u32,
    kind: String,
    application: String,
    product: String,
    company: String,
    version_text: String,
    message: String,
    details: String,
    privacy_url: String,
    can_restart: bool,
    is_blocking: bool,
    can_report: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            version: VERSION,
            kind: String::new(),
            application: String::new(),
            product: String::new(),
            company: String::new(),
            version_text: String::new(),
            message: String::new(),
            details: String::new(),
            privacy_url: String::new(),
            can_restart: false,
            is_blocking: false,
            can_report: true,
        }
    }
}

/// Reads one line and says what is to be shown, or what is wrong with it. Blocks until the line or the end is there.
pub(crate) fn read(input: impl Read) -> Result<Request, String> {
    let mut line = Vec::new();
    // One byte more than the limit and the line's end, to tell a line that is too long.
    let mut limited = BufReader::new(input.take(LINE_BYTES_MAX as u64 + 2));
    limited.read_until(b'\n', &mut line).map_err(|error| format!("cannot read the request: {error}"))?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.len() > LINE_BYTES_MAX {
        return Err(format!(
            "expected a request of at most {LINE_BYTES_MAX} bytes on one line, found a longer one"
        ));
    }
    if line.trim_ascii().is_empty() {
        return Err("expected a request: one JSON object on a line, found nothing".to_owned());
    }
    parse(&line)
}

fn parse(line: &[u8]) -> Result<Request, String> {
    // A list would be read as the values of the fields in their order.
    if line.trim_ascii_start().first() == Some(&b'[') {
        return Err("expected a request: one JSON object, found an array".to_owned());
    }
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("expected a request: one JSON object, found something else: {error}"))?;
    if line.version != VERSION {
        return Err(format!("expected version {VERSION}, found {}", line.version));
    }
    match line.kind.as_str() {
        "error" => Ok(Request::Error(problem(&line))),
        "consent" => Ok(Request::Consent(question(&line))),
        other => Err(format!(
            "expected kind `error` or `consent`, found `{}`",
            cut(&one_line(other), NAME_CHARS_MAX)
        )),
    }
}

fn problem(line: &Line) -> Problem {
    let message = cleaned(&line.message);
    let message_shown = cut(message.trim(), MESSAGE_CHARS_MAX);
    let mut details_whole = cleaned(line.details.trim_end());
    if message_shown != message.trim() {
        details_whole = format!("{}\n\n{details_whole}", message.trim());
    }
    Problem {
        application: named([&line.application, &line.product], "The program"),
        version: name(&line.version_text),
        company: name(&line.company),
        message: if message_shown.is_empty() { NO_MESSAGE.to_owned() } else { message_shown },
        details: shown_details(&details_whole),
        details_whole,
        can_restart: line.can_restart,
        is_blocking: line.is_blocking,
        can_report: line.can_report,
    }
}

fn question(line: &Line) -> Question {
    let product = named([&line.product, &line.application], "this program");
    let url = cut(line.privacy_url.trim(), URL_CHARS_MAX);
    Question {
        privacy_url: privacy_url(&url, [&line.product, &line.application], &line.version_text),
        version: name(&line.version_text),
        company: name(&line.company),
        product,
    }
}

fn name(text: &str) -> String {
    cut(one_line(text).trim(), NAME_CHARS_MAX)
}

fn named(names: [&str; 2], substitute: &str) -> String {
    names.into_iter().map(name).find(|name| !name.is_empty()).unwrap_or_else(|| substitute.to_owned())
}

fn shown_details(whole: &str) -> String {
    let shown = cut(whole, DETAILS_CHARS_MAX);
    if shown.len() == whole.len() {
        return shown;
    }
    format!("{shown}\n\n(There is more than is shown here. The copy button copies all of it.)")
}

/// The address with `application` and `version` appended as query. Only what a browser opens as a page: nothing that
/// a desktop would start as a program or read as a file.
fn privacy_url(url: &str, names: [&str; 2], version: &str) -> Option<String> {
    let lower = url.to_ascii_lowercase();
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"))?;
    let is_plain = url
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'));
    if !is_plain || host.is_empty() || host.starts_with(['/', '?', '#']) {
        return None;
    }
    let (address, fragment) = match url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in [("application", named(names, "")), ("version", name(version))] {
        if !value.is_empty() {
            query.append_pair(key, &value);
        }
    }
    let query = query.finish();
    let joint = match (query.is_empty(), address.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    Some(format!("{address}{joint}{query}{fragment}"))
}

#[cfg(test)]
mod tests;
