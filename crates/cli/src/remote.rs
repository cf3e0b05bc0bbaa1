//! Commands that ask a server over HTTP.

mod roots;

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use ureq::tls::TlsConfig;

pub(crate) use self::roots::{ROOTS_ENV, root_certificates};

use crate::args::{Events, Server, Sessions};
use crate::print::{Output, event_line, pointed, session_line};

/// Items fetched at a time.
const PAGE_SESSIONS: usize = 500;
const PAGE_EVENTS: usize = 5000;
/// Sessions, or events of all of them, shown to a person who did not say how many.
const SHOWN: usize = 50;
/// The parameter in the filter language.
const FILTER: &str = "filter";
/// Where the next page begins.
const CURSOR: &str = "cursor";
/// Largest answer read: a page of events with long stack traces.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub(crate) fn sessions(args: &Sessions) -> anyhow::Result<()> {
    let limit = args.limit.unwrap_or(if args.server.json { usize::MAX } else { SHOWN });
    let mut query = vec![("limit", PAGE_SESSIONS.min(limit.max(1)).to_string())];
    query.extend(args.project.clone().map(|project| ("project", project)));
    query.extend(args.filter.clone().map(|filter| (FILTER, filter)));
    query.extend(args.user.clone().map(|user| ("user", user)));
    query.extend(args.state.clone().map(|state| ("state", state)));
    if args.errors {
        query.push(("errors", "true".to_owned()));
    }
    let pages = Pages::new(&args.server, "/api/v1/sessions".to_owned(), query);
    print(pages, args.server.json, limit, session_line)
}

pub(crate) fn events(args: &Events) -> anyhow::Result<()> {
    let shows_some = args.session.is_none() && !args.server.json;
    let limit = args.limit.unwrap_or(if shows_some { SHOWN } else { usize::MAX });
    let mut query = vec![("limit", PAGE_EVENTS.min(limit.max(1)).to_string())];
    query.extend(args.filter.clone().map(|filter| (FILTER, filter)));
    query.extend(args.project.clone().map(|project| ("project", project)));
    query.extend(args.severity.clone().map(|severity| ("severity", severity)));
    query.extend(args.text.clone().map(|text| ("text", text)));
    let path = match &args.session {
        Some(session) => format!("/api/v1/sessions/{}/events", escape(session)),
        None => "/api/v1/events".to_owned(),
    };
    print(Pages::new(&args.server, path, query), args.server.json, limit, event_line)
}

fn print(pages: Pages<'_>, json: bool, limit: usize, line: fn(&Value) -> String) -> anyhow::Result<()> {
    let mut output = Output::new();
    for item in pages.take(limit) {
        let item = item?;
        output.line(&if json { item.to_string() } else { line(&item) })?;
    }
    output.finish()
}

/// Asks a server; connections are kept until it is dropped. `within` bounds each request.
pub(crate) fn client(within: Option<Duration>) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(within)
        .tls_config(TlsConfig::builder().root_certs(root_certificates()).build())
        .build()
        .into()
}

/// `GET path`: the status, and the answer as JSON.
pub(crate) fn ask(
    client: &ureq::Agent,
    server: &Server,
    path: &str,
    query: &[(&str, String)],
) -> anyhow::Result<(u16, Value)> {
    let url = format!("{}{path}", server.url.trim_end_matches('/'));
    let token = server.token.as_deref().unwrap_or_default();
    let mut request = client.get(&url).header("authorization", format!("Bearer {token}"));
    for (name, value) in query {
        request = request.query(name, value);
    }
    let mut answer = request.call().with_context(|| format!("cannot reach {}", server.url))?;
    let text = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .with_context(|| format!("{url} broke off"))?;
    let page = serde_json::from_str(&text)
        .with_context(|| format!("{url} did not answer with JSON: is it a Kymo server?"))?;
    Ok((answer.status().as_u16(), page))
}

/// All items of a list, page by page.
pub(crate) struct Pages<'server> {
    client: ureq::Agent,
    server: &'server Server,
    path: String,
    query: Vec<(&'static str, String)>,
    items: VecDeque<Value>,
    finished: bool,
}

impl<'server> Pages<'server> {
    fn new(server: &'server Server, path: String, query: Vec<(&'static str, String)>) -> Self {
        Self::by(client(None), server, path, query)
    }

    pub(crate) fn by(
        client: ureq::Agent,
        server: &'server Server,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Self {
        Self { client, server, path, query, items: VecDeque::new(), finished: false }
    }

    fn fetch(&mut self) -> anyhow::Result<()> {
        let (status, mut page) = ask(&self.client, self.server, &self.path, &self.query)?;
        if !(200..300).contains(&status) {
            let detail = page["detail"].as_str().unwrap_or("no reason given").to_owned();
            if let Some((_, filter)) = self.query.iter().find(|(name, _)| *name == FILTER)
                && let Some(position) = page["position"].as_u64()
            {
                let length = page["length"].as_u64().unwrap_or(0);
                bail!("{}", pointed(filter, position as usize, length as usize, &detail));
            }
            bail!("{status} {}{}: {detail}", self.server.url.trim_end_matches('/'), self.path);
        }
        self.query.retain(|(name, _)| *name != CURSOR);
        let cursor = page["next_cursor"].as_str().map(|cursor| (CURSOR, cursor.to_owned()));
        self.finished = cursor.is_none();
        self.query.extend(cursor);
        if let Value::Array(items) = page["items"].take() {
            self.items = items.into();
        }
        Ok(())
    }
}

impl Iterator for Pages<'_> {
    type Item = anyhow::Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.items.is_empty() && !self.finished {
            if let Err(error) = self.fetch() {
                self.finished = true;
                return Some(Err(error));
            }
        }
        self.items.pop_front().map(Ok)
    }
}

/// A path segment: everything but unreserved characters as `%XX`.
pub(crate) fn escape(segment: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_ids_do_not_change_the_path() {
        assert_eq!(escape("../a b/é"), "..%2Fa%20b%2F%C3%A9");
    }
}
