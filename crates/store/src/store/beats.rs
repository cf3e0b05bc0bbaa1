//! Words of running processes, kept in memory until the next upkeep writes them: some thousand programs that say each
//! minute that they run cost one transaction every two seconds, and nobody waits for it. A killed server forgets the last
//! seconds, which the next beats tell again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kymo_model::SessionId;
use kymo_tracker::{Beat, SessionKey};

use super::Store;
use crate::catalog::projects::ProjectPk;
use crate::commit::Submission;
use crate::error::StoreError;

/// Sessions whose word waits for the next upkeep. At one a minute, and an upkeep every two seconds, this is what 300,000
/// programs say.
const WAITING_MAX: usize = 10_000;

/// What processes said since the last upkeep: the last word of each.
#[derive(Debug, Default)]
pub(crate) struct Beats {
    // Locked for a look-up or an exchange only, never across IO or an await.
    waiting: Mutex<BTreeMap<(ProjectPk, SessionId), Beat>>,
}

impl Beats {
    /// Whether there was room for it.
    fn add(&self, project: ProjectPk, session: SessionId, beat: Beat) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&(project, session)) {
            return false;
        }
        waiting.insert((project, session), beat);
        true
    }

    /// All that waits, a submission for each project.
    pub(crate) fn take(&self) -> Vec<Submission> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut submissions: Vec<Submission> = Vec::new();
        for ((project, _), beat) in waiting {
            match submissions.last_mut().filter(|submission| submission.project == project) {
                Some(submission) => submission.beats.push(beat),
                None => {
                    submissions.push(Submission { beats: vec![beat], ..Submission::new(project, 0) });
                }
            }
        }
        submissions
    }
}

impl Store {
    /// Takes a word of a running process, whose key it sets. It is written, and holds, within two seconds.
    ///
    /// # Errors
    /// [`Retry`](crate::StoreErrorKind::Retry): too many wait.
    pub fn beat(&self, project: ProjectPk, session: SessionId, beat: Beat) -> Result<(), StoreError> {
        let key = SessionKey::Process(session.to_string());
        let has_room = self.beats().add(project, session, Beat { key, ..beat });
        has_room.then_some(()).ok_or_else(|| StoreError::retry("too many programs say that they run"))
    }

    /// Notes that a person asked for all of a process's session. Durable when this returns.
    pub async fn request(&self, project: ProjectPk, key: &SessionKey) -> Result<(), StoreError> {
        let requests = vec![key.clone()];
        self.submit(Submission { requests, ..Submission::new(project, 0) }).await.map(drop)
    }
}
