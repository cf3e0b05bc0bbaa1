//! What came in and what became of it, per project.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::projects::ProjectPk;
use crate::error::StoreError;

/// Additions to the counters, by project and name.
pub(crate) type Counts = BTreeMap<(ProjectPk, &'static str), u64>;

pub(crate) async fn add(writer: &mut SqliteConnection, counts: &Counts) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut upsert = QueryBuilder::<Sqlite>::new("INSERT INTO counter (project_pk, name, value) ");
    upsert.push_values(counts, |mut row, ((project, name), value)| {
        row.push_bind(project.0).push_bind(*name).push_bind(*value as i64);
    });
    upsert.push(" ON CONFLICT (project_pk, name) DO UPDATE SET value = counter.value + excluded.value");
    upsert.build().execute(writer).await?;
    Ok(())
}

/// All counters, by project and name.
pub(crate) async fn all(readers: &SqlitePool) -> Result<BTreeMap<(ProjectPk, String), u64>, StoreError> {
    let rows = sqlx::query("SELECT project_pk, name, value FROM counter").fetch_all(readers).await?;
    Ok(rows.iter().map(|row| ((ProjectPk(row.get(0)), row.get(1)), row.get::<i64, _>(2) as u64)).collect())
}
