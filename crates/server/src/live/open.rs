//! Finding a session that runs by what people call it, and making it known to the store: whoever opens it sees the same page as
//! of any other, and what it says of itself while it runs holds there too.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kymo_filter::SessionFacts;
use kymo_format::live::header_of;
use kymo_model::SessionId;
use kymo_relay::{Key, LiveSession, Relay};
use kymo_store::{ProjectPk, Store, StoreErrorKind};
use kymo_tracker::{Beat, End, SessionKey, SessionRow};

use super::shapes;
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;
use crate::uploads;

/// As programs do themselves that send.
const BEAT_EVERY: Duration = Duration::from_mins(1);

/// A session that runs and was found.
pub(crate) struct Opened {
    pub(crate) relay: Relay,
    pub(crate) key: Key,
    pub(crate) project: ProjectPk,
    /// Its id in the store.
    pub(crate) session: SessionId,
    pub(super) facts: SessionFacts,
}

/// Who was not here for so long is not spoken of any more: programs whose line is cut are back within a minute.
const AWAY_MAX: u32 = 5;

/// Sessions that somebody opened: the store knows them. With each, at how many looks one after another it was away.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Key, u32>>);

impl Known {
    fn keys(&self) -> std::sync::MutexGuard<'_, HashMap<Key, u32>> {
        // Keys go in and out in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says of each that it runs, each minute, for ever: a session that nobody speaks of any more is silent.
    pub(super) async fn beat(&self, relay: &Relay, store: &Store) {
        loop {
            tokio::time::sleep(BEAT_EVERY).await;
            let keys: Vec<Key> = self.keys().keys().copied().collect();
            for key in keys {
                let live = relay.live(key);
                if let Some(away) = self.keys().get_mut(&key) {
                    *away = if live.is_some() { 0 } else { *away + 1 };
                }
                let Some(live) = live else { continue };
                // Where too many wait, the next one says the same.
                let _ = store.beat(ProjectPk::of_number(key.project), key.session, beat(&live, store));
            }
            self.keys().retain(|_, away| *away < AWAY_MAX);
        }
    }
}

fn beat(live: &LiveSession, store: &Store) -> Beat {
    Beat {
        key: SessionKey::Process(live.key.session.to_string()),
        heard_at: store.now(),
        recorded: live.counts.last_sequence,
        messages: live.counts.messages,
        errors: live.counts.errors,
        lost: Vec::new(),
    }
}

fn not_running(id: &str) -> Problem {
    Problem::not_found(format!("the session {id} does not run now, or not where it can be followed"))
}

/// The session that runs of that name, which is the store's id of it or the agent's, and the store's id where it has one.
///
/// Errors: there is none that the caller may see.
pub(crate) async fn find(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<(Option<SessionId>, LiveSession), Problem> {
    let none = || not_running(id);
    let relay = state.live.as_ref().map(|live| &live.relay);
    let live = |key: Key| relay.and_then(|relay| relay.live(key));
    match state.store.session(&caller.projects(), id).await {
        Ok((project, row)) => {
            let SessionKey::Process(agent_id) = &row.key else { return Err(none()) };
            let session = agent_id.parse().map_err(|_| none())?;
            let key = Key { project: project.number(), session };
            Ok((Some(row.id), live(key).ok_or_else(none)?))
        }
        Err(error) if error.kind() == StoreErrorKind::NotFound => {
            let none = || Problem::not_found(format!("there is no session {id}"));
            let session: SessionId = id.parse().map_err(|_| none())?;
            let tables = state.directory.tables();
            let seen = tables.projects().filter(|project| caller.sees(project.pk));
            let mut found = seen.filter_map(|project| live(Key { project: project.pk.number(), session }));
            Ok((None, found.next().ok_or_else(none)?))
        }
        Err(error) => Err(error.into()),
    }
}

/// A session as it is stored; one that only runs so far is made known by being looked at.
///
/// Errors: there is none that the caller may see.
pub(crate) async fn row(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<(ProjectPk, SessionRow), Problem> {
    match state.store.session(&caller.projects(), id).await {
        Err(error) if error.kind() == StoreErrorKind::NotFound => {
            match open(state, caller, id, false).await {
                Ok(opened) => {
                    Ok(state.store.session(&caller.projects(), &opened.session.to_string()).await?)
                }
                Err(_) => Err(error.into()),
            }
        }
        found => Ok(found?),
    }
}

/// Finds it, and makes it known to the store if it is not. Who comes back, with a cursor, finds one that is stored also while
/// its program is away, or ended: the relay tells what became of it.
///
/// Errors: there is none that the caller may see.
pub(crate) async fn open(
    state: &AppState,
    caller: &Caller,
    id: &str,
    comes_back: bool,
) -> Result<Opened, Problem> {
    let none = || not_running(id);
    // What they may not see is not there, whatever else is to be said.
    let (stored, session) = match find(state, caller, id).await {
        Err(problem) if comes_back => return away(state, caller, id).await?.ok_or(problem),
        found => found?,
    };
    let live = state.live.as_ref().ok_or_else(none)?;
    let project = ProjectPk::of_number(session.key.project);
    let known = match stored {
        Some(known) => known,
        None => make_known(state, project, &session).await?,
    };
    live.known.keys().insert(session.key, 0);
    // Where too many wait, the next one says the same.
    let _ = state.store.beat(project, session.key.session, beat(&session, &state.store));
    let facts = shapes::facts(&session, &state.directory.tables()).ok_or_else(none)?;
    Ok(Opened { relay: live.relay.clone(), key: session.key, project, session: known, facts })
}

/// A program's session that is stored and does not run here now.
async fn away(state: &AppState, caller: &Caller, id: &str) -> Result<Option<Opened>, Problem> {
    let Some(live) = &state.live else { return Ok(None) };
    let Ok((project, row)) = state.store.session(&caller.projects(), id).await else { return Ok(None) };
    let SessionKey::Process(agent_id) = &row.key else { return Ok(None) };
    let Ok(session) = agent_id.parse() else { return Ok(None) };
    if row.end.and_then(End::reason).is_some() {
        // All that came of it is in the store.
        return Ok(None);
    }
    let key = Key { project: project.number(), session };
    let tables = state.directory.tables();
    let Some(facts) = shapes::facts_of_row(project, &row, &tables) else { return Ok(None) };
    Ok(Some(Opened { relay: live.relay.clone(), key, project, session: row.id, facts }))
}

async fn make_known(
    state: &AppState,
    project: ProjectPk,
    session: &LiveSession,
) -> Result<SessionId, Problem> {
    let header = header_of(&session.header)
        .map_err(|_| Problem::not_found("the session says nothing of itself that can be read"))?;
    uploads::tell(state, project, &header).await
}
