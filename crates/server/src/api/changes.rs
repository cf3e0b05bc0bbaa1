//! What was just stored, over a WebSocket or as server-sent events, gathered so that a busy server does not make
//! its readers busy.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{Response, Sse};
use futures_util::{Stream, StreamExt, stream};
use kymo_store::{Change, ProjectPk, Projects};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::document::Refusal;
use super::live::channels::Channels;
use crate::access::{Caller, is_same_origin};
use crate::problem::Problem;
use crate::state::AppState;

/// Changes within this time make one notice.
const GATHER_FOR: Duration = Duration::from_millis(200);
/// Session ids in a notice; more are left out, which means "many".
const SESSIONS_MAX: usize = 200;
/// A comment line, or a ping, keeps proxies from closing a quiet stream.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The longest that a page says: which session to follow, and a filter of 2,000 characters, each escaped (`\u0020`).
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Why a stream ended, in the range that RFC 6455 leaves to applications: sign in again.
const NOT_ANY_MORE: u16 = 4401;
/// Somebody who does not take a message for that long has gone.
const SEND_WITHIN: Duration = Duration::from_secs(30);
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
    let listener = Listener::new(&state, &caller);
    let over = until_over(state, caller);
    let notices = stream::unfold(listener, |mut listener| async {
        let notice = listener.next().await?;
        Some((Event::default().event("changed").data(notice.to_string()), listener))
    });
    let events = notices.take_until(Box::pin(over));
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// What changes, as it changes, over a WebSocket
///
/// Text messages `{"type": "changed", "projects": [...], "sessions": [...]}`; without `sessions` it was many. Types that a
/// reader does not know are to be passed over. To `{"type": "follow", "channel": 1, "session": "ID", "after": 1234, "filter": ""}`
/// it answers with what `/api/v1/live/sessions/{id}/events` tells, each with its `type` and `channel`, until
/// `{"type": "close", "channel": 1}`; to `{"type": "watch", "live": true}` with `{"type": "live"}` whenever the list of what runs
/// changed, at most once a second. It ends with 1001 when the server stops, with 4401 when the caller may not
/// read any more. By cookie it is opened by the page itself only.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    operation_id = "open_stream",
    tag = "sessions",
    responses((status = 101, description = "The WebSocket is open"), Refusal)
)]
pub(super) async fn socket(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if caller.is_person && !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "expected to be opened by the page itself"));
    }
    let upgrade = upgrade.map_err(|rejection| {
        Problem::input(format!("expected a WebSocket handshake: {}", rejection.body_text()))
    })?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    // Listens before it answers: what the page asks for beside this is not older than what it will be told.
    let listener = Listener::new(&state, &caller);
    Ok(upgrade.on_upgrade(move |socket| converse(state, caller, listener, socket)))
}

async fn converse(state: AppState, caller: Caller, mut listener: Listener, mut socket: WebSocket) {
    let mut stopping: watch::Receiver<bool> = state.stopping.clone();
    let mut channels = Channels::new(&state, &caller);
    let mut lost = std::pin::pin!(lost(state, caller));
    let mut ping = tokio::time::interval(KEEP_ALIVE);
    let code = loop {
        let message = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => break close_code::AWAY,
            () = &mut lost => break NOT_ANY_MORE,
            notice = listener.next() => match notice {
                Some(notice) => {
                    let mut message = json!({"type": "changed"});
                    if let (Some(all), Value::Object(notice)) = (message.as_object_mut(), notice) {
                        all.extend(notice);
                    }
                    Message::Text(message.to_string().into())
                }
                None => break close_code::AWAY,
            },
            text = channels.next() => Message::Text(text.into()),
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    channels.take(&text);
                    continue;
                }
                Some(Ok(_)) => continue,
                // Closed, gone, or too long a message.
                Some(Err(_)) | None => return,
            },
            _ = ping.tick() => Message::Ping(axum::body::Bytes::new()),
        };
        match tokio::time::timeout(SEND_WITHIN, socket.send(message)).await {
            Ok(Ok(())) => {}
            // Gone, or it does not read.
            Ok(Err(_)) | Err(_) => return,
        }
    };
    // Whoever is gone needs no reason.
    let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }));
    let _ = tokio::time::timeout(SEND_WITHIN, socket.send(close)).await;
}

/// Comes true when a stream has to end: the server stops, or the caller may not read any more.
pub(super) async fn until_over(state: AppState, caller: Caller) {
    let mut stopping: watch::Receiver<bool> = state.stopping.clone();
    tokio::select! {
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = lost(state, caller) => {}
    }
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
    gathered: Gathered,
    /// When what is gathered is told.
    until: Option<Instant>,
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
    fn new(state: &AppState, caller: &Caller) -> Self {
        let (only, changes) = (caller.projects(), state.store.changes());
        Self { state: state.clone(), only, changes, gathered: Gathered::default(), until: None }
    }

    /// The next notice; `None`: there will be no more. What was gathered when this is dropped half-way is in the
    /// notice after it.
    async fn next(&mut self) -> Option<Value> {
        while self.until.is_none() {
            let change = self.changes.recv().await;
            self.note(change)?;
            if !self.gathered.projects.is_empty() || self.gathered.many {
                self.until = Some(Instant::now() + GATHER_FOR);
            }
        }
        while let Some(until) = self.until
            && let Ok(change) = tokio::time::timeout_at(until, self.changes.recv()).await
        {
            self.note(change)?;
        }
        self.until = None;
        let gathered = std::mem::take(&mut self.gathered);
        let tables = self.state.directory.tables();
        let projects: Vec<&str> =
            gathered.projects.iter().filter_map(|pk| Some(tables.project(*pk)?.id.as_str())).collect();
        Some(if gathered.many || gathered.sessions.len() > SESSIONS_MAX {
            json!({"projects": projects})
        } else {
            json!({"projects": projects, "sessions": gathered.sessions})
        })
    }

    /// `None`: there will be no more.
    fn note(&mut self, change: Result<Change, RecvError>) -> Option<()> {
        let gathered = &mut self.gathered;
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
