//! What users said about events: kept beside the events, by the id that the agent gave the event, so that
//! it may come before its event or long after (ADR 0006).

use std::collections::BTreeMap;

use kymo_model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::ProjectPk;
use crate::error::StoreError;

/// A user's own words about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDescription {
    /// Where to reach them.
    pub email: Option<String>,
    /// What they wrote.
    pub text: Option<String>,
    /// What the application added, as a JSON object.
    pub data: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// Writes a description; of several for one event the latest stays.
pub(crate) async fn upsert(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    reference_id: &str,
    description: &UserDescription,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO user_description (project_pk, reference_id, email, description, data, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project_pk, reference_id) DO UPDATE SET \
         email = excluded.email, description = excluded.description, data = excluded.data, \
         received_at = excluded.received_at",
    )
    .bind(project.0)
    .bind(reference_id)
    .bind(description.email.as_deref())
    .bind(description.text.as_deref())
    .bind(description.data.as_deref())
    .bind(description.received_at.as_unix_nanos())
    .execute(writer)
    .await?;
    Ok(())
}

/// Descriptions of the events of these ids, by id; ids without one are left out.
pub(crate) async fn of_references(
    readers: &SqlitePool,
    project: ProjectPk,
    reference_ids: &[&str],
) -> Result<BTreeMap<String, UserDescription>, StoreError> {
    if reference_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT reference_id, email, description, data, received_at FROM user_description WHERE project_pk = ",
    );
    query.push_bind(project.0).push(" AND reference_id IN (");
    let mut list = query.separated(", ");
    for id in reference_ids {
        list.push_bind((*id).to_owned());
    }
    query.push(")");
    // As many texts of the statement as there are numbers of ids: not worth keeping prepared.
    let rows = query.build().persistent(false).fetch_all(readers).await?;
    let described = rows.iter().map(|row| {
        let description = UserDescription {
            email: row.get("email"),
            text: row.get("description"),
            data: row.get("data"),
            received_at: Timestamp::from_unix_nanos(row.get("received_at")),
        };
        (row.get("reference_id"), description)
    });
    Ok(described.collect())
}
