//! Connections of viewers: a list of sessions that changes, and sessions that are followed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kymo_format::live::{Decoder, Hello, Message, Refusal};
use kymo_model::SessionId;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use crate::access::{Filter, Viewer};
use crate::connection::{Ended, Io, next, write};
use crate::counters::Held;
use crate::relay::{Relay, stops};
use crate::session::{Key, LiveSession};
use crate::subscription::{Subscription, Told};

/// How often a list that changes is told: what people can follow with their eyes.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// How often a lag is told.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// Commands of one viewer that wait for their answers.
const COMMANDS_MAX: usize = 16;

/// Whole messages only, from the connection's tasks. Who does not take them holds up these tasks and nobody else.
type Out<T> = Arc<Mutex<WriteHalf<T>>>;

pub(crate) async fn run<T: Io + 'static>(
    relay: &Relay,
    mut io: T,
    mut decoder: Decoder,
    hello: &Hello,
) -> Result<(), Ended> {
    let viewer = match relay.inner.access.viewer(&hello.token) {
        Ok(viewer) => viewer,
        Err(code) => return relay.refuse_as(&mut io, code).await,
    };
    let counters = &relay.inner.counters;
    if counters.viewers.load(Ordering::Relaxed) >= relay.inner.limits.viewers {
        return relay.refuse_as(&mut io, Refusal::TooMany).await;
    }
    let _held = Held::new(&counters.viewers);
    write(&mut io, &relay.welcome()).await?;
    decoder.greeted();
    let (incoming, outgoing) = split(io);
    let mut connection = Connection {
        relay: relay.clone(),
        viewer,
        out: Arc::new(Mutex::new(outgoing)),
        tasks: JoinSet::new(),
        channels: HashMap::new(),
        list: None,
    };
    connection.serve(incoming, decoder).await
}

struct Connection<T> {
    relay: Relay,
    viewer: Viewer,
    out: Out<T>,
    /// All end with this.
    tasks: JoinSet<()>,
    channels: HashMap<u64, AbortHandle>,
    list: Option<AbortHandle>,
}

async fn say<T: Io>(out: &Out<T>, message: &Message) -> Result<(), Ended> {
    write(&mut *out.lock().await, &message.bytes()).await
}

impl<T: Io + 'static> Connection<T> {
    async fn serve(&mut self, mut incoming: ReadHalf<T>, mut decoder: Decoder) -> Result<(), Ended> {
        let word_every = self.relay.inner.limits.word_every;
        let mut stopping = self.relay.stopping();
        loop {
            tokio::select! {
                message = timeout(word_every * 3, next(&mut incoming, &mut decoder)) => {
                    let message = message.map_err(|_| Ended::Silent)??;
                    self.take(message).await?;
                }
                // Tasks that ended, also by a connection that takes nothing.
                Some(_) = self.tasks.join_next() => {}
                () = stops(&mut stopping) => {
                    let wait_ms = 0;
                    let (code, why) = (Refusal::Stopping, "the server is going to stop".to_owned());
                    return say(&self.out, &Message::Refused { code, why, wait_ms }).await;
                }
            }
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        match message {
            Message::Ping { at } => {
                say(&self.out, &Message::Pong { asked_at: at, at: self.relay.now() }).await
            }
            Message::List { filter } => self.list(&filter).await,
            Message::Open { channel, session, after, from_start } => {
                self.open(channel, session, after, from_start).await
            }
            Message::Close { channel } => {
                if let Some(task) = self.channels.remove(&channel) {
                    task.abort();
                }
                Ok(())
            }
            Message::Ask { number, session, command } => {
                let mut hindered = (!self.viewer.may_command).then(|| "the token may not do this".to_owned());
                if self.tasks.len() > self.relay.inner.limits.channels + COMMANDS_MAX {
                    hindered = Some("too many commands at once".to_owned());
                }
                if hindered.is_some() {
                    return say(&self.out, &Message::Done { number, hindered }).await;
                }
                let (relay, out) = (self.relay.clone(), Arc::clone(&self.out));
                let key = Key { project: self.viewer.project, session };
                self.tasks.spawn(async move {
                    let hindered = relay.command(key, command).await.err();
                    // Who asked may be gone.
                    let _ = say(&out, &Message::Done { number, hindered }).await;
                });
                Ok(())
            }
            // Of another role, or of no meaning here.
            _ => Ok(()),
        }
    }

    async fn list(&mut self, text: &str) -> Result<(), Ended> {
        if let Some(before) = self.list.take() {
            before.abort();
        }
        match self.relay.inner.access.filter(text) {
            Ok(filter) => {
                let (relay, out, project) = (self.relay.clone(), Arc::clone(&self.out), self.viewer.project);
                self.list = Some(self.tasks.spawn(async move {
                    // It ends with the connection.
                    let _ = tell_list(&relay, &out, project, &filter).await;
                }));
                Ok(())
            }
            Err(why) => {
                let closed = Message::Closed { channel: 0, why, reason: None };
                say(&self.out, &closed).await
            }
        }
    }

    async fn open(
        &mut self,
        channel: u64,
        session: SessionId,
        after: Option<u64>,
        from_start: bool,
    ) -> Result<(), Ended> {
        self.channels.retain(|_, task| !task.is_finished());
        let mut refused = None;
        if self.channels.contains_key(&channel) {
            refused = Some("the channel is open already");
        } else if self.channels.len() >= self.relay.inner.limits.channels {
            refused = Some("as many channels are open as there may be");
        }
        let key = Key { project: self.viewer.project, session };
        // Where it is not known, it may be on its way back, if somebody has a place in it.
        if after.is_none() && self.relay.live(key).is_none() {
            refused = Some("the session does not run, or belongs to another project");
        }
        if let Some(why) = refused {
            let closed = Message::Closed { channel, why: why.to_owned(), reason: None };
            return say(&self.out, &closed).await;
        }
        let after = if from_start { Some(after.unwrap_or(0)) } else { after };
        let subscription = self.relay.subscribe(key, after);
        let out = Arc::clone(&self.out);
        let task = self.tasks.spawn(async move {
            // It ends with the connection.
            let _ = pass(subscription, channel, &out).await;
        });
        self.channels.insert(channel, task);
        Ok(())
    }
}

async fn pass<T: Io>(mut subscription: Subscription, channel: u64, out: &Out<T>) -> Result<(), Ended> {
    let mut lag_told = Instant::now();
    let mut had_lag = false;
    loop {
        if lag_told.elapsed() >= LAG_EVERY {
            lag_told = Instant::now();
            let (agent_has, server_has) = subscription.reached();
            // Once more when it is over.
            if agent_has > server_has || had_lag {
                had_lag = agent_has > server_has;
                say(out, &Message::Lag { channel, agent_has, server_has }).await?;
            }
        }
        let Ok(told) = timeout(LAG_EVERY, subscription.next()).await else { continue };
        let message = match told {
            Told::Bytes(bytes) => {
                let mut message = Message::data_head(channel, bytes.len());
                message.extend_from_slice(&bytes);
                write(&mut *out.lock().await, &message).await?;
                continue;
            }
            Told::Opened { first_sequence } => Message::Opened { channel, first_sequence },
            Told::Missed { first, last, why } => {
                Message::Missed { channel, first, last, why: why.to_owned() }
            }
            Told::Closed { reason } => {
                let why = "the session has ended".to_owned();
                return say(out, &Message::Closed { channel, why, reason }).await;
            }
        };
        say(out, &message).await?;
    }
}

/// What fits, and every change of it.
async fn tell_list<T: Io>(relay: &Relay, out: &Out<T>, project: i64, filter: &Filter) -> Result<(), Ended> {
    let mut changes = relay.changes();
    let mut told: HashMap<SessionId, LiveSession> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let now = relay.sessions(project);
        let mut gone = told.clone();
        for session in now.into_iter().filter(|session| filter(session)) {
            let id = session.key.session;
            gone.remove(&id);
            let is_known = told.get(&id).is_some_and(|before| looks_alike(before, &session));
            if !is_known {
                let json = relay.inner.access.describe(&session);
                say(out, &Message::Session { session: id, json }).await?;
                told.insert(id, session);
            }
        }
        for session in gone.into_keys() {
            told.remove(&session);
            let key = Key { project, session };
            let reason = relay.known(key).and_then(|session| session.ended_by());
            say(out, &Message::Gone { session, reason }).await?;
        }
        tokio::time::sleep(LIST_EVERY).await;
        if changes.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Nothing that people see has changed.
fn looks_alike(before: &LiveSession, now: &LiveSession) -> bool {
    let seen = |session: &LiveSession| (session.counts, session.since, session.followers);
    seen(before) == seen(now) && Arc::ptr_eq(&before.header, &now.header)
}
