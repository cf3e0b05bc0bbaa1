//! Programs that are registered and that nobody follows, and their return when the server starts anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kymo_format::live::{Counts, Message, Role, header_payload};
use kymo_model::Timestamp;
use kymo_testkit::Random;
use tokio::task::JoinSet;

use super::line::{Line, Port, Wire};
use super::tally::now_ns;
use super::tape::header;

/// Tries to come back: after half a second to a second, then after twice as long, four seconds at most.
const BACK_AFTER_MIN_MS: u64 = 500;
const BACK_AFTER_MAX_MS: u64 = 4_000;
/// Everybody is there within that, or the run fails.
const THERE_WITHIN: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Many programs that do nothing.
pub(super) struct Crowd {
    tasks: JoinSet<()>,
    count: u64,
    /// Registered now.
    there: Arc<AtomicU64>,
    pub(super) wire: Arc<Wire>,
}

impl Crowd {
    /// They say a word after so long, as the server tells them to when it is `WORD_EVERY`.
    pub(super) fn gather(count: u64, port: &Port, token: &str, word_every: Duration) -> Self {
        let mut crowd = Self { tasks: JoinSet::new(), count, there: Arc::default(), wire: Arc::default() };
        for session in 0..count {
            let (port, token) = (port.clone(), token.to_owned());
            let (there, wire) = (Arc::clone(&crowd.there), Arc::clone(&crowd.wire));
            crowd.tasks.spawn(async move {
                let mut random = Random::new(session);
                // Not all in one instant: the first come within some seconds as well.
                tokio::time::sleep(Duration::from_millis(random.below(count / 4 + 1))).await;
                let mut tries = 0;
                loop {
                    // Whatever happened: it comes back.
                    if stay(session, &port, &token, word_every, &there, &wire)
                        .await
                        .is_ok_and(|stayed| stayed)
                    {
                        tries = 0;
                    }
                    let most = (BACK_AFTER_MIN_MS << tries.min(4)).min(BACK_AFTER_MAX_MS);
                    tokio::time::sleep(Duration::from_millis(most / 2 + random.below(most / 2 + 1))).await;
                    tries += 1;
                }
            });
        }
        crowd
    }

    /// Waits until all are registered; how long that took.
    pub(super) async fn all(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        loop {
            let there = self.there.load(Ordering::Relaxed);
            if there == self.count {
                return Ok(started.elapsed());
            }
            ensure!(started.elapsed() < THERE_WITHIN, "{there} of {} programs are registered", self.count);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until all have noticed that the server is gone.
    pub(super) async fn none(&self) {
        while self.there.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn part(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Registered until the line breaks; whether it was.
async fn stay(
    session: u64,
    port: &Port,
    token: &str,
    word_every: Duration,
    there: &AtomicU64,
    wire: &Arc<Wire>,
) -> anyhow::Result<bool> {
    let mut line = Line::open(port, Role::Agent, token, None, wire).await?;
    let header = header_payload(&header(u128::from(session) + 1))?;
    let counts = Counts { last_sequence: 100, messages: 100, first_sequence: 1, ..Counts::default() };
    line.say(&Message::Register { header, counts }).await?;
    // The first word of the server is about the clock.
    let first = tokio::time::timeout(THERE_WITHIN, line.next()).await.context("a word of the server")??;
    answer(&mut line, &first).await?;
    there.fetch_add(1, Ordering::Relaxed);
    let mut said = tokio::time::Instant::now();
    loop {
        let message = tokio::time::timeout_at(said + word_every, line.next()).await;
        let done = match message {
            Ok(Ok(message)) => answer(&mut line, &message).await,
            Ok(Err(broken)) => Err(broken),
            Err(_) => {
                said = tokio::time::Instant::now();
                line.say(&Message::Ping { at: Timestamp::from_unix_nanos(now_ns()) }).await
            }
        };
        if done.is_err() {
            there.fetch_sub(1, Ordering::Relaxed);
            return Ok(true);
        }
    }
}

async fn answer(line: &mut Line, message: &Message) -> anyhow::Result<()> {
    match message {
        Message::Ping { at } => {
            line.say(&Message::Pong { asked_at: *at, at: Timestamp::from_unix_nanos(now_ns()) }).await
        }
        _ => Ok(()),
    }
}
