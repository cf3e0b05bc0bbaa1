//! Projects.

use std::collections::{BTreeMap, BTreeSet};

use kymo_model::{ProjectId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::settings::{SessionLimits, StoredLimits, Wanted, check_name};
use crate::error::StoreError;

/// A project's number in this catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectPk(pub(crate) i64);

impl ProjectPk {
    /// No project: what is counted for requests that named none.
    pub const NONE: Self = Self(0);

    /// As a plain number, for who has no catalog.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The project of a [`number`](Self::number).
    pub const fn of_number(number: i64) -> Self {
        Self(number)
    }
}

/// Whose rows a question is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Projects {
    /// Everybody's.
    #[default]
    All,
    /// Those of these projects.
    Only(BTreeSet<ProjectPk>),
}

impl Projects {
    /// Those of one project.
    pub fn one(project: ProjectPk) -> Self {
        Self::Only(BTreeSet::from([project]))
    }

    /// Whether rows of that project are meant.
    pub fn has(&self, project: ProjectPk) -> bool {
        match self {
            Self::All => true,
            Self::Only(projects) => projects.contains(&project),
        }
    }

    /// ` AND project_pk IN (…)`, or nothing for all.
    pub(crate) fn push_condition(&self, query: &mut QueryBuilder<Sqlite>) {
        let Self::Only(projects) = self else { return };
        query.push(" AND project_pk IN (");
        let mut list = query.separated(", ");
        for project in projects {
            list.push_bind(project.0);
        }
        query.push(")");
    }
}

/// What owns sessions and what tokens belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its number in this catalog.
    pub pk: ProjectPk,
    /// Its id, for URLs and scripts.
    pub id: ProjectId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Web origins that may send with a `browser` token.
    pub origins: Vec<String>,
    /// Rises with every change of `client_settings`.
    pub config_version: u64,
    /// Settings that agents fetch.
    pub client_settings: BTreeMap<String, String>,
    /// What it sets itself of the limits of the session rules.
    pub session_limits: SessionLimits,
    /// After how many days without activity its sessions are removed, if it says so itself.
    pub retention_days: Option<u32>,
    /// What it wants of its programs' sessions, if it says so itself.
    pub upload_wanted: Option<Wanted>,
    /// Its programs may be followed live, where the server lets them.
    pub live: bool,
}

pub(crate) async fn insert(
    writer: &mut SqliteConnection,
    id: &ProjectId,
    name: &str,
    origins: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    check_name(name).map_err(StoreError::input)?;
    let inserted = sqlx::query(
        "INSERT INTO project \
         (id, name, created_at, origins, config_version, client_settings, session_limits, loose_sequence) \
         VALUES ($1, $2, $3, $4, 1, '{}', '{}', 1) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id.as_str())
    .bind(name)
    .bind(now.as_unix_nanos())
    .bind(serde_json::to_string(origins).unwrap_or_default())
    .execute(writer)
    .await?;
    if inserted.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::conflict(format!("there is a project with the id {id} already")))
    }
}

pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<Project>, StoreError> {
    let rows = sqlx::query("SELECT * FROM project ORDER BY name, id").fetch_all(readers).await?;
    rows.iter().map(project_from_row).collect()
}

pub(crate) async fn one(reader: &mut SqliteConnection, pk: ProjectPk) -> Result<Project, StoreError> {
    let row = sqlx::query("SELECT * FROM project WHERE pk = $1").bind(pk.0).fetch_optional(reader).await?;
    row.as_ref()
        .map(project_from_row)
        .transpose()?
        .ok_or_else(|| StoreError::not_found("there is no such project"))
}

fn project_from_row(row: &SqliteRow) -> Result<Project, StoreError> {
    let unreadable = |what: &str| StoreError::corrupt(format!("the catalog's project row has a bad {what}"));
    let StoredLimits { limits, upload_wanted, live } = StoredLimits::from_json(row.get("session_limits"))?;
    Ok(Project {
        pk: ProjectPk(row.get("pk")),
        id: row.get::<&str, _>("id").parse().map_err(|_| unreadable("id"))?,
        name: row.get("name"),
        created_at: Timestamp::from_unix_nanos(row.get("created_at")),
        origins: serde_json::from_str(row.get("origins")).map_err(|_| unreadable("origins"))?,
        config_version: row.get::<i64, _>("config_version") as u64,
        client_settings: serde_json::from_str(row.get("client_settings"))
            .map_err(|_| unreadable("client settings"))?,
        session_limits: limits,
        upload_wanted,
        live,
        retention_days: row
            .get::<Option<i64>, _>("retention_days")
            .map(u32::try_from)
            .transpose()
            .map_err(|_| unreadable("retention"))?,
    })
}
