//! Filters that people keep, alone or with others.

use kymo_model::{SessionId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::{ProjectPk, Projects};
use super::sessions::columns::session_id;
use crate::error::StoreError;

/// Views of one person: more than anybody keeps apart.
const VIEWS_PER_OWNER_MAX: i64 = 200;
/// Bytes of a view: what a page's URL can hold.
const VIEW_BYTES_MAX: usize = 8 * 1024;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// A filter that somebody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its id, chosen by who makes it: sent again, it is the same view.
    pub id: SessionId,
    /// The project it is about; `None`: of none in particular.
    pub project: Option<ProjectPk>,
    /// Name of the member whose it is.
    pub owner: String,
    /// What people call it.
    pub name: String,
    /// Others who see the project see it.
    pub is_shared: bool,
    /// A JSON object: what the page's URL holds.
    pub view: String,
    /// When it was made or changed.
    pub changed_at: Timestamp,
}

/// Views of that owner, and shared ones of these projects, by name.
pub(crate) async fn list(
    readers: &SqlitePool,
    owner: &str,
    projects: &Projects,
) -> Result<Vec<SavedView>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM saved_view WHERE owner = ");
    query.push_bind(owner.to_owned()).push(" OR (is_shared = 1 AND (project_pk IS NULL OR (1 = 1");
    projects.push_condition(&mut query);
    query.push("))) ORDER BY name, id");
    query.build().fetch_all(readers).await?.iter().map(read).collect()
}

pub(crate) async fn one(
    reader: &mut SqliteConnection,
    id: SessionId,
) -> Result<Option<SavedView>, StoreError> {
    let row = sqlx::query("SELECT * FROM saved_view WHERE id = $1")
        .bind(id.as_u128().to_be_bytes().to_vec())
        .fetch_optional(reader)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Makes the view, or replaces it.
pub(crate) async fn put(writer: &mut SqliteConnection, view: &SavedView) -> Result<(), StoreError> {
    let name_chars = view.name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&name_chars) {
        return Err(StoreError::input(format!(
            "name: expected 1 to {NAME_CHARS_MAX} characters, found {name_chars}"
        )));
    }
    if view.view.len() > VIEW_BYTES_MAX {
        return Err(StoreError::input(format!("view: expected at most {VIEW_BYTES_MAX} bytes of JSON")));
    }
    let others = sqlx::query("SELECT COUNT(*) FROM saved_view WHERE owner = $1 AND id <> $2")
        .bind(&view.owner)
        .bind(view.id.as_u128().to_be_bytes().to_vec())
        .fetch_one(&mut *writer)
        .await?
        .get::<i64, _>(0);
    if others >= VIEWS_PER_OWNER_MAX {
        return Err(StoreError::input(format!("there are {others} views already: remove one first")));
    }
    sqlx::query(
        "INSERT INTO saved_view (id, project_pk, owner, name, is_shared, view, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET project_pk = excluded.project_pk, \
         name = excluded.name, is_shared = excluded.is_shared, view = excluded.view, changed_at = excluded.changed_at",
    )
    .bind(view.id.as_u128().to_be_bytes().to_vec())
    .bind(view.project.map(|project| project.0))
    .bind(&view.owner)
    .bind(&view.name)
    .bind(i64::from(view.is_shared))
    .bind(&view.view)
    .bind(view.changed_at.as_unix_nanos())
    .execute(writer)
    .await?;
    Ok(())
}

pub(crate) async fn delete(writer: &mut SqliteConnection, id: SessionId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM saved_view WHERE id = $1")
        .bind(id.as_u128().to_be_bytes().to_vec())
        .execute(writer)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<SavedView, StoreError> {
    Ok(SavedView {
        id: session_id(row.get("id")).ok_or_else(|| StoreError::corrupt("a saved view has a bad id"))?,
        project: row.get::<Option<i64>, _>("project_pk").map(ProjectPk),
        owner: row.get("owner"),
        name: row.get("name"),
        is_shared: row.get::<i64, _>("is_shared") != 0,
        view: row.get("view"),
        changed_at: Timestamp::from_unix_nanos(row.get("changed_at")),
    })
}
