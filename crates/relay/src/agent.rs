//! Control connections of agents.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kymo_format::live::{Counts, Decoder, Hello, Message, Refusal, header_of};
use kymo_model::Timestamp;
use tokio::time::{Instant, timeout};

use crate::connection::{Ended, Io, Mailbox, next, write};
use crate::counters::{Held, add};
use crate::followed::Upstream;
use crate::relay::{GREET_WITHIN, Relay, stops};
use crate::session::{Agent, Key, Session};

/// Clocks are measured when somebody comes, and then with every ping: of that many the one with the shortest way counts.
const CLOCKS_KEPT: usize = 8;

pub(crate) async fn run(
    relay: &Relay,
    io: &mut impl Io,
    mut decoder: Decoder,
    hello: &Hello,
    address: Option<IpAddr>,
) -> Result<(), Ended> {
    let project = match relay.inner.access.agent(&hello.token) {
        Ok(project) => project,
        Err(code) => return relay.refuse_as(io, code).await,
    };
    let counters = &relay.inner.counters;
    if counters.agents.load(Ordering::Relaxed) >= relay.inner.limits.agents {
        return relay.refuse_as(io, Refusal::TooMany).await;
    }
    let _held = Held::new(&counters.agents);
    write(io, &relay.welcome()).await?;
    decoder.greeted();
    let first = timeout(GREET_WITHIN, next(io, &mut decoder)).await.map_err(|_| Ended::Silent)??;
    let Message::Register { header, counts } = first else { return Ok(()) };
    let session = header_of(&header)?.session;
    let connection = relay.number();
    let mailbox = Arc::new(Mailbox::default());
    let now = relay.now();
    let agent = Agent {
        connection,
        mailbox: Arc::clone(&mailbox),
        header: header.into(),
        counts,
        since: now,
        word_at: now,
        address,
        clock_ahead_ns: None,
        rate: None,
    };
    let (session, ()) = relay.session_with(Key { project, session }, |session| session.registered(agent));
    add(&counters.registered, 1);
    relay.changed();
    // What the process before, or its lost line, was to bring does not come any more.
    for run in session.followed.all() {
        run.state().upstream = Upstream::Nobody;
    }
    relay.feed(&session);
    let ended = serve(relay, io, decoder, &session, connection, &mailbox).await;
    mailbox.close();
    if session.left(connection) {
        for run in session.followed.all() {
            run.grown.notify_waiters();
        }
        relay.forget_if_idle(&session);
        relay.changed();
    }
    ended
}

async fn serve(
    relay: &Relay,
    io: &mut impl Io,
    mut decoder: Decoder,
    session: &Arc<Session>,
    connection: u64,
    mailbox: &Mailbox,
) -> Result<(), Ended> {
    let word_every = relay.inner.limits.word_every;
    let mut stopping = relay.stopping();
    let mut clocks = Clocks::default();
    mailbox.put(&Message::Ping { at: relay.now() });
    let mut heard = Instant::now();
    loop {
        // Who has nothing to say sends pings.
        let deadline = heard + word_every * 3;
        tokio::select! {
            message = next(io, &mut decoder) => {
                heard = Instant::now();
                if !take(relay, session, connection, &message?, &mut clocks, mailbox) {
                    return Ok(());
                }
            }
            waiting = mailbox.take() => match waiting {
                Some(bytes) => write(io, &bytes).await?,
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(deadline) => return Err(Ended::Silent),
            () = stops(&mut stopping) => {
                // What was said last, that is when to come back, goes out first.
                mailbox.close();
                while let Some(bytes) = mailbox.take().await {
                    write(io, &bytes).await?;
                }
                return Ok(());
            }
        }
    }
}

/// False when the connection is not the session's any more.
fn take(
    relay: &Relay,
    session: &Arc<Session>,
    connection: u64,
    message: &Message,
    clocks: &mut Clocks,
    mailbox: &Mailbox,
) -> bool {
    let now = relay.now();
    let mut is_its = session.change(connection, |agent| agent.word_at = now);
    match message {
        Message::State(counts) => is_its = state(relay, session, connection, *counts),
        Message::Ping { at } => {
            mailbox.put(&Message::Pong { asked_at: *at, at: now });
            // The line is awake anyhow.
            mailbox.put(&Message::Ping { at: now });
            // Whatever went wrong with a follow is mended by the next word at the latest.
            relay.feed(session);
        }
        Message::Pong { asked_at, at } => {
            let ahead = clocks.measured(*asked_at, *at, now);
            session.change(connection, |agent| agent.clock_ahead_ns = Some(ahead));
        }
        Message::Done { number, hindered } => session.answered(*number, hindered.clone()),
        Message::Ended { reason, last_sequence } => {
            session.ended(connection, reason, *last_sequence);
            for run in session.followed.all() {
                run.grown.notify_waiters();
            }
            relay.changed();
        }
        // Of another role, or of no meaning here.
        _ => {}
    }
    is_its
}

fn state(relay: &Relay, session: &Arc<Session>, connection: u64, counts: Counts) -> bool {
    let now = relay.now();
    let is_its = session.change(connection, |agent| agent.counted(counts, now));
    relay.feed(session);
    relay.changed();
    is_its
}

/// Differences of the clocks, each with how long the way took.
#[derive(Debug, Default)]
struct Clocks(Vec<(Duration, i64)>);

impl Clocks {
    /// One more; the best of the last.
    fn measured(&mut self, asked_at: Timestamp, at: Timestamp, now: Timestamp) -> i64 {
        let way = now.as_unix_nanos().saturating_sub(asked_at.as_unix_nanos()).max(0);
        let middle = asked_at.as_unix_nanos().saturating_add(way / 2);
        if self.0.len() == CLOCKS_KEPT {
            self.0.remove(0);
        }
        self.0.push((Duration::from_nanos(way as u64), at.as_unix_nanos().saturating_sub(middle)));
        self.0.iter().min_by_key(|(way, _)| *way).map_or(0, |(_, ahead)| *ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_clocks_the_shortest_way_counts() {
        let time = |ms: i64| Timestamp::from_unix_nanos(ms * 1_000_000);
        let mut clocks = Clocks::default();
        assert_eq!(clocks.measured(time(1000), time(6050), time(1100)), 5_000_000_000);
        assert_eq!(clocks.measured(time(2000), time(7900), time(3000)), 5_000_000_000, "a long way");
        assert_eq!(clocks.measured(time(4000), time(9011), time(4002)), 5_010_000_000, "a short one");
        for _ in 0..CLOCKS_KEPT {
            clocks.measured(time(5000), time(5000), time(5010));
        }
        assert_eq!(clocks.measured(time(5000), time(5000), time(5010)), -5_000_000, "it is forgotten");
    }
}
