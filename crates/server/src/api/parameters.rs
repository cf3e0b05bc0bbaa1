//! Reading query parameters: what is wrong is said with what was expected.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use kymo_model::{SessionId, Severity, Timestamp};
use kymo_store::{EventCursor, ProjectPk, SessionCursor};

use crate::access::Reader;
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

    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
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

    /// The project the caller names, which must be one they may see; or the one their token is for.
    pub(super) fn project(&self, reader: Reader, state: &AppState) -> Result<Option<ProjectPk>, Problem> {
        let Some(id) = self.text("project") else { return Ok(reader.project) };
        let tables = state.directory.tables();
        let project = tables.project_by_id(id).map(|project| project.pk);
        match (project, reader.project) {
            (Some(project), None) => Ok(Some(project)),
            (Some(project), Some(own)) if project == own => Ok(Some(project)),
            _ => Err(Problem::not_found(format!("there is no project {id}"))),
        }
    }

    pub(super) fn session_cursor(&self) -> Result<Option<SessionCursor>, Problem> {
        self.cursor(|time, id| Some(SessionCursor { started_at: time, id: id.parse::<SessionId>().ok()? }))
    }

    pub(super) fn event_cursor(&self) -> Result<Option<EventCursor>, Problem> {
        self.cursor(|time, sequence| Some(EventCursor { time, sequence: sequence.parse().ok()? }))
    }

    fn cursor<T>(&self, read: impl FnOnce(Timestamp, &str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        text.split_once('~')
            .and_then(|(nanos, rest)| read(Timestamp::from_unix_nanos(nanos.parse().ok()?), rest))
            .map(Some)
            .ok_or_else(|| Problem::input(format!("cursor={text}: expected the next_cursor of an answer")))
    }
}

/// The text form of a cursor.
pub(super) fn cursor_text(time: Timestamp, rest: impl std::fmt::Display) -> String {
    format!("{}~{rest}", time.as_unix_nanos())
}
