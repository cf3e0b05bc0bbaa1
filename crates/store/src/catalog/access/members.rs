//! Members: who they are, and what they may do in which project.

use std::collections::BTreeMap;

use kymo_model::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{FIRST_MEMBER, Role};
use crate::catalog::projects::ProjectPk;
use crate::error::StoreError;

/// Most members: a list of them is one answer of some 200 KB.
const MEMBERS_MAX: i64 = 1000;
/// Longest name: an e-mail address.
const NAME_CHARS_MAX: usize = 100;

/// A member as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Their number in this catalog.
    pub pk: i64,
    /// What they sign in with.
    pub name: String,
    /// Administers the server, and so every project.
    pub is_admin: bool,
    /// Can sign in with a password.
    pub has_password: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When a browser of theirs was last used, to the minute; `None`: none is signed in.
    pub last_used_at: Option<Timestamp>,
    /// Their roles in projects; a server's admin needs none.
    pub roles: BTreeMap<ProjectPk, Role>,
}

/// The name as it is kept: names differ in more than case.
///
/// # Errors
/// What a name is.
pub(crate) fn folded_name(name: &str) -> Result<String, StoreError> {
    let folded = name.trim().to_lowercase();
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-+@".contains(letter);
    if (1..=NAME_CHARS_MAX).contains(&folded.chars().count()) && folded.chars().all(is_plain) {
        Ok(folded)
    } else {
        Err(StoreError::input(format!(
            "{name:?} is no member's name: expected 1 to {NAME_CHARS_MAX} letters, digits and . _ - + @"
        )))
    }
}

/// The number of the first member, who administers the server; made if not there.
pub(crate) async fn first_member(
    writer: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(i64, String), StoreError> {
    sqlx::query(
        "INSERT INTO member (name, is_admin, created_at) VALUES ($1, 1, $2) ON CONFLICT (name) DO NOTHING",
    )
    .bind(FIRST_MEMBER)
    .bind(now.as_unix_nanos())
    .execute(&mut *writer)
    .await?;
    pk_of(writer, FIRST_MEMBER).await
}

/// Their number and name.
pub(crate) async fn pk_of(writer: &mut SqliteConnection, name: &str) -> Result<(i64, String), StoreError> {
    // A name that cannot be is a name that is not there.
    let name = folded_name(name).unwrap_or_default();
    let row = sqlx::query("SELECT pk FROM member WHERE name = $1").bind(&name).fetch_optional(writer).await?;
    row.map(|row| (row.get(0), name.clone()))
        .ok_or_else(|| StoreError::not_found(format!("there is no member {name}")))
}

/// Whether somebody administers the server.
pub(crate) async fn has_admin(readers: &SqlitePool) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM member WHERE is_admin = 1 LIMIT 1")
        .fetch_optional(readers)
        .await?
        .is_some())
}

pub(crate) async fn insert(
    writer: &mut SqliteConnection,
    name: &str,
    is_admin: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let count: i64 = sqlx::query("SELECT COUNT(*) FROM member").fetch_one(&mut *writer).await?.get(0);
    if count >= MEMBERS_MAX {
        return Err(StoreError::conflict(format!("there are {MEMBERS_MAX} members already")));
    }
    let inserted = sqlx::query(
        "INSERT INTO member (name, is_admin, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(i64::from(is_admin))
    .bind(now.as_unix_nanos())
    .execute(writer)
    .await?;
    if inserted.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::conflict(format!("there is a member {name} already")))
    }
}

/// Removes all that is theirs alone.
pub(crate) async fn delete(writer: &mut SqliteConnection, pk: i64, name: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM ui_session WHERE member_pk = $1",
        "DELETE FROM login_link WHERE member_pk = $1",
        "DELETE FROM membership WHERE member_pk = $1",
        "DELETE FROM member WHERE pk = $1",
    ] {
        sqlx::query(statement).bind(pk).execute(&mut *writer).await?;
    }
    // Else the next member of that name would have them.
    sqlx::query("DELETE FROM saved_view WHERE owner = $1 AND is_shared = 0")
        .bind(name)
        .execute(writer)
        .await?;
    Ok(())
}

/// Refuses if nobody would administer the server without that member.
pub(crate) async fn check_not_last_admin(writer: &mut SqliteConnection, pk: i64) -> Result<(), StoreError> {
    let others = sqlx::query("SELECT 1 FROM member WHERE is_admin = 1 AND pk <> $1 LIMIT 1")
        .bind(pk)
        .fetch_optional(writer)
        .await?;
    others.map(drop).ok_or_else(|| StoreError::conflict("this member is the server's last admin"))
}

pub(crate) async fn is_admin(writer: &mut SqliteConnection, pk: i64) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT is_admin FROM member WHERE pk = $1").bind(pk).fetch_one(writer).await?;
    Ok(row.get::<i64, _>(0) != 0)
}

pub(crate) async fn set_admin(
    writer: &mut SqliteConnection,
    pk: i64,
    is_admin: bool,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE member SET is_admin = $1 WHERE pk = $2")
        .bind(i64::from(is_admin))
        .bind(pk)
        .execute(writer)
        .await?;
    Ok(())
}

pub(crate) async fn set_password(
    writer: &mut SqliteConnection,
    pk: i64,
    hash: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE member SET password = $1 WHERE pk = $2").bind(hash).bind(pk).execute(writer).await?;
    Ok(())
}

/// Their number and the hash of their password.
pub(crate) async fn password_of(
    readers: &SqlitePool,
    name: &str,
) -> Result<Option<(i64, Option<String>)>, StoreError> {
    let row = sqlx::query("SELECT pk, password FROM member WHERE name = $1")
        .bind(name)
        .fetch_optional(readers)
        .await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Whether something changed. `None` takes the role away.
pub(crate) async fn set_role(
    writer: &mut SqliteConnection,
    pk: i64,
    project: ProjectPk,
    role: Option<Role>,
) -> Result<bool, StoreError> {
    let done = match role {
        Some(role) => {
            sqlx::query(
                "INSERT INTO membership (project_pk, member_pk, role) VALUES ($1, $2, $3) \
                 ON CONFLICT (project_pk, member_pk) DO UPDATE SET role = excluded.role \
                 WHERE membership.role <> excluded.role",
            )
            .bind(project.0)
            .bind(pk)
            .bind(role.as_str())
            .execute(writer)
            .await?
        }
        None => {
            sqlx::query("DELETE FROM membership WHERE project_pk = $1 AND member_pk = $2")
                .bind(project.0)
                .bind(pk)
                .execute(writer)
                .await?
        }
    };
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn roles_of(readers: &SqlitePool, pk: i64) -> Result<BTreeMap<ProjectPk, Role>, StoreError> {
    let rows = sqlx::query("SELECT project_pk, role FROM membership WHERE member_pk = $1")
        .bind(pk)
        .fetch_all(readers)
        .await?;
    rows.iter().map(|row| Ok((ProjectPk(row.get(0)), role(row.get(1))?))).collect()
}

/// All members by name.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<MemberRow>, StoreError> {
    let mut roles: BTreeMap<i64, BTreeMap<ProjectPk, Role>> = BTreeMap::new();
    let rows = sqlx::query("SELECT member_pk, project_pk, role FROM membership").fetch_all(readers).await?;
    for row in &rows {
        roles.entry(row.get(0)).or_default().insert(ProjectPk(row.get(1)), role(row.get(2))?);
    }
    let rows = sqlx::query(
        "SELECT pk, name, is_admin, password IS NOT NULL AS has_password, created_at, \
         (SELECT MAX(last_used_at) FROM ui_session WHERE member_pk = member.pk) AS last_used_at \
         FROM member ORDER BY name",
    )
    .fetch_all(readers)
    .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let pk: i64 = row.get("pk");
            MemberRow {
                pk,
                name: row.get("name"),
                is_admin: row.get::<i64, _>("is_admin") != 0,
                has_password: row.get::<i64, _>("has_password") != 0,
                created_at: Timestamp::from_unix_nanos(row.get("created_at")),
                last_used_at: row.get::<Option<i64>, _>("last_used_at").map(Timestamp::from_unix_nanos),
                roles: roles.remove(&pk).unwrap_or_default(),
            }
        })
        .collect())
}

fn role(word: &str) -> Result<Role, StoreError> {
    Role::from_word(word).ok_or_else(|| StoreError::corrupt("the catalog's membership row has a bad role"))
}
