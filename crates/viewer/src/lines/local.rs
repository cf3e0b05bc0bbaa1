//! A session of files in one line, and as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kymo_model::{Severity, Timestamp};
use serde::Serialize;

use super::event::{Moment, UserLine};
use crate::row::user_text;
use crate::session::resource;
use crate::session::{SessionFiles, Summary};
use crate::text::{bytes, duration, fitted, harmless, thousands, width};

/// A session. Names that the server's `Session` has too mean the same.
#[derive(Debug, Serialize)]
pub struct LocalSession {
    id: Option<String>,
    kind: Option<&'static str>,
    product: Option<String>,
    application: Option<String>,
    version: Option<String>,
    state: &'static str,
    end_reason: Option<&'static str>,
    end_note: Option<String>,
    started_at: Moment,
    last_activity_at: Moment,
    ended_at: Option<Moment>,
    duration_seconds: f64,
    user: Option<UserLine>,
    host: Option<String>,
    os: Option<String>,
    event_count: u64,
    error_count: u64,
    severity_counts: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<String, u64>,
    bytes: u64,
    damaged_bytes: u64,
    previous: Option<String>,
    agent: Option<String>,
    files: Vec<PathBuf>,
}

/// What the files of a session say of it.
pub fn local_session(session: &SessionFiles, summary: &Summary) -> LocalSession {
    let header = session.header();
    let said = |name: &str| resource(header, name);
    let (started_at, last) = (summary.started_at(header), summary.last_activity_at(header));
    let levels = summary.levels.iter().enumerate();
    let os = match (said("os.name").or_else(|| said("os.type")), said("os.version")) {
        (Some(name), Some(version)) => Some(format!("{name} {version}")),
        (name, version) => name.or(version),
    };
    let mut files: Vec<PathBuf> = session.fragments.iter().map(|fragment| fragment.path.clone()).collect();
    files.dedup();
    LocalSession {
        id: session.id().map(|id| id.to_string()),
        kind: header.map(|header| header.kind.as_str()),
        product: said("service.namespace"),
        application: said("service.name"),
        version: said("service.version"),
        state: summary.state(),
        end_reason: summary.end.as_ref().map(|end| end.reason.as_str()),
        end_note: summary.end.as_ref().and_then(|end| end.note.clone()),
        started_at: Moment(started_at),
        last_activity_at: Moment(last),
        ended_at: summary.end.as_ref().map(|end| Moment(end.time)),
        duration_seconds: last.since(started_at).as_secs_f64(),
        user: summary.user(header).map(|user| UserLine { id: user.id, name: user.name }),
        host: said("host.name"),
        os,
        event_count: summary.events,
        error_count: summary.errors,
        severity_counts: levels.map(|(level, count)| (level_name(level), *count)).collect(),
        dropped: summary.dropped.clone(),
        bytes: session.bytes(),
        damaged_bytes: summary.account.damaged_bytes,
        previous: header.and_then(|header| header.previous).map(|id| id.to_string()),
        agent: header.map(|header| header.agent.clone()),
        files,
    }
}

/// `trace` to `fatal`.
pub(crate) fn level_name(level: usize) -> &'static str {
    let number = u8::try_from(level * 4 + 1).unwrap_or(u8::MAX);
    Severity::from_number(number).unwrap_or(Severity::FATAL).text()
}

/// To the second.
fn started_text(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " ")
}

/// Columns of the table and how wide they may become.
const COLUMNS: [(&str, usize); 12] = [
    ("ID", 36),
    ("PRODUCT", 16),
    ("APPLICATION", 20),
    ("VERSION", 12),
    ("STARTED (UTC)", 19),
    ("LENGTH", 10),
    ("STATE", 10),
    ("EVENTS", 12),
    ("WARN", 8),
    ("ERROR", 8),
    ("SIZE", 8),
    ("USER", 24),
];

impl LocalSession {
    fn cells(&self) -> [String; 12] {
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), harmless);
        let count = |level| self.severity_counts.get(level).copied().unwrap_or_default();
        let user = self
            .user
            .as_ref()
            .map(|user| user_text(&kymo_model::User { id: user.id.clone(), name: user.name.clone() }));
        [
            // A file that says nothing of itself is known by its name.
            self.id.clone().unwrap_or_else(|| {
                self.files.first().map_or_else(String::new, |file| file.display().to_string())
            }),
            text(&self.product),
            text(&self.application),
            text(&self.version),
            started_text(self.started_at.0),
            duration(self.last_activity_at.0.since(self.started_at.0)),
            self.end_reason.unwrap_or(self.state).to_owned(),
            thousands(self.event_count),
            thousands(count("warn")),
            thousands(count("error") + count("fatal")),
            bytes(self.bytes),
            text(&user),
        ]
    }

    /// Sessions as a table with a line of names.
    pub fn table(sessions: &[Self]) -> Vec<String> {
        let rows: Vec<[String; 12]> = sessions.iter().map(Self::cells).collect();
        let mut widths = COLUMNS.map(|(name, _)| name.len());
        for row in &rows {
            for (at, cell) in row.iter().enumerate() {
                widths[at] = widths[at].max(width(cell).min(COLUMNS[at].1));
            }
        }
        let names = COLUMNS.map(|(name, _)| name.to_owned());
        std::iter::once(&names).chain(&rows).map(|row| line(row, &widths)).collect()
    }
}

fn line(row: &[String; 12], widths: &[usize; 12]) -> String {
    let mut line = String::new();
    for (at, cell) in row.iter().enumerate() {
        let cell = fitted(cell, widths[at]);
        let pad = " ".repeat(widths[at].saturating_sub(width(&cell)));
        // Figures stand to the right.
        let is_figure = matches!(at, 5 | 7..=10);
        line.push_str(if at == 0 { "" } else { "  " });
        let (before, after) = if is_figure { (&pad, &cell) } else { (&cell, &pad) };
        line.extend([before.as_str(), after]);
    }
    line.trim_end().to_owned()
}
