//! De-duplication keys: which events were stored before.

use std::collections::HashSet;
use std::time::Duration;

use kymo_model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::padded_chunks;
use super::projects::ProjectPk;
use crate::error::StoreError;

/// How long a re-sent event is recognised, at least. Agents keep what they could not send and
/// retry within minutes; a day covers a night's outage.
pub(crate) const WINDOW: Duration = Duration::from_hours(24);

/// Key of one event: four bytes of its date for locality, twelve of a hash.
pub(crate) type Fingerprint = [u8; 16];

fn bucket(now: Timestamp) -> i64 {
    now.as_unix_nanos().div_euclid(WINDOW.as_nanos() as i64)
}

/// Remembers the keys and returns those that were not known. Part of the commit transaction: if
/// that fails, nothing was remembered.
pub(crate) async fn remember(
    writer: &mut SqliteConnection,
    project: ProjectPk,
    fingerprints: &[Fingerprint],
    now: Timestamp,
) -> Result<HashSet<Fingerprint>, StoreError> {
    let bucket = bucket(now);
    let mut new: HashSet<Fingerprint> = fingerprints.iter().copied().collect();
    // Asked first and written afterwards, since every row that comes back costs a hand-over
    // between threads: known ones are few, new ones are not.
    let asked: Vec<Fingerprint> = new.iter().copied().collect();
    for chunk in padded_chunks(&asked) {
        let mut known = QueryBuilder::<Sqlite>::new("SELECT fingerprint FROM seen WHERE bucket IN (");
        known.push_bind(bucket).push(", ").push_bind(bucket - 1).push(") AND project_pk = ");
        known.push_bind(project.0).push(" AND fingerprint IN (");
        let mut list = known.separated(", ");
        for fingerprint in &chunk {
            list.push_bind(&fingerprint[..]);
        }
        known.push(")");
        for row in known.build().fetch_all(&mut *writer).await? {
            if let Ok(fingerprint) = Fingerprint::try_from(row.get::<&[u8], _>(0)) {
                new.remove(&fingerprint);
            }
        }
    }
    let mut in_order: Vec<Fingerprint> = new.iter().copied().collect();
    // Neighbours in the tree are written together.
    in_order.sort_unstable();
    for chunk in padded_chunks(&in_order) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO seen (bucket, project_pk, fingerprint) ");
        insert.push_values(&chunk, |mut row, fingerprint| {
            row.push_bind(bucket).push_bind(project.0).push_bind(&fingerprint[..]);
        });
        insert.push(" ON CONFLICT (bucket, project_pk, fingerprint) DO NOTHING");
        insert.build().execute(&mut *writer).await?;
    }
    Ok(new)
}

/// Forgets what is older than the window, a bounded number of keys at a time so that commits do
/// not wait; returns how many.
pub(crate) async fn forget(writer: &mut SqliteConnection, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM seen WHERE (bucket, project_pk, fingerprint) IN \
         (SELECT bucket, project_pk, fingerprint FROM seen WHERE bucket < $1 LIMIT 10000)",
    )
    .bind(bucket(now) - 1)
    .execute(writer)
    .await?;
    Ok(done.rows_affected())
}
