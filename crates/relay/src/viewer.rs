//! Connections of viewers: a list of sessions that changes, and sessions that are followed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kymo_format::live::{Counts, Decoder, Hello, Message, Refusal};
use kymo_model::{SessionId, Timestamp};
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

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
type Out<T> = Arc<Mutex<Outgoing<T>>>;

struct Outgoing<T> {
    half: WriteHalf<T>,
    /// A message was not written to its end: nothing may come behind it.
    is_torn: bool,
}

impl<T: Io> Outgoing<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        if self.is_torn {
            return Err(Ended::Closed);
        }
        self.is_torn = true;
        write(&mut self.half, bytes).await?;
        self.is_torn = false;
        Ok(())
    }
}

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
        token: hello.token.clone(),
        out: Arc::new(Mutex::new(Outgoing { half: outgoing, is_torn: false })),
        tasks: JoinSet::new(),
        channels: HashMap::new(),
        list: None,
    };
    connection.serve(incoming, decoder).await
}

struct Connection<T> {
    relay: Relay,
    viewer: Viewer,
    token: String,
    out: Out<T>,
    /// All end with this, and this with the first of them that could not write.
    tasks: JoinSet<Result<(), Ended>>,
    /// What is sent here, or let go, stops the task: between two messages, never within one.
    channels: HashMap<u64, oneshot::Sender<()>>,
    list: Option<oneshot::Sender<()>>,
}

async fn say<T: Io>(out: &Out<T>, message: &Message) -> Result<(), Ended> {
    out.lock().await.write(&message.bytes()).await
}

/// What a task says until it is stopped.
struct Voice<T> {
    out: Out<T>,
    stop: oneshot::Receiver<()>,
}

impl<T: Io> Voice<T> {
    /// Nothing, where it was stopped before its turn came: the channel may be somebody else's by now.
    async fn say(&mut self, message: &[u8]) -> Result<(), Ended> {
        let mut out = self.out.lock().await;
        if self.stop.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
            return Ok(());
        }
        out.write(message).await
    }

    /// What comes, or `None` when it is stopped before. What is waited for is dropped then: never a write.
    async fn wait<R>(&mut self, coming: impl Future<Output = R>) -> Option<R> {
        if self.stop.is_terminated() {
            return None;
        }
        tokio::select! {
            biased;
            _ = &mut self.stop => None,
            came = coming => Some(came),
        }
    }
}

impl<T: Io + 'static> Connection<T> {
    async fn serve(&mut self, mut incoming: ReadHalf<T>, mut decoder: Decoder) -> Result<(), Ended> {
        let word_every = self.relay.inner.limits.word_every;
        let mut stopping = self.relay.stopping();
        let mut looks = interval_at(Instant::now() + word_every, word_every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = next(&mut incoming, &mut decoder) => {
                    heard = Instant::now();
                    self.take(message?).await?;
                }
                () = sleep_until(heard + word_every * 3) => return Err(Ended::Silent),
                _ = looks.tick() => self.look().await?,
                // Tasks that ended: one that could not write tore its message.
                Some(done) = self.tasks.join_next() => if let Ok(Err(ended)) = done {
                    return Err(ended);
                },
                () = stops(&mut stopping) => return self.let_go(Refusal::Stopping).await,
            }
        }
    }

    /// Whether the viewer may still be here, and what they see.
    async fn look(&mut self) -> Result<(), Ended> {
        match self.relay.inner.access.viewer(&self.token) {
            Ok(now) if now.project == self.viewer.project => {
                self.viewer = now;
                Ok(())
            }
            Ok(_) => self.let_go(Refusal::Unauthorized).await,
            Err(code) => self.let_go(code).await,
        }
    }

    async fn let_go(&mut self, code: Refusal) -> Result<(), Ended> {
        // From here on nothing else is said.
        self.channels.clear();
        self.list = None;
        self.out.lock().await.write(&self.relay.refused_as(code)).await?;
        Err(Ended::LetGo)
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        // Who asks and does not read fills this with what waits to be written.
        if self.tasks.len() > 2 * self.relay.inner.limits.channels + COMMANDS_MAX {
            return Err(Ended::Silent);
        }
        match message {
            Message::Ping { at } => {
                // Beside this: whoever does not read holds up nothing but what is for them.
                let pong = Message::Pong { asked_at: at, at: self.relay.now() };
                let out = Arc::clone(&self.out);
                self.tasks.spawn(async move { say(&out, &pong).await });
                Ok(())
            }
            Message::List { filter } => self.list(&filter).await,
            Message::Open { channel, session, after, from_start } => {
                self.open(channel, session, after, from_start).await
            }
            Message::Close { channel } => {
                self.channels.remove(&channel);
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
                    say(&out, &Message::Done { number, hindered }).await
                });
                Ok(())
            }
            // Of another role, or of no meaning here.
            _ => Ok(()),
        }
    }

    fn voice(&self) -> (oneshot::Sender<()>, Voice<T>) {
        let (stopper, stop) = oneshot::channel();
        (stopper, Voice { out: Arc::clone(&self.out), stop })
    }

    async fn list(&mut self, text: &str) -> Result<(), Ended> {
        self.list = None;
        match self.relay.inner.access.filter(text) {
            Ok(filter) => {
                let (stopper, voice) = self.voice();
                self.list = Some(stopper);
                let (relay, project) = (self.relay.clone(), self.viewer.project);
                self.tasks.spawn(async move { tell_list(&relay, voice, project, &filter).await });
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
        self.channels.retain(|_, task| !task.is_closed());
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
        let (stopper, voice) = self.voice();
        self.channels.insert(channel, stopper);
        self.tasks.spawn(pass(subscription, channel, voice));
        Ok(())
    }
}

async fn pass<T: Io>(mut subscription: Subscription, channel: u64, mut voice: Voice<T>) -> Result<(), Ended> {
    let mut lag_told = Instant::now();
    let mut had_lag = false;
    loop {
        if lag_told.elapsed() >= LAG_EVERY {
            lag_told = Instant::now();
            let (agent_has, server_has) = subscription.reached();
            // Once more when it is over.
            if agent_has > server_has || had_lag {
                had_lag = agent_has > server_has;
                voice.say(&Message::Lag { channel, agent_has, server_has }.bytes()).await?;
            }
        }
        let Some(told) = voice.wait(timeout(LAG_EVERY, subscription.next())).await else { return Ok(()) };
        let Ok(told) = told else { continue };
        let message = match told {
            Told::Bytes(bytes) => {
                let mut message = Message::data_head(channel, bytes.len());
                message.extend_from_slice(&bytes);
                voice.say(&message).await?;
                continue;
            }
            Told::Opened { first_sequence } => Message::Opened { channel, first_sequence },
            Told::Missed { first, last, why } => {
                Message::Missed { channel, first, last, why: why.to_owned() }
            }
            Told::Closed { why, reason } => {
                let why = why.to_owned();
                return voice.say(&Message::Closed { channel, why, reason }.bytes()).await;
            }
        };
        voice.say(&message.bytes()).await?;
    }
}

/// Sessions looked at in one go: each is a header that is read for the filter, some microseconds.
const YIELD_EVERY: usize = 64;

/// What fits, and every change of it. While nothing changes it costs nothing, however many sessions there are.
async fn tell_list<T: Io>(
    relay: &Relay,
    mut voice: Voice<T>,
    project: i64,
    filter: &Filter,
) -> Result<(), Ended> {
    let mut changes = relay.changes();
    let mut told: HashMap<SessionId, Looks> = HashMap::new();
    let mut version = None;
    loop {
        changes.mark_unchanged();
        let (changed, now) = relay.changed_since(version.unwrap_or(0), project);
        let changed = changed.filter(|_| version.is_some());
        version = Some(now);
        for (at, session) in sessions_to_tell(relay, project, changed, &told).into_iter().enumerate() {
            if at % YIELD_EVERY == YIELD_EVERY - 1 {
                tokio::task::yield_now().await;
            }
            let key = Key { project, session };
            let live = relay.live(key).filter(|live| filter(live));
            let message = match live {
                Some(live) => {
                    let looks = Looks::of(&live);
                    if told.get(&session).is_some_and(|before| before.are(&looks)) {
                        continue;
                    }
                    told.insert(session, looks);
                    Message::Session { session, json: relay.inner.access.describe(&live) }
                }
                None if told.remove(&session).is_some() => {
                    let ended = relay.known(key).and_then(|session| session.ended_by());
                    Message::Gone { session, reason: ended.map(|(reason, _)| reason) }
                }
                None => continue,
            };
            voice.say(&message.bytes()).await?;
        }
        let more = voice.wait(async {
            tokio::time::sleep(LIST_EVERY).await;
            changes.changed().await
        });
        if !matches!(more.await, Some(Ok(()))) {
            return Ok(());
        }
    }
}

/// What changed, or, where that is not known, everything that is there or was told.
fn sessions_to_tell(
    relay: &Relay,
    project: i64,
    changed: Option<Vec<Key>>,
    told: &HashMap<SessionId, Looks>,
) -> Vec<SessionId> {
    if let Some(changed) = changed {
        return changed.into_iter().map(|key| key.session).collect();
    }
    let mut all: Vec<SessionId> = relay.keys(project).into_iter().map(|key| key.session).collect();
    let there: HashSet<SessionId> = all.iter().copied().collect();
    all.extend(told.keys().filter(|session| !there.contains(session)));
    all
}

/// What people see of a session.
struct Looks {
    counts: Counts,
    since: Timestamp,
    followers: usize,
    header: Arc<[u8]>,
}

impl Looks {
    fn of(session: &LiveSession) -> Self {
        let LiveSession { counts, since, followers, .. } = *session;
        Self { counts, since, followers, header: Arc::clone(&session.header) }
    }

    fn are(&self, other: &Self) -> bool {
        let seen = |looks: &Self| (looks.counts, looks.since, looks.followers);
        seen(self) == seen(other) && Arc::ptr_eq(&self.header, &other.header)
    }
}
