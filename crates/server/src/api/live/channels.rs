//! Sessions that a page follows over its one WebSocket: each on a channel that the page numbers.
//!
//! A channel is a task; what it has to say waits in a short queue, so that a page that does not read stops its channels and
//! nothing else, and falls behind where the relay keeps it.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::access::Caller;
use crate::live::follow::{Follow, Said};
use crate::live::open::open;
use crate::problem::Problem;
use crate::state::AppState;

/// Sessions that one page follows: panes beside each other, at most.
const CHANNELS_MAX: usize = 16;
/// Messages that wait for the socket: each is up to 500 events.
const WAITING_MAX: usize = 8;
/// How often the page is told that the list of what runs changed.
const LIST_EVERY: Duration = Duration::from_secs(1);

/// What a page asks for.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Asked {
    Follow {
        channel: u64,
        session: String,
        after: Option<u64>,
        #[serde(default)]
        filter: String,
    },
    Close {
        channel: u64,
    },
    Watch {
        live: bool,
    },
}

/// What it is told.
#[derive(Serialize)]
struct OnChannel {
    channel: u64,
    #[serde(flatten)]
    said: Said,
}

/// The channels of one page.
pub(in crate::api) struct Channels {
    state: AppState,
    caller: Caller,
    open: HashMap<u64, AbortHandle>,
    list: Option<AbortHandle>,
    texts: mpsc::Sender<String>,
    waiting: mpsc::Receiver<String>,
}

impl Channels {
    pub(in crate::api) fn new(state: &AppState, caller: &Caller) -> Self {
        let (texts, waiting) = mpsc::channel(WAITING_MAX);
        let (state, caller) = (state.clone(), caller.clone());
        Self { state, caller, open: HashMap::new(), list: None, texts, waiting }
    }

    /// The next text for the page. It may be cancelled.
    pub(in crate::api) async fn next(&mut self) -> String {
        match self.waiting.recv().await {
            Some(text) => text,
            // A sender is held here.
            None => std::future::pending().await,
        }
    }

    /// Does what the page asks for; what it cannot know is passed over, as it may be of a later version.
    pub(in crate::api) fn take(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Asked::Follow { channel, session, after, filter }) => {
                self.close(channel);
                self.open.retain(|_, task| !task.is_finished());
                let is_full = self.open.len() >= CHANNELS_MAX;
                let (state, caller, texts) = (self.state.clone(), self.caller.clone(), self.texts.clone());
                let task = tokio::spawn(async move {
                    let ended = if is_full {
                        Err(Problem::input(format!("at most {CHANNELS_MAX} sessions are followed at once")))
                    } else {
                        pass(&state, &caller, channel, &session, after, &filter, &texts).await
                    };
                    if let Err(problem) = ended {
                        let refused = json!({
                            "type": "closed", "channel": channel, "why": problem.detail(), "reason": null,
                        });
                        // Whoever is gone needs no reason.
                        let _ = texts.send(refused.to_string()).await;
                    }
                });
                self.open.insert(channel, task.abort_handle());
            }
            Ok(Asked::Close { channel }) => self.close(channel),
            Ok(Asked::Watch { live }) => self.watch(live),
            Err(_) => {}
        }
    }

    fn close(&mut self, channel: u64) {
        if let Some(task) = self.open.remove(&channel) {
            task.abort();
        }
    }

    /// Says that the list changed whenever it did, at most once a second.
    fn watch(&mut self, is_wanted: bool) {
        if let Some(task) = self.list.take() {
            task.abort();
        }
        let Some(live) = self.state.live.clone().filter(|_| is_wanted) else { return };
        let texts = self.texts.clone();
        let mut changes = live.relay.changes();
        let task = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let told_at = Instant::now();
                if texts.send(json!({"type": "live"}).to_string()).await.is_err() {
                    return;
                }
                tokio::time::sleep_until(told_at + LIST_EVERY).await;
            }
        });
        self.list = Some(task.abort_handle());
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        self.open.values().chain(&self.list).for_each(AbortHandle::abort);
    }
}

async fn pass(
    state: &AppState,
    caller: &Caller,
    channel: u64,
    session: &str,
    after: Option<u64>,
    filter: &str,
    texts: &mpsc::Sender<String>,
) -> Result<(), Problem> {
    let opened = open(state, caller, session, after.is_some()).await?;
    let mut follow = Follow::new(state, opened, after, filter)?;
    while let Some(said) = follow.next().await {
        // Texts and numbers: it cannot fail.
        let text = serde_json::to_string(&OnChannel { channel, said }).unwrap_or_default();
        if texts.send(text).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
