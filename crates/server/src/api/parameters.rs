//! Reading query parameters: what is wrong is said with what was expected.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use kymo_filter::{Query as Filter, Subject};
use kymo_model::{SessionId, Severity, Timestamp};
use kymo_store::{EventCursor, FoundCursor, ProjectPk, Projects, SessionCursor};

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// The query of a request, by name; empty values count as not given.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl FromRequestParts<AppState> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Query(mut all) = Query::<BTreeMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::input(format!("the query could not be read: {error}")))?;
        all.retain(|_, value| !value.is_empty());
        Ok(Self(all))
    }
}

impl Parameters {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number within bounds, or the default.
    pub(super) fn number(&self, name: &str, least: u32, most: u32, default: u32) -> Result<u32, Problem> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => {
                Err(Problem::input(format!("{name}={text}: expected a whole number from {least} to {most}")))
            }
        }
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.text(name)
            .map(|text| {
                let moment: jiff::Timestamp = text.parse().map_err(|_| {
                    Problem::input(format!("{name}={text}: expected a time such as 2026-11-20T16:20:42.061Z"))
                })?;
                i64::try_from(moment.as_nanosecond())
                    .map(Timestamp::from_unix_nanos)
                    .map_err(|_| Problem::input(format!("{name}={text}: expected a year from 1678 to 2261")))
            })
            .transpose()
    }

    /// What is not given is `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.choice(name)?.unwrap_or(false))
    }

    /// What is not given leaves both.
    pub(super) fn choice(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name) {
            None => Ok(None),
            Some("false") => Ok(Some(false)),
            Some("true") => Ok(Some(true)),
            Some(other) => Err(Problem::input(format!("{name}={other}: expected true or false"))),
        }
    }

    pub(super) fn severity(&self, name: &str) -> Result<Option<Severity>, Problem> {
        const LEVELS: [Severity; 6] = [
            Severity::TRACE,
            Severity::DEBUG,
            Severity::INFO,
            Severity::WARN,
            Severity::ERROR,
            Severity::FATAL,
        ];
        let Some(text) = self.text(name) else { return Ok(None) };
        match LEVELS.into_iter().find(|level| level.text() == text) {
            Some(level) => Ok(Some(level)),
            None => Err(Problem::input(format!(
                "{name}={text}: expected trace, debug, info, warn, error or fatal"
            ))),
        }
    }

    /// What a person asks for in the filter language.
    pub(super) fn filter(&self, subject: Subject, now: Timestamp) -> Result<Option<Filter>, Problem> {
        let parsed = self.text("filter").map(|text| Filter::parse(text, subject, now));
        Ok(parsed.transpose()?)
    }

    /// The project the caller names, which must be one they may see; else all that they may see.
    pub(super) fn projects(&self, caller: &Caller, state: &AppState) -> Result<Projects, Problem> {
        self.text("project")
            .map_or_else(|| Ok(caller.projects()), |id| caller.project(state, id).map(Projects::one))
    }

    /// The one project that is meant: named, or the only one that the caller may see.
    pub(super) fn project(&self, caller: &Caller, state: &AppState) -> Result<ProjectPk, Problem> {
        match (self.text("project"), caller.projects()) {
            (Some(id), _) => caller.project(state, id),
            (None, Projects::Only(projects)) if projects.len() == 1 => {
                projects.first().copied().ok_or_else(|| Problem::input("expected project=ID"))
            }
            (None, _) => Err(Problem::input("expected project=ID")),
        }
    }

    /// `from` and `to`; what is not given is now, and that long before `to`.
    pub(super) fn range(&self, state: &AppState, span: Duration) -> Result<(Timestamp, Timestamp), Problem> {
        let to = self.time("to")?.unwrap_or_else(|| state.store.now());
        let from = self.time("from")?.unwrap_or_else(|| to.minus(span));
        if from < to {
            return Ok((from, to));
        }
        Err(Problem::input("expected from before to"))
    }

    pub(super) fn session_cursor(&self) -> Result<Option<SessionCursor>, Problem> {
        self.cursor(|value, id| Some(SessionCursor { value, id: id.parse::<SessionId>().ok()? }))
    }

    pub(super) fn event_cursor(&self) -> Result<Option<EventCursor>, Problem> {
        self.cursor(|nanos, sequence| {
            Some(EventCursor { time: Timestamp::from_unix_nanos(nanos), sequence: sequence.parse().ok()? })
        })
    }

    pub(super) fn found_cursor(&self) -> Result<Option<FoundCursor>, Problem> {
        Ok(self.text("cursor").map(str::parse).transpose()?)
    }

    pub(super) fn cursor<T>(&self, read: impl FnOnce(i64, &str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        text.split_once('~')
            .and_then(|(value, rest)| read(value.parse().ok()?, rest))
            .map(Some)
            .ok_or_else(|| Problem::input(format!("cursor={text}: expected the next_cursor of an answer")))
    }
}

/// The text form of a cursor: what the list is sorted by, and what tells equal ones apart.
pub(super) fn cursor_text(value: i64, rest: impl std::fmt::Display) -> String {
    format!("{value}~{rest}")
}
