//! A follower's place in a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kymo_format::MAGIC;
use kymo_format::live::{Command, Message};
use tokio::time::{Instant, timeout_at};

use crate::backlog::{Piece, Spilled, Start};
use crate::counters::{add, subtract};
use crate::followed::{Run, Upstream};
use crate::relay::Relay;
use crate::session::{Key, Session};

/// Bytes given at a time: what one message of the protocol carries with its head.
const PIECE_BYTES_MAX: usize = 63 * 1024;

/// A program that ended and was cut off before everything came may come back for so long to bring the rest: it tries again
/// within seconds, for as long as it waits for its last words to be sent.
const RETURNS_WITHIN: Duration = Duration::from_secs(10);

/// A program that said nothing of an end and is not there may come back for so long: its line is cut, or the server
/// began anew, and it tries again within a minute.
const COMES_BACK_WITHIN: Duration = Duration::from_mins(5);

/// What a follower is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What comes begins with this sequence, or before: what the follower has already is passed over. A session file
    /// begins, with its magic. To who asked for what comes from now on it is told twice: at once, and then.
    Opened {
        /// The first that comes and was asked for.
        first_sequence: u64,
    },
    /// Bytes of a session file, on from those before.
    Bytes(Bytes),
    /// These were not sent. [`Opened`](Self::Opened) is next.
    Missed {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// Why, in words.
        why: &'static str,
    },
    /// Nothing more will come.
    Closed {
        /// Why, in words.
        why: &'static str,
        /// How the session ended, if it did.
        reason: Option<String>,
    },
}

/// Follows a session until it is dropped.
pub struct Subscription {
    relay: Relay,
    session: Arc<Session>,
    run: Arc<Run>,
    /// The follower has everything up to here, and maybe what is left of that frame.
    after: u64,
    place: Place,
    /// From now on: where that is, is told before anything comes, so that who loses the line has a cursor.
    tells_at_once: bool,
}

#[derive(Debug)]
enum Place {
    /// Nothing came yet.
    Before,
    /// These come next: magic and header.
    Begins {
        head: Bytes,
        position: u64,
    },
    At(u64),
    /// What was there is gone.
    Behind,
    Over,
}

enum Step {
    Tell(Told),
    Read(Spilled, u64),
    Wait,
    /// Something may come until then; if not, it is looked again.
    WaitUntil(Instant),
}

impl Subscription {
    pub(crate) fn new(
        relay: Relay,
        session: Arc<Session>,
        run: Arc<Run>,
        after: u64,
        is_from_now: bool,
    ) -> Self {
        add(&relay.inner.counters.followers, 1);
        relay.changed(session.key);
        Self { relay, session, run, after, place: Place::Before, tells_at_once: is_from_now }
    }

    /// Which session.
    pub fn key(&self) -> Key {
        self.session.key
    }

    /// How far the agent is, and how far what came from it: the difference is the lag of the line between them.
    pub fn reached(&self) -> (u64, u64) {
        let server_has = self.run.after();
        (self.session.last_sequence().unwrap_or(server_has), server_has)
    }

    /// What is next; waits for it. It may be cancelled.
    pub async fn next(&mut self) -> Told {
        loop {
            let run = Arc::clone(&self.run);
            let grown = run.grown.notified();
            tokio::pin!(grown);
            // From here on nothing is overheard.
            grown.as_mut().enable();
            match self.step() {
                Step::Tell(told) => return told,
                Step::Read(spilled, position) => {
                    let read = tokio::task::spawn_blocking(move || spilled.read()).await;
                    let state = run.state();
                    let is_there = state.backlog.keeps(position);
                    match read {
                        Ok(Ok(bytes)) if is_there => {
                            let end = position + bytes.len() as u64;
                            self.after = self.after.max(state.backlog.sequence_before(end));
                            self.place = Place::At(end);
                            drop(state);
                            return self.gives(bytes);
                        }
                        // It was written over meanwhile, or the disk does not give it back.
                        _ => self.place = Place::Behind,
                    }
                }
                Step::Wait => grown.await,
                // What is next is looked up either way.
                Step::WaitUntil(time) => drop(timeout_at(time, grown).await),
            }
        }
    }

    fn gives(&self, bytes: Bytes) -> Told {
        add(&self.relay.inner.counters.bytes_out, bytes.len() as u64);
        Told::Bytes(bytes)
    }

    fn step(&mut self) -> Step {
        if std::mem::take(&mut self.tells_at_once) {
            return Step::Tell(Told::Opened { first_sequence: self.after.saturating_add(1) });
        }
        let state = self.run.state();
        match &mut self.place {
            Place::Over => Step::Wait,
            Place::Begins { head, position } => {
                let bytes = head.split_to(head.len().min(PIECE_BYTES_MAX));
                if head.is_empty() {
                    self.place = Place::At(*position);
                }
                drop(state);
                Step::Tell(self.gives(bytes))
            }
            Place::Before | Place::Behind => {
                let start = state.backlog.start(self.after);
                drop(state);
                let Some(start) = start else { return self.idle() };
                Step::Tell(self.begin(&start))
            }
            Place::At(position) => {
                let at = *position;
                match state.backlog.piece(at, PIECE_BYTES_MAX) {
                    Piece::Memory(bytes) => {
                        *position += bytes.len() as u64;
                        self.after = self.after.max(state.backlog.sequence_before(*position));
                        drop(state);
                        Step::Tell(self.gives(bytes))
                    }
                    Piece::File(spilled) => Step::Read(spilled, at),
                    Piece::Gone => {
                        drop(state);
                        self.place = Place::Behind;
                        self.step()
                    }
                    Piece::Nothing => {
                        drop(state);
                        self.idle()
                    }
                }
            }
        }
    }

    /// Nothing is there now.
    fn idle(&mut self) -> Step {
        let away_since = self.session.away_since();
        let Some((reason, last)) = self.session.ended_by() else {
            let Some(away_since) = away_since else { return Step::Wait };
            return self.over_after(
                away_since + COMES_BACK_WITHIN,
                "the program did not come back within five minutes",
                None,
            );
        };
        let state = self.run.state();
        let has_all = state.last_sequence.max(self.after) >= last;
        let has_upstream = state.upstream != Upstream::Nobody;
        drop(state);
        if !has_all {
            // Where the agent is gone before all of it came, and does not come back, the rest comes by its file.
            let Some(away_since) = away_since.filter(|_| !has_upstream) else { return Step::Wait };
            return self.over_after(
                away_since + RETURNS_WITHIN,
                "the session has ended, and the program is gone before all of it came",
                Some(reason),
            );
        }
        self.place = Place::Over;
        Step::Tell(Told::Closed { why: "the session has ended", reason: Some(reason) })
    }

    fn over_after(&mut self, until: Instant, why: &'static str, reason: Option<String>) -> Step {
        if Instant::now() < until {
            return Step::WaitUntil(until);
        }
        self.place = Place::Over;
        Step::Tell(Told::Closed { why, reason })
    }

    fn begin(&mut self, start: &Start) -> Told {
        let (first, next) = (self.after.saturating_add(1), start.first_sequence);
        if next > first {
            let is_behind = matches!(self.place, Place::Behind) || self.run.state().begins_after > self.after;
            let why = if is_behind {
                "further behind than is kept"
            } else {
                "the program does not have it any more"
            };
            add(&self.relay.inner.counters.missed, next - first);
            self.after = next - 1;
            return Told::Missed { first, last: next - 1, why };
        }
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&start.header);
        self.place = Place::Begins { head: head.into(), position: start.position };
        Told::Opened { first_sequence: first }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        subtract(&self.relay.inner.counters.followers, 1);
        if let Some(follow) = self.session.followed.leave(&self.run) {
            self.session.say(&Message::Command { number: follow, command: Command::Stop });
        }
        self.relay.changed(self.session.key);
        self.relay.forget_if_idle(&self.session);
    }
}
