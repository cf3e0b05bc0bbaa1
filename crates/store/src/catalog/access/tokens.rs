//! Tokens: by what programs enter.

use kymo_model::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::catalog::projects::ProjectPk;
use crate::error::StoreError;

/// Tokens of a project that are not revoked. All are held in memory, some 300 bytes each.
const TOKENS_MAX: i64 = 1000;
/// Longest name of a token: a column of a list.
const NAME_CHARS_MAX: usize = 100;

/// What a token may do (D9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send events, and read the project's client configuration.
    Ingest,
    /// The same from a public page, restricted to browser and user sessions.
    Browser,
    /// Read the project.
    Read,
    /// Read and administer the project.
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
    /// What people call it.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The member who made it; `None`: the command line.
    pub created_by: Option<String>,
    /// From then on it does not hold; `None`: it holds until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken<'text> {
    /// Its project's number.
    pub project: ProjectPk,
    /// What it may do.
    pub scope: Scope,
    /// The token itself.
    pub secret: &'text str,
    /// Its first characters, to tell tokens apart.
    pub label: &'text str,
    /// What people call it; no other token of the project has the same.
    pub name: Option<&'text str>,
    /// The member who makes it; `None`: the command line.
    pub created_by: Option<&'text str>,
    /// From then on it does not hold.
    pub expires_at: Option<Timestamp>,
}

pub(crate) async fn insert(
    writer: &mut SqliteConnection,
    token: &NewToken<'_>,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<i64, StoreError> {
    check(token, now)?;
    let known = sqlx::query(
        "SELECT COUNT(*), COUNT(CASE WHEN name = $2 THEN 1 END) FROM token \
         WHERE project_pk = $1 AND revoked_at IS NULL",
    )
    .bind(token.project.0)
    .bind(token.name)
    .fetch_one(&mut *writer)
    .await?;
    if known.get::<i64, _>(0) >= TOKENS_MAX {
        return Err(StoreError::conflict(format!("the project has {TOKENS_MAX} tokens already")));
    }
    if known.get::<i64, _>(1) > 0 {
        let name = token.name.unwrap_or_default();
        return Err(StoreError::conflict(format!("the project has a token named {name} already")));
    }
    let inserted = sqlx::query(
        "INSERT INTO token (project_pk, scope, hash, label, name, created_at, created_by, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hash) DO NOTHING RETURNING pk",
    )
    .bind(token.project.0)
    .bind(token.scope.as_str())
    .bind(&hash[..])
    .bind(token.label)
    .bind(token.name)
    .bind(now.as_unix_nanos())
    .bind(token.created_by)
    .bind(token.expires_at.map(Timestamp::as_unix_nanos))
    .fetch_optional(writer)
    .await?;
    inserted.map(|row| row.get(0)).ok_or_else(|| StoreError::conflict("this key is a token already"))
}

fn check(token: &NewToken<'_>, now: Timestamp) -> Result<(), StoreError> {
    if let Some(name) = token.name {
        let is_line = !name.chars().any(char::is_control);
        if !(1..=NAME_CHARS_MAX).contains(&name.trim().chars().count()) || !is_line {
            return Err(StoreError::input(format!(
                "name: expected one line of 1 to {NAME_CHARS_MAX} characters"
            )));
        }
    }
    if token.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(StoreError::input("the token would hold no time: expected a later end"));
    }
    Ok(())
}

/// A token stops to hold; its project and its first characters.
pub(crate) async fn revoke(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<(ProjectPk, String), StoreError> {
    let revoked = sqlx::query(
        "UPDATE token SET revoked_at = $1 WHERE hash = $2 AND revoked_at IS NULL RETURNING project_pk, label",
    )
    .bind(now.as_unix_nanos())
    .bind(&hash[..])
    .fetch_optional(writer)
    .await?;
    revoked
        .map(|row| (ProjectPk(row.get(0)), row.get(1)))
        .ok_or_else(|| StoreError::not_found("there is no such token"))
}

/// The same by its number; `None`: it was revoked before.
pub(crate) async fn revoke_pk(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    pk: i64,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let known = sqlx::query("SELECT label, revoked_at FROM token WHERE project_pk = $1 AND pk = $2")
        .bind(project.0)
        .bind(pk)
        .fetch_optional(&mut *writer)
        .await?
        .ok_or_else(|| StoreError::not_found("the project has no such token"))?;
    if known.get::<Option<i64>, _>(1).is_some() {
        return Ok(None);
    }
    sqlx::query("UPDATE token SET revoked_at = $1 WHERE pk = $2")
        .bind(now.as_unix_nanos())
        .bind(pk)
        .execute(writer)
        .await?;
    Ok(Some(known.get(0)))
}

/// Tokens that are not revoked, by hash; some may have expired.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<([u8; 32], Token)>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM token WHERE revoked_at IS NULL ORDER BY pk").fetch_all(readers).await?;
    rows.iter().map(from_row).collect()
}

/// Those of one project, newest first.
pub(crate) async fn of_project(readers: &SqlitePool, project: ProjectPk) -> Result<Vec<Token>, StoreError> {
    let select = "SELECT * FROM token WHERE project_pk = $1 AND revoked_at IS NULL ORDER BY pk DESC";
    let rows = sqlx::query(select).bind(project.0).fetch_all(readers).await?;
    rows.iter().map(|row| from_row(row).map(|(_, token)| token)).collect()
}

fn from_row(row: &SqliteRow) -> Result<([u8; 32], Token), StoreError> {
    let hash: &[u8] = row.get("hash");
    let scope = Scope::from_word(row.get("scope"));
    let (Ok(hash), Some(scope)) = (<[u8; 32]>::try_from(hash), scope) else {
        return Err(StoreError::corrupt("the catalog's token row is bad"));
    };
    let time = |name: &str| row.get::<Option<i64>, _>(name).map(Timestamp::from_unix_nanos);
    let token = Token {
        pk: row.get("pk"),
        project: ProjectPk(row.get("project_pk")),
        scope,
        label: row.get("label"),
        name: row.get("name"),
        created_at: Timestamp::from_unix_nanos(row.get("created_at")),
        created_by: row.get("created_by"),
        expires_at: time("expires_at"),
        last_used_at: time("last_used_at"),
    };
    Ok((hash, token))
}
