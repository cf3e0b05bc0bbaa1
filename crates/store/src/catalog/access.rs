//! One-time links and the sessions of people's browsers. Only hashes are kept.

use kymo_model::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;

pub(crate) async fn insert_login_link(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO login_link (hash, expires_at) VALUES ($1, $2)")
        .bind(&hash[..])
        .bind(expires_at.as_unix_nanos())
        .execute(writer)
        .await?;
    Ok(())
}

/// Uses the link up; false if it is unknown, old, or was used before.
pub(crate) async fn use_login_link(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = sqlx::query(
        "UPDATE login_link SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $1",
    )
    .bind(now.as_unix_nanos())
    .bind(&hash[..])
    .execute(writer)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// No link was ever made: the folder is new.
pub(crate) async fn has_login_link(readers: &SqlitePool) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM login_link LIMIT 1").fetch_optional(readers).await?.is_some())
}

pub(crate) async fn insert_ui_session(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ui_session WHERE expires_at < $1")
        .bind(now.as_unix_nanos())
        .execute(&mut *writer)
        .await?;
    sqlx::query("INSERT INTO ui_session (hash, created_at, expires_at) VALUES ($1, $2, $3)")
        .bind(&hash[..])
        .bind(now.as_unix_nanos())
        .bind(expires_at.as_unix_nanos())
        .execute(writer)
        .await?;
    Ok(())
}

pub(crate) async fn delete_ui_session(
    writer: &mut SqliteConnection,
    hash: &[u8; 32],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ui_session WHERE hash = $1").bind(&hash[..]).execute(writer).await?;
    Ok(())
}

/// When that session of a browser ends; `None` if there is none.
pub(crate) async fn ui_session_expiry(
    readers: &SqlitePool,
    hash: &[u8; 32],
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query("SELECT expires_at FROM ui_session WHERE hash = $1")
        .bind(&hash[..])
        .fetch_optional(readers)
        .await?;
    Ok(row.map(|row| Timestamp::from_unix_nanos(row.get(0))))
}
