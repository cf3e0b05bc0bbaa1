//! Projects and their tokens.

use std::collections::BTreeMap;

use kymo_model::{ProjectId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::settings::{SessionLimits, check_name};
use crate::error::StoreError;

/// A project's number in this catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectPk(pub(crate) i64);

impl ProjectPk {
    /// No project: what is counted for requests that named none.
    pub const NONE: Self = Self(0);
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
}

/// What a token may do (D9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send events, and read the project's client configuration.
    Ingest,
    /// The same from a public page, restricted to browser and user sessions.
    Browser,
    /// Read the project.
    Read,
    /// Everything, in every project.
    Admin,
}

impl Scope {
    /// The word used in storage and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Browser => "browser",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The scope that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ingest, Self::Browser, Self::Read, Self::Admin]
            .into_iter()
            .find(|scope| scope.as_str() == word)
    }
}

/// A token as it is kept: the token itself is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number in this catalog.
    pub pk: i64,
    /// Its project's number.
    pub project: ProjectPk,
    /// What it may do.
    pub scope: Scope,
    /// Its first characters, to tell tokens apart.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
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
        Err(StoreError::input(format!("there is a project with the id {id} already")))
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
    Ok(Project {
        pk: ProjectPk(row.get("pk")),
        id: row.get::<&str, _>("id").parse().map_err(|_| unreadable("id"))?,
        name: row.get("name"),
        created_at: Timestamp::from_unix_nanos(row.get("created_at")),
        origins: serde_json::from_str(row.get("origins")).map_err(|_| unreadable("origins"))?,
        config_version: row.get::<i64, _>("config_version") as u64,
        client_settings: serde_json::from_str(row.get("client_settings"))
            .map_err(|_| unreadable("client settings"))?,
        session_limits: SessionLimits::from_json(row.get("session_limits"))?,
    })
}

pub(crate) async fn insert_token(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    scope: Scope,
    hash: &[u8; 32],
    label: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO token (project_pk, scope, hash, label, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (hash) DO NOTHING",
    )
    .bind(project.0)
    .bind(scope.as_str())
    .bind(&hash[..])
    .bind(label)
    .bind(now.as_unix_nanos())
    .execute(writer)
    .await?;
    if inserted.rows_affected() == 1 { Ok(()) } else { Err(StoreError::input("this key is a token already")) }
}

pub(crate) async fn revoke_token(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    let revoked = sqlx::query("UPDATE token SET revoked_at = $1 WHERE hash = $2 AND revoked_at IS NULL")
        .bind(now.as_unix_nanos())
        .bind(&hash[..])
        .execute(writer)
        .await?;
    if revoked.rows_affected() == 1 { Ok(()) } else { Err(StoreError::not_found("there is no such token")) }
}

/// Tokens that hold, by hash.
pub(crate) async fn tokens(readers: &SqlitePool) -> Result<Vec<([u8; 32], Token)>, StoreError> {
    let rows = sqlx::query(
        "SELECT pk, project_pk, scope, hash, label, created_at FROM token WHERE revoked_at IS NULL ORDER BY pk",
    )
    .fetch_all(readers)
    .await?;
    rows.iter()
        .map(|row| {
            let hash: &[u8] = row.get("hash");
            let scope = Scope::from_word(row.get("scope"));
            let (Ok(hash), Some(scope)) = (<[u8; 32]>::try_from(hash), scope) else {
                return Err(StoreError::corrupt("the catalog's token row is bad"));
            };
            let token = Token {
                pk: row.get("pk"),
                project: ProjectPk(row.get("project_pk")),
                scope,
                label: row.get("label"),
                created_at: Timestamp::from_unix_nanos(row.get("created_at")),
            };
            Ok((hash, token))
        })
        .collect()
}
