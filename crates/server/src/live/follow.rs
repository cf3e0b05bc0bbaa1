//! A followed session as events: what the relay passes on, read once for each who looks on with a filter of their own.

use kymo_filter::{EventFacts, Query, SessionFacts, Subject, event_fits};
use kymo_format::{Item, ReadRecord, Reader};
use kymo_model::{Event, SessionId, Severity, Timestamp};
use kymo_relay::{Subscription, Told};
use kymo_store::{EventId, ProjectPk, StoredEvent};
use serde::Serialize;
use std::cell::OnceCell;
use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::open::Opened;
use crate::api::EventShape;
use crate::problem::Problem;
use crate::state::AppState;

/// Events of one message: some 200 KB of JSON, which a page takes in one go.
const EVENTS_MAX: usize = 500;
/// Text of these, beyond which a message ends as well.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Records looked at in one go, where a filter leaves out most: some milliseconds.
const LOOKED_AT_MAX: usize = 1000;
/// How often it is looked whether the line between program and server lags.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// What somebody who looks on is told.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Said {
    /// What comes begins with this sequence.
    Opened { first_sequence: u64 },
    /// In order of sequence; what lies between and is not there, the filter left out.
    Events { items: Vec<EventShape>, last_sequence: u64 },
    /// These were not sent.
    Missed { first: u64, last: u64, why: &'static str },
    /// Last sequences that the program and the server have.
    Lag { agent_has: u64, server_has: u64 },
    /// It is over.
    Closed { why: &'static str, reason: Option<String> },
}

impl Said {
    /// The word in `type`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Events { .. } => "events",
            Self::Missed { .. } => "missed",
            Self::Lag { .. } => "lag",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Somebody who looks on.
pub(crate) struct Follow {
    state: AppState,
    subscription: Subscription,
    project: ProjectPk,
    /// Its id here.
    session: SessionId,
    filter: Option<(Query, SessionFacts)>,
    reader: Reader,
    /// The last sequence that was told or left out.
    last: u64,
    /// There may be more in the reader.
    is_full: bool,
    lag_looked_at: Instant,
    had_lag: bool,
    is_over: bool,
}

impl Follow {
    /// From after a sequence on; `None`: from the first record there is.
    pub(crate) fn new(
        state: &AppState,
        opened: Opened,
        after: Option<u64>,
        filter: &str,
    ) -> Result<Self, Problem> {
        let filter = match filter.trim() {
            "" => None,
            text => Some((Query::parse(text, Subject::Event, state.store.now())?, opened.facts)),
        };
        let after = after.unwrap_or(0);
        Ok(Self {
            state: state.clone(),
            subscription: opened.relay.subscribe(opened.key, Some(after)),
            project: opened.project,
            session: opened.session,
            filter,
            reader: Reader::new(),
            last: after,
            is_full: false,
            lag_looked_at: Instant::now(),
            had_lag: false,
            is_over: false,
        })
    }

    /// What is next, as JSON with its `type`; `None` once it is over. It may be cancelled.
    pub(crate) async fn next(&mut self) -> Option<Said> {
        loop {
            if self.is_over {
                return None;
            }
            if self.is_full {
                if let Some(events) = self.events() {
                    return Some(events);
                }
                // There may be much that nobody is told of.
                tokio::task::yield_now().await;
                continue;
            }
            if self.lag_looked_at.elapsed() >= LAG_EVERY
                && let Some(lag) = self.lag()
            {
                return Some(lag);
            }
            let Ok(told) = timeout(LAG_EVERY, self.subscription.next()).await else { continue };
            match told {
                Told::Opened { first_sequence } => {
                    self.reader = Reader::new();
                    // Nobody has more than there is.
                    self.last = self.last.min(first_sequence.saturating_sub(1));
                    return Some(Said::Opened { first_sequence });
                }
                Told::Bytes(bytes) => {
                    self.reader.feed(&bytes);
                    self.is_full = true;
                }
                Told::Missed { first, last, why } => {
                    // What is before was told.
                    let first = first.max(self.last.saturating_add(1));
                    if last < first {
                        continue;
                    }
                    self.last = last;
                    return Some(Said::Missed { first, last, why });
                }
                Told::Closed { why, reason } => {
                    self.is_over = true;
                    return Some(Said::Closed { why, reason });
                }
            }
        }
    }

    /// The last sequence that was told or left out.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.last
    }

    fn lag(&mut self) -> Option<Said> {
        self.lag_looked_at = Instant::now();
        let (agent_has, server_has) = self.subscription.reached();
        let lags = agent_has > server_has;
        // Once more when it is over.
        let is_told = lags || self.had_lag;
        self.had_lag = lags;
        is_told.then_some(Said::Lag { agent_has, server_has })
    }

    /// What came, up to a message full of it; `None`: nothing that is new.
    fn events(&mut self) -> Option<Said> {
        let before = self.last;
        let (mut items, mut text_bytes, mut looked_at) = (Vec::new(), 0, 0);
        while items.len() < EVENTS_MAX && text_bytes < TEXT_BYTES_MAX && looked_at < LOOKED_AT_MAX {
            let Some(item) = self.reader.next() else {
                self.is_full = false;
                break;
            };
            // What a frame began with may have been told before.
            if let Item::Record(record) = item
                && record.sequence > self.last
            {
                self.last = record.sequence;
                looked_at += 1;
                let shape = self.shape(&record);
                text_bytes += shape.as_ref().map_or(0, EventShape::text_bytes);
                items.extend(shape);
            }
        }
        (self.last > before).then_some(Said::Events { items, last_sequence: self.last })
    }

    /// The event as the API gives it, if the filter lets it through.
    fn shape(&self, record: &ReadRecord) -> Option<EventShape> {
        let seen = Seen { record, now: self.state.store.now(), event: OnceCell::new() };
        if let Some((query, session)) = &self.filter
            && !event_fits(&query.root, &seen, Some(session))
        {
            return None;
        }
        let stored = StoredEvent::of(Some(self.session), record.sequence, seen.event());
        let id = EventId::of_event(self.project, &stored);
        Some(EventShape::new(id, stored, Some(self.session), None))
    }
}

/// A record as a filter looks at it.
struct Seen<'record> {
    record: &'record ReadRecord,
    now: Timestamp,
    event: OnceCell<Event>,
}

impl EventFacts for Seen<'_> {
    fn time(&self) -> Timestamp {
        self.record.time
    }

    fn severity(&self) -> Severity {
        self.record.severity
    }

    fn sequence(&self) -> u64 {
        self.record.sequence
    }

    fn event(&self) -> &Event {
        self.event.get_or_init(|| self.record.to_event(self.now))
    }
}
