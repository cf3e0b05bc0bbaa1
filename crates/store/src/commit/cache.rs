//! Session rows kept between commits, so that busy sessions are not read again and again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kymo_model::{SessionId, Timestamp};
use kymo_tracker::{Need, Rows, Rules, SessionKey, step};
use sqlx::SqliteConnection;

use crate::catalog::error_types::{self, KnownTypes, NewType};
use crate::catalog::projects::ProjectPk;
use crate::catalog::sessions::Place;
use crate::catalog::{events, sessions, settings};
use crate::error::StoreError;

/// Rows kept per project: an estimated 2 KiB each, 16 MiB. Beyond it the cache starts afresh, and rows
/// that are still busy are read again.
const CACHED_SESSIONS_MAX: usize = 8192;
/// A cache that no commit used for this long is dropped.
const REST_AFTER: Duration = Duration::from_mins(1);
/// Marks kept per project. A mark names a session that is not known: more than this is somebody
/// making ids up, and the oldest go.
const MARKS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Caches {
    projects: BTreeMap<ProjectPk, Cache>,
}

/// One project's rows.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) rows: Rows,
    /// The project's rules, by which the rows were loaded.
    pub(super) rules: Rules,
    /// How many times settings had been changed when the rules were read.
    settings_changes: u64,
    /// Keys of which every session active since that moment is in `rows`.
    loaded: HashMap<SessionKey, Timestamp>,
    used_at: Option<Timestamp>,
    /// Error types that were seen; read when the first error comes.
    known_types: Option<KnownTypes>,
    /// Where the indexes have the rows that are in the catalog.
    places: HashMap<SessionId, Place>,
}

impl Caches {
    /// The project's cache, with its marks and counters read, and its rules as they are now: a cache that was
    /// filled by other rules may lack rows that these need, and starts afresh.
    pub(super) async fn open(
        &mut self,
        writer: &mut SqliteConnection,
        project: ProjectPk,
        settings_changes: u64,
    ) -> Result<&mut Cache, StoreError> {
        if let Some(cache) = self.projects.get_mut(&project)
            && cache.settings_changes != settings_changes
        {
            if cache.rules == settings::rules(&mut *writer, project).await? {
                cache.settings_changes = settings_changes;
            } else {
                self.projects.remove(&project);
            }
        }
        match self.projects.entry(project) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let rules = settings::rules(&mut *writer, project).await?;
                let mut cache = Cache { rules, settings_changes, ..Cache::default() };
                cache.rows.next_loose_sequence = events::loose_sequence(&mut *writer, project).await?;
                cache.rows.marks = sessions::marks(writer, project).await?;
                Ok(place.insert(cache))
            }
        }
    }

    pub(super) fn forget(&mut self, project: ProjectPk) {
        self.projects.remove(&project);
    }

    /// Starts caches that grew too large afresh.
    pub(super) fn trim(&mut self) {
        self.projects.retain(|_, cache| cache.rows.sessions.len() <= CACHED_SESSIONS_MAX);
    }

    /// Drops caches that are not in use.
    pub(super) fn rest(&mut self, now: Timestamp) {
        self.projects.retain(|_, cache| cache.used_at.is_some_and(|used_at| now.since(used_at) < REST_AFTER));
    }
}

impl Cache {
    /// Makes sure that everything needed is in `rows`.
    pub(super) async fn load(
        &mut self,
        reader: &mut SqliteConnection,
        project: ProjectPk,
        needs: &[Need],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.used_at = Some(now);
        let missing: Vec<&Need> = needs
            .iter()
            .filter(|need| self.loaded.get(&need.key).is_none_or(|since| *since > need.active_from))
            .collect();
        for session in sessions::load(reader, project, &missing, now, &self.rules).await? {
            self.places.entry(session.id).or_insert_with(|| Place::of(&session));
            // Rows in memory may be ahead within this transaction: they stay.
            self.rows.add(session);
        }
        for need in missing {
            let since = self.loaded.entry(need.key.clone()).or_insert(need.active_from);
            *since = need.active_from.min(*since);
        }
        Ok(())
    }

    /// Closes idle sessions among the given keys and writes them.
    pub(super) async fn close_idle(
        &mut self,
        writer: &mut SqliteConnection,
        project: ProjectPk,
        keys: Vec<(SessionKey, Timestamp)>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let needs: Vec<Need> =
            keys.into_iter().map(|(key, active_from)| Need { key, active_from, started_to: now }).collect();
        self.load(writer, project, &needs, now).await?;
        step::close_idle(&mut self.rows, now, &self.rules);
        self.write_touched(writer, project).await
    }

    /// Writes the error types that were not seen before, of errors with their sessions.
    pub(super) async fn write_error_types(
        &mut self,
        writer: &mut SqliteConnection,
        project: ProjectPk,
        seen: &[(SessionId, &str)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let known = match &mut self.known_types {
            Some(known) => known,
            none => none.insert(KnownTypes::load(writer, project).await?),
        };
        let new: Vec<NewType> = seen
            .iter()
            .filter_map(|(session, name)| Some(NewType { session: *session, name: known.add(name)? }))
            .collect();
        error_types::write(writer, project, now, &new).await
    }

    /// Writes what the steps changed and returns the sessions among it.
    pub(super) async fn write_touched(
        &mut self,
        writer: &mut SqliteConnection,
        project: ProjectPk,
    ) -> Result<Vec<SessionId>, StoreError> {
        let touched: Vec<SessionId> = std::mem::take(&mut self.rows.touched).into_iter().collect();
        let rows: Vec<_> = touched.iter().filter_map(|id| self.rows.sessions.get(id)).collect();
        let mut moved = Vec::new();
        let mut in_place = Vec::new();
        for row in rows {
            let place = Place::of(row);
            if self.places.get(&row.id) == Some(&place) {
                in_place.push(row);
            } else {
                self.places.insert(row.id, place);
                moved.push(row);
            }
        }
        sessions::upsert(&mut *writer, project, &moved).await?;
        sessions::update_in_place(&mut *writer, project, &in_place).await?;
        sessions::write_streams(&mut *writer, &std::mem::take(&mut self.rows.streams)).await?;
        while self.rows.marks.len() > MARKS_MAX {
            let oldest =
                self.rows.marks.iter().min_by_key(|(_, mark)| mark.received_at).map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { break };
            self.rows.marks.remove(&oldest);
            self.rows.touched_marks.insert(oldest);
        }
        for id in std::mem::take(&mut self.rows.touched_marks) {
            sessions::write_mark(&mut *writer, project, &id, self.rows.marks.get(&id)).await?;
        }
        Ok(touched)
    }
}
