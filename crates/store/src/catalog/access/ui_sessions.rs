//! Sessions of members' browsers, and the one-time links that open them.

use kymo_model::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{Member, members};
use crate::error::StoreError;

/// Browsers of a member that are signed in at once; the next one ends the one that was not used for
/// longest. Ten people's worth of phones and machines.
const SESSIONS_MAX: i64 = 50;
/// Links of a member that wait to be used: a handful, made by mistake.
const LINKS_MAX: i64 = 20;

/// A browser that signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUiSession {
    /// Who signs in.
    pub member: i64,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Where it comes from.
    pub address: Option<String>,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiSession {
    /// Its number in this catalog.
    pub pk: i64,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// Where it signed in from.
    pub address: Option<String>,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

/// Who came with a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub member: Member,
    /// The number of the browser's session.
    pub session: i64,
    /// When that ends by itself.
    pub expires_at: Timestamp,
}

pub(crate) async fn insert_link(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    member: i64,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM login_link WHERE expires_at <= $1 OR used_at IS NOT NULL")
        .bind(now.as_unix_nanos())
        .execute(&mut *writer)
        .await?;
    let waiting: i64 = sqlx::query("SELECT COUNT(*) FROM login_link WHERE member_pk = $1")
        .bind(member)
        .fetch_one(&mut *writer)
        .await?
        .get(0);
    if waiting >= LINKS_MAX {
        return Err(StoreError::conflict(format!(
            "{LINKS_MAX} one-time links of this member wait already: use one, or try again tomorrow"
        )));
    }
    sqlx::query("INSERT INTO login_link (hash, member_pk, expires_at) VALUES ($1, $2, $3)")
        .bind(&hash[..])
        .bind(member)
        .bind(expires_at.as_unix_nanos())
        .execute(writer)
        .await?;
    Ok(())
}

/// Uses the link up; whose it was. `None`: it is unknown, old, or was used before.
pub(crate) async fn use_link(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(i64, String)>, StoreError> {
    let used = sqlx::query(
        "UPDATE login_link SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $1 \
         RETURNING member_pk, (SELECT name FROM member WHERE pk = member_pk)",
    )
    .bind(now.as_unix_nanos())
    .bind(&hash[..])
    .fetch_optional(writer)
    .await?;
    Ok(used.map(|row| (row.get(0), row.get(1))))
}

pub(crate) async fn insert(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    session: &NewUiSession,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ui_session WHERE expires_at < $1")
        .bind(now.as_unix_nanos())
        .execute(&mut *writer)
        .await?;
    sqlx::query(
        "INSERT INTO ui_session (hash, member_pk, created_at, expires_at, last_used_at, address, user_agent) \
         VALUES ($1, $2, $3, $4, $3, $5, $6)",
    )
    .bind(&hash[..])
    .bind(session.member)
    .bind(now.as_unix_nanos())
    .bind(session.expires_at.as_unix_nanos())
    .bind(&session.address)
    .bind(&session.user_agent)
    .execute(&mut *writer)
    .await?;
    sqlx::query(
        "DELETE FROM ui_session WHERE pk IN \
         (SELECT pk FROM ui_session WHERE member_pk = $1 ORDER BY last_used_at DESC, pk DESC LIMIT -1 OFFSET $2)",
    )
    .bind(session.member)
    .bind(SESSIONS_MAX)
    .execute(writer)
    .await?;
    Ok(())
}

/// The same session under another secret.
pub(crate) async fn rotate(
    writer: &mut SqliteConnection,
    pk: i64,
    hash: &[u8; 32],
) -> Result<(), StoreError> {
    sqlx::query("UPDATE ui_session SET hash = $1 WHERE pk = $2")
        .bind(&hash[..])
        .bind(pk)
        .execute(writer)
        .await?;
    Ok(())
}

/// Ends it; whose it was.
pub(crate) async fn delete(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
) -> Result<Option<String>, StoreError> {
    let ended = sqlx::query(
        "DELETE FROM ui_session WHERE hash = $1 RETURNING (SELECT name FROM member WHERE pk = member_pk)",
    )
    .bind(&hash[..])
    .fetch_optional(writer)
    .await?;
    Ok(ended.map(|row| row.get(0)))
}

/// Ends one session of that member; whether it was there.
pub(crate) async fn delete_one(
    writer: &mut SqliteConnection,
    member: i64,
    pk: i64,
) -> Result<bool, StoreError> {
    let ended = sqlx::query("DELETE FROM ui_session WHERE member_pk = $1 AND pk = $2")
        .bind(member)
        .bind(pk)
        .execute(writer)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends all sessions of that member but one; how many.
pub(crate) async fn delete_but(
    writer: &mut SqliteConnection,
    member: i64,
    kept: Option<i64>,
) -> Result<u64, StoreError> {
    let ended = sqlx::query("DELETE FROM ui_session WHERE member_pk = $1 AND pk <> $2")
        .bind(member)
        .bind(kept.unwrap_or(0))
        .execute(writer)
        .await?;
    Ok(ended.rows_affected())
}

/// A link that waits would open a session again.
pub(crate) async fn delete_links(writer: &mut SqliteConnection, member: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM login_link WHERE member_pk = $1").bind(member).execute(writer).await?;
    Ok(())
}

/// Sessions of that member that hold, last used first.
pub(crate) async fn of_member(
    readers: &SqlitePool,
    member: i64,
    now: Timestamp,
) -> Result<Vec<UiSession>, StoreError> {
    let rows = sqlx::query(
        "SELECT pk, created_at, expires_at, last_used_at, address, user_agent FROM ui_session \
         WHERE member_pk = $1 AND expires_at > $2 ORDER BY last_used_at DESC, pk DESC",
    )
    .bind(member)
    .bind(now.as_unix_nanos())
    .fetch_all(readers)
    .await?;
    let time = |nanos| Timestamp::from_unix_nanos(nanos);
    Ok(rows
        .iter()
        .map(|row| UiSession {
            pk: row.get("pk"),
            created_at: time(row.get("created_at")),
            expires_at: time(row.get("expires_at")),
            last_used_at: time(row.get("last_used_at")),
            address: row.get("address"),
            user_agent: row.get("user_agent"),
        })
        .collect())
}

/// Whose session of a browser that is, if it holds.
pub(crate) async fn signed_in(
    readers: &SqlitePool,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    let row = sqlx::query(
        "SELECT member.pk, member.name, member.is_admin, ui_session.pk AS session, ui_session.expires_at \
         FROM ui_session JOIN member ON member.pk = ui_session.member_pk \
         WHERE ui_session.hash = $1 AND ui_session.expires_at > $2",
    )
    .bind(&hash[..])
    .bind(now.as_unix_nanos())
    .fetch_optional(readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (pk, is_admin): (i64, bool) = (row.get(0), row.get::<i64, _>(2) != 0);
    let roles = members::roles_of(readers, pk).await?;
    Ok(Some(SignedIn {
        member: Member { pk, name: row.get(1), is_admin, roles },
        session: row.get("session"),
        expires_at: Timestamp::from_unix_nanos(row.get("expires_at")),
    }))
}
