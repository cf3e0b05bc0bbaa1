//! When tokens and browsers were last used, kept in memory until the next upkeep writes it.
//!
//! Noted with every request, and written once a minute for each that was used: never on the way of an
//! event. A killed server forgets the last seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kymo_model::Timestamp;
use sqlx::{Connection, SqliteConnection};

use crate::error::StoreError;

const NANOS_PER_MINUTE: i64 = 60_000_000_000;

/// What was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Used {
    /// A token, by its number.
    Token(i64),
    /// A session of a browser, by its number.
    UiSession(i64),
}

#[derive(Clone, Copy, Debug)]
struct Use {
    minute: i64,
    is_written: bool,
}

/// As many entries as tokens and browsers were used within a minute.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    // Locked for a look-up or a copy only, never across IO or an await.
    noted: Mutex<BTreeMap<Used, Use>>,
}

impl Uses {
    pub(crate) fn note(&self, used: Used, now: Timestamp) {
        let minute = now.as_unix_nanos().div_euclid(NANOS_PER_MINUTE);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = noted.entry(used).or_insert(Use { minute, is_written: false });
        if entry.minute < minute {
            *entry = Use { minute, is_written: false };
        }
    }

    /// Writes what is new and forgets what was written before this minute; on failure all waits on.
    pub(crate) async fn write(
        &self,
        writer: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let waiting: Vec<(Used, i64)> = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            let minute = now.as_unix_nanos().div_euclid(NANOS_PER_MINUTE);
            noted.retain(|_, entry| !entry.is_written || entry.minute >= minute);
            noted
                .iter()
                .filter(|(_, entry)| !entry.is_written)
                .map(|(used, entry)| (*used, entry.minute))
                .collect()
        };
        if waiting.is_empty() {
            return Ok(());
        }
        let mut transaction = writer.begin().await?;
        for (used, minute) in &waiting {
            let (statement, pk) = match used {
                Used::Token(pk) => ("UPDATE token SET last_used_at = $1 WHERE pk = $2", pk),
                Used::UiSession(pk) => ("UPDATE ui_session SET last_used_at = $1 WHERE pk = $2", pk),
            };
            sqlx::query(statement)
                .bind(minute * NANOS_PER_MINUTE)
                .bind(pk)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for (used, minute) in waiting {
            if let Some(entry) = noted.get_mut(&used).filter(|entry| entry.minute == minute) {
                entry.is_written = true;
            }
        }
        Ok(())
    }
}
