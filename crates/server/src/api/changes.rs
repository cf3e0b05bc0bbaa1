//! What was just stored, as server-sent events, gathered so that a busy server does not make its
//! readers busy.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, stream};
use kymo_store::{Change, ProjectPk, Projects};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::document::Refusal;
use crate::access::Caller;
use crate::state::AppState;

/// Changes within this time make one notice.
const GATHER_FOR: Duration = Duration::from_millis(200);
/// Session ids in a notice; more are left out, which means "many".
const SESSIONS_MAX: usize = 200;
/// A comment line keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream may go on after its token has expired.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What changes, as it changes
///
/// Server-sent events named `changed`: `{"projects": [...], "sessions": [...]}`; without `sessions` it was many.
#[utoipa::path(
    get,
    path = "/api/v1/changes",
    operation_id = "stream_changes",
    tag = "sessions",
    responses((status = 200, description = "An endless stream", body = String, content_type = "text/event-stream"), Refusal)
)]
pub(super) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = Listener { state: state.clone(), only: caller.projects(), changes: state.store.changes() };
    let mut stopping: watch::Receiver<bool> = state.stopping.clone();
    let over = async move {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = lost(state, caller) => {}
        }
    };
    let events = stream::unfold(listener, Listener::next).take_until(Box::pin(over));
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Comes true when the caller is not any more who it was, or may not do any more what it might: a stream must
/// not outlive what it was opened with. Who still may is back by itself.
async fn lost(state: AppState, caller: Caller) {
    let mut changes = state.gate.changes();
    let mut look = tokio::time::interval(LOOK_EVERY);
    // Something may have changed before the first look.
    while caller.still_holds(&state).await {
        loop {
            tokio::select! {
                _ = changes.changed() => break,
                _ = look.tick() => {
                    if caller.has_expired(state.store.now()) {
                        return;
                    }
                }
            }
        }
    }
}

struct Listener {
    state: AppState,
    only: Projects,
    changes: broadcast::Receiver<Change>,
}

/// What changed since the last notice.
#[derive(Default)]
struct Gathered {
    projects: BTreeSet<ProjectPk>,
    sessions: BTreeSet<String>,
    /// So much that the list of sessions is not complete.
    many: bool,
}

impl Listener {
    async fn next(mut self) -> Option<(Event, Self)> {
        let mut gathered = Gathered::default();
        while gathered.projects.is_empty() && !gathered.many {
            let change = self.changes.recv().await;
            self.note(&mut gathered, change)?;
        }
        let until = Instant::now() + GATHER_FOR;
        while let Ok(change) = tokio::time::timeout_at(until, self.changes.recv()).await {
            self.note(&mut gathered, change)?;
        }
        let tables = self.state.directory.tables();
        let projects: Vec<&str> =
            gathered.projects.iter().filter_map(|pk| Some(tables.project(*pk)?.id.as_str())).collect();
        let data = if gathered.many || gathered.sessions.len() > SESSIONS_MAX {
            json!({"projects": projects})
        } else {
            json!({"projects": projects, "sessions": gathered.sessions})
        };
        Some((Event::default().event("changed").data(data.to_string()), self))
    }

    /// `None`: there will be no more.
    fn note(&self, gathered: &mut Gathered, change: Result<Change, RecvError>) -> Option<()> {
        match change {
            Ok(change) if self.only.has(change.project) => {
                gathered.projects.insert(change.project);
                if gathered.sessions.len() <= SESSIONS_MAX {
                    gathered.sessions.extend(change.sessions.iter().map(ToString::to_string));
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => gathered.many = true,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}
