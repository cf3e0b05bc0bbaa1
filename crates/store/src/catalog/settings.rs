//! What people set for a project: its name, its web origins, limits of its session rules, and what
//! its agents fetch.

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_tracker::Rules;
use serde::{Deserialize, Serialize};
use sqlx::{Connection, Row, SqliteConnection};

use super::projects::{self, Project, ProjectPk};
use crate::error::StoreError;

/// Longest name of a project: it is a column of reports.
const NAME_CHARS_MAX: usize = 100;
/// Most web origins of a project, and characters of one: a host name has 253 at most, beside scheme and
/// port. They are searched with every request of a `browser` token.
const ORIGINS_MAX: usize = 100;
const ORIGIN_CHARS_MAX: usize = 300;
/// Most settings for agents, and characters of a key and of a value. A key names a logger or an exception
/// type, a value is at most a list of names. All of them are the answer to every agent that asks for its
/// configuration: 230 KB, as large as a body it may send.
const CLIENT_SETTINGS_MAX: usize = 100;
const CLIENT_KEY_CHARS_MAX: usize = 300;
const CLIENT_VALUE_CHARS_MAX: usize = 2000;

/// Fewest days sessions are kept: what is sent again is recognised for a day, and would come back as new if
/// its session were gone before.
pub const RETENTION_DAYS_LEAST: u32 = 1;
/// Most: a hundred years, so that a moment that long ago can still be told.
pub const RETENTION_DAYS_MOST: u32 = 36_500;

/// What a project sets itself of the limits of the session rules, in seconds; `None`: the default of
/// [`Rules`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionLimits {
    /// See [`Rules::split_after`].
    pub split_after: Option<u32>,
    /// See [`Rules::idle_after`].
    pub idle_after: Option<u32>,
    /// See [`Rules::close_grace`].
    pub close_grace: Option<u32>,
    /// See [`Rules::browser_idle_after`].
    pub browser_idle_after: Option<u32>,
}

impl SessionLimits {
    /// The rules that hold, defaults filled in.
    pub fn rules(&self) -> Rules {
        let or = |seconds: Option<u32>, default: Duration| {
            seconds.map_or(default, |seconds| Duration::from_secs(seconds.into()))
        };
        let default = Rules::default();
        Rules {
            split_after: or(self.split_after, default.split_after),
            idle_after: or(self.idle_after, default.idle_after),
            close_grace: or(self.close_grace, default.close_grace),
            browser_idle_after: or(self.browser_idle_after, default.browser_idle_after),
            silent_after: default.silent_after,
        }
    }
}

/// What a project wants of the sessions that programs have recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// All of every session.
    #[default]
    All,
    /// All of sessions with errors, the head of others.
    WithErrors,
    /// The head, until a person asks for more.
    None,
}

impl Wanted {
    /// Each, in order.
    pub const ALL: [Self; 3] = [Self::All, Self::WithErrors, Self::None];

    /// The word in settings and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::WithErrors => "with_errors",
            Self::None => "none",
        }
    }
}

/// The column `session_limits`: what a project sets itself about its sessions.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StoredLimits {
    #[serde(flatten)]
    pub(super) limits: SessionLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upload_wanted: Option<Wanted>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) live: bool,
}

impl StoredLimits {
    pub(super) fn from_json(json: &str) -> Result<Self, StoreError> {
        let unreadable =
            |source| StoreError::corrupt("a project's session limits are damaged").because(source);
        serde_json::from_str(json).map_err(unreadable)
    }
}

/// What of a project can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectSettings {
    /// What people call it; no other project has the same.
    pub name: String,
    /// Web origins that may send with a `browser` token.
    pub origins: Vec<String>,
    /// Limits of the session rules.
    pub session_limits: SessionLimits,
    /// What agents fetch.
    pub client_settings: BTreeMap<String, String>,
    /// After how many days without activity sessions are removed; `None`: as the server is set, which is never
    /// unless somebody says otherwise.
    pub retention_days: Option<u32>,
    /// What it wants of its programs' sessions; `None`: all.
    pub upload_wanted: Option<Wanted>,
    /// Its programs may be followed live, where the server lets them.
    pub live: bool,
}

impl ProjectSettings {
    fn of(project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            origins: project.origins.clone(),
            session_limits: project.session_limits,
            client_settings: project.client_settings.clone(),
            retention_days: project.retention_days,
            upload_wanted: project.upload_wanted,
            live: project.live,
        }
    }

    /// Whether it fits a row and can be gone by; else what was expected.
    fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if self.origins.len() > ORIGINS_MAX {
            return Err(format!("expected at most {ORIGINS_MAX} origins, found {}", self.origins.len()));
        }
        check_length("an origin", &self.origins, ORIGIN_CHARS_MAX)?;
        self.session_limits.rules().check()?;
        check_retention(self.retention_days)?;
        let settings = &self.client_settings;
        if settings.len() > CLIENT_SETTINGS_MAX {
            return Err(format!(
                "expected at most {CLIENT_SETTINGS_MAX} client settings, found {}",
                settings.len()
            ));
        }
        if settings.keys().any(|key| key.trim().is_empty()) {
            return Err("expected a client setting with a key, found an empty one".to_owned());
        }
        check_length("the key of a client setting", settings.keys(), CLIENT_KEY_CHARS_MAX)?;
        check_length("the value of a client setting", settings.values(), CLIENT_VALUE_CHARS_MAX)
    }
}

/// Whether sessions can be kept for that many days; else what was expected.
fn check_retention(days: Option<u32>) -> Result<(), String> {
    match days {
        Some(days) if !(RETENTION_DAYS_LEAST..=RETENTION_DAYS_MOST).contains(&days) => Err(format!(
            "retention_days is {days}: expected {RETENTION_DAYS_LEAST} to {RETENTION_DAYS_MOST}, or none to keep sessions for ever"
        )),
        _ => Ok(()),
    }
}

/// Names stand in lists on a line each.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err("expected a name for the project on one line".to_owned());
    }
    check_length("the name", [name], NAME_CHARS_MAX)
}

fn check_length(
    what: &str,
    texts: impl IntoIterator<Item = impl AsRef<str>>,
    most: usize,
) -> Result<(), String> {
    for text in texts {
        let text = text.as_ref();
        let found = text.chars().count();
        if found > most {
            let begin: String = text.chars().take(20).collect();
            return Err(format!("{what} has {found} characters, expected at most {most}: {begin:?}…"));
        }
    }
    Ok(())
}

/// Lets `change` change the settings and writes them, in one transaction. The configuration's version
/// rises when what agents fetch is another.
pub(crate) async fn change(
    writer: &mut SqliteConnection,
    pk: ProjectPk,
    change: impl FnOnce(&mut ProjectSettings) -> Result<(), String>,
) -> Result<(), StoreError> {
    let mut transaction = writer.begin().await?;
    let before = projects::one(&mut transaction, pk).await?;
    let mut after = ProjectSettings::of(&before);
    change(&mut after).and_then(|()| after.check()).map_err(StoreError::input)?;
    let same_name = sqlx::query("SELECT 1 FROM project WHERE name = $1 AND pk <> $2")
        .bind(after.name.as_str())
        .bind(pk.0)
        .fetch_optional(&mut *transaction)
        .await?;
    if same_name.is_some() {
        return Err(StoreError::input(format!("there is a project named {} already", after.name)));
    }
    let limits =
        StoredLimits { limits: after.session_limits, upload_wanted: after.upload_wanted, live: after.live };
    let version = before.config_version + u64::from(after.client_settings != before.client_settings);
    sqlx::query(
        "UPDATE project SET name = $1, origins = $2, session_limits = $3, config_version = $4, client_settings = $5, \
         retention_days = $6 WHERE pk = $7",
    )
    .bind(after.name.as_str())
    .bind(serde_json::to_string(&after.origins).unwrap_or_default())
    .bind(serde_json::to_string(&limits).unwrap_or_default())
    .bind(version as i64)
    .bind(serde_json::to_string(&after.client_settings).unwrap_or_default())
    .bind(after.retention_days.map(i64::from))
    .bind(pk.0)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// The session rules of a project.
pub(crate) async fn rules(reader: &mut SqliteConnection, pk: ProjectPk) -> Result<Rules, StoreError> {
    let row = sqlx::query("SELECT session_limits FROM project WHERE pk = $1")
        .bind(pk.0)
        .fetch_optional(reader)
        .await?;
    let stored = row.map(|row| StoredLimits::from_json(row.get(0))).transpose()?;
    Ok(stored.unwrap_or_default().limits.rules())
}

/// The session rules of every project that has running sessions.
pub(crate) async fn rules_of_running(
    reader: &mut SqliteConnection,
) -> Result<Vec<(ProjectPk, Rules)>, StoreError> {
    let rows = sqlx::query(
        "SELECT pk, session_limits FROM project \
         WHERE EXISTS (SELECT 1 FROM session WHERE session.project_pk = project.pk AND end_kind = 0) ORDER BY pk",
    )
    .fetch_all(reader)
    .await?;
    rows.iter()
        .map(|row| Ok((ProjectPk(row.get(0)), StoredLimits::from_json(row.get(1))?.limits.rules())))
        .collect()
}
