//! Everything there is, and who enters.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kymo_format::live::{Command, Decoder, Hello, KEY_BYTES, Message, Refusal, Role, VERSION};
use kymo_model::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::access::Access;
use crate::backlog::Kept;
use crate::changes::Changes;
use crate::connection::{Ended, Io, next, write};
use crate::counters::{Counted, Counters, add};
use crate::followed::Run;
use crate::session::{Key, LiveSession, Session};
use crate::subscription::Subscription;
use crate::{agent, upstream, viewer};

/// Who connects says who it is within that time, and who was asked for data brings it.
pub(crate) const GREET_WITHIN: Duration = Duration::from_secs(10);
/// How long a command's answer is waited for: a fragment that is closed waits two seconds for the disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Those who may not come in are told to wait that long: somebody may just be switching it on, and twenty thousand who
/// ask are 67 a second.
const OFF_WAIT_MS: u64 = 5 * 60 * 1000;
/// Those for whom there is no room just now.
const FULL_WAIT_MS: u64 = 30 * 1000;

/// Sessions whose end is remembered: who lost the line is back within minutes, in which no more end.
const ENDED_MAX: usize = 1024;

/// How much of what. Each default says what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Control connections. Each takes some 5 KB; a process has 20,000 open files or more.
    pub agents: u64,
    /// Connections of viewers.
    pub viewers: u64,
    /// Sessions that one viewer follows at a time.
    pub channels: usize,
    /// Seconds after which a word is expected: 30 notice a dead line within a minute and a half for 4 bytes a second.
    pub word_every: Duration,
    /// What is kept of a followed session.
    pub kept: Kept,
    /// Where temporary files are made.
    pub folder: PathBuf,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            agents: 20_000,
            viewers: 1_000,
            channels: 64,
            word_every: Duration::from_secs(30),
            kept: Kept::default(),
            folder: std::env::temp_dir(),
        }
    }
}

/// One for a server; clones are the same one.
#[derive(Clone)]
pub struct Relay {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) access: Box<dyn Access>,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    sessions: Mutex<HashMap<Key, Arc<Session>>>,
    /// How those ended that ended last: who comes back with a cursor is told.
    ended: Mutex<VecDeque<(Key, (String, u64))>>,
    /// Data connections that are expected: by key, for what, until when.
    expected: Mutex<HashMap<[u8; KEY_BYTES], Expected>>,
    numbers: AtomicU64,
    changes: Mutex<Changes>,
    /// The version of the last of them.
    version: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    /// Within which everybody comes back once the server stops, and how many were told when.
    spread_ms: AtomicU64,
    told: AtomicU64,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A data connection that is expected.
struct Expected {
    session: Arc<Session>,
    run: Arc<Run>,
    follow: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Tables are whole after any panic: entries go in and out in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// An empty one. `now` is the server's clock.
    pub fn new(
        access: impl Access,
        limits: Limits,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            access: Box::new(access),
            limits,
            counters: Counters::default(),
            sessions: Mutex::default(),
            ended: Mutex::default(),
            expected: Mutex::default(),
            numbers: AtomicU64::new(1),
            changes: Mutex::default(),
            version: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            spread_ms: AtomicU64::new(0),
            told: AtomicU64::new(0),
            now: Box::new(now),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Serves a connection to the port for agents: control or data. Returns when it is over.
    pub async fn agent_connection(&self, mut io: impl Io, address: Option<IpAddr>) {
        let Ok((hello, decoder)) = self.greet(&mut io).await else { return };
        let ended = match hello.role {
            Role::Agent => agent::run(self, &mut io, decoder, &hello, address).await,
            Role::Data => upstream::run(self, &mut io, decoder, &hello).await,
            Role::Viewer => {
                let why = "this port is for programs that are recorded; viewers have another";
                self.refuse(&mut io, Refusal::Unauthorized, why, OFF_WAIT_MS).await
            }
        };
        self.inner.count(&ended);
    }

    /// Serves a connection to the port for viewers. Returns when it is over.
    pub async fn viewer_connection<T: Io + 'static>(&self, mut io: T) {
        let Ok((hello, decoder)) = self.greet(&mut io).await else { return };
        let ended = if hello.role == Role::Viewer {
            viewer::run(self, io, decoder, &hello).await
        } else {
            let why = "this port is for viewers; programs that are recorded have another";
            self.refuse(&mut io, Refusal::Unauthorized, why, OFF_WAIT_MS).await
        };
        self.inner.count(&ended);
    }

    async fn greet(&self, io: &mut impl Io) -> Result<(Hello, Decoder), ()> {
        let mut decoder = Decoder::of_client();
        let first = timeout(GREET_WITHIN, next(io, &mut decoder)).await.unwrap_or(Err(Ended::Silent));
        match first {
            Ok(Message::Hello(_)) if *self.inner.stopping.borrow() => {
                let _ = self.refuse_as(io, Refusal::Stopping).await;
                Err(())
            }
            Ok(Message::Hello(hello)) if hello.version >= VERSION => Ok((hello, decoder)),
            Ok(Message::Hello(_)) => {
                let why = format!("expected version {VERSION} or later of the live protocol");
                let _ = self.refuse(io, Refusal::Version, &why, OFF_WAIT_MS).await;
                Err(())
            }
            Ok(_) => {
                add(&self.inner.counters.broken, 1);
                Err(())
            }
            Err(ended) => {
                self.inner.count(&Err(ended));
                Err(())
            }
        }
    }

    pub(crate) async fn refuse(
        &self,
        io: &mut impl Io,
        code: Refusal,
        why: &str,
        wait_ms: u64,
    ) -> Result<(), Ended> {
        write(io, &self.refused(code, why, wait_ms)).await
    }

    fn refused(&self, code: Refusal, why: &str, wait_ms: u64) -> Vec<u8> {
        add(&self.inner.counters.refused, 1);
        Message::Refused { code, why: why.to_owned(), wait_ms }.bytes()
    }

    /// [`refuse`](Self::refuse) for what [`Access`] said.
    pub(crate) async fn refuse_as(&self, io: &mut impl Io, code: Refusal) -> Result<(), Ended> {
        write(io, &self.refused_as(code)).await
    }

    /// What is said with it, in the words of the code.
    pub(crate) fn refused_as(&self, code: Refusal) -> Vec<u8> {
        let (why, wait_ms) = match code {
            Refusal::Off => {
                ("live is off: it is switched on for the server and for the project", OFF_WAIT_MS)
            }
            Refusal::TooMany => ("there are as many connections as there may be", FULL_WAIT_MS),
            Refusal::Unauthorized => ("the token does not hold, or not for this", OFF_WAIT_MS),
            Refusal::Stopping => ("the server is going to stop", self.come_back_ms()),
            _ => ("it is not possible now", FULL_WAIT_MS),
        };
        self.refused(code, why, wait_ms)
    }

    pub(crate) fn welcome(&self) -> Vec<u8> {
        let word_every_s = self.inner.limits.word_every.as_secs().max(1);
        Message::Welcome { version: VERSION, word_every_s, at: self.now() }.bytes()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.now)()
    }

    pub(crate) fn number(&self) -> u64 {
        self.inner.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The session, known or new, with what makes it worth keeping done in the same step: else it may be forgotten
    /// in between. `enter` must not look for sessions.
    pub(crate) fn session_with<T>(&self, key: Key, enter: impl FnOnce(&Session) -> T) -> (Arc<Session>, T) {
        let mut sessions = locked(&self.inner.sessions);
        let ended = || locked(&self.inner.ended).iter().rev().find(|(known, _)| *known == key).cloned();
        let new = || Arc::new(Session::new(key, ended().map(|(_, how)| how)));
        let session = Arc::clone(sessions.entry(key).or_insert_with(new));
        let entered = enter(&session);
        (session, entered)
    }

    pub(crate) fn known(&self, key: Key) -> Option<Arc<Session>> {
        locked(&self.inner.sessions).get(&key).cloned()
    }

    /// Forgets a session that neither runs here nor is followed, after it was told that it [changed](Self::changed).
    pub(crate) fn forget_if_idle(&self, session: &Arc<Session>) {
        let mut sessions = locked(&self.inner.sessions);
        let is_known = sessions.get(&session.key).is_some_and(|known| Arc::ptr_eq(known, session));
        if is_known && !session.has_agent() && session.followed.followers() == 0 {
            sessions.remove(&session.key);
            if let Some(how) = session.ended_by() {
                let mut ended = locked(&self.inner.ended);
                ended.retain(|(known, _)| *known != session.key);
                if ended.len() >= ENDED_MAX {
                    ended.pop_front();
                }
                ended.push_back((session.key, how));
            }
        }
        if !sessions.contains_key(&session.key) {
            locked(&self.inner.changes).gone(session.key);
        }
    }

    /// A session came, went or looks different.
    pub(crate) fn changed(&self, key: Key) {
        let version = locked(&self.inner.changes).changed(key);
        // Two at once may come here in either order.
        self.inner.version.send_modify(|last| *last = version.max(*last));
    }

    /// Sessions of a project that changed after a version, `None` where anything may have, and the version of now.
    pub(crate) fn changed_since(&self, version: u64, project: i64) -> (Option<Vec<Key>>, u64) {
        let changes = locked(&self.inner.changes);
        (changes.since(version, project), changes.version())
    }

    /// Goes up with each session that comes, goes or changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    /// The sessions of a project that are known, in the order of their ids.
    pub(crate) fn keys(&self, project: i64) -> Vec<Key> {
        let sessions = locked(&self.inner.sessions);
        let mut keys: Vec<Key> = sessions.keys().filter(|key| key.project == project).copied().collect();
        keys.sort_unstable();
        keys
    }

    /// The sessions of a project that run, in the order of their ids: by when they began.
    pub fn sessions(&self, project: i64) -> Vec<LiveSession> {
        let all: Vec<Arc<Session>> = locked(&self.inner.sessions)
            .values()
            .filter(|session| session.key.project == project)
            .cloned()
            .collect();
        let mut live: Vec<LiveSession> = all.iter().filter_map(|session| session.live()).collect();
        live.sort_unstable_by_key(|session| session.key);
        live
    }

    /// A session, if it runs.
    pub fn live(&self, key: Key) -> Option<LiveSession> {
        self.known(key)?.live()
    }

    /// Follows a session from after a sequence on, which may run already or be expected back; `None`: from now on.
    pub fn subscribe(&self, key: Key, after: Option<u64>) -> Subscription {
        let is_from_now = after.is_none();
        let (session, (run, after)) = self.session_with(key, |session| {
            let has = session.counts().map(|counts| counts.last_sequence);
            // Nobody has more than there is; what came may be more than what was told.
            let came = session.followed.all().iter().map(|run| run.state().last_sequence).max();
            let there_is = has.map_or(u64::MAX, |has| has.max(came.unwrap_or(0)));
            let after = after.map_or(has.unwrap_or(0), |after| after.min(there_is));
            (session.followed.join(after, self.inner.limits.kept), after)
        });
        self.feed(&session);
        Subscription::new(self.clone(), session, run, after, is_from_now)
    }

    /// Tells a program to do something, and waits for its answer for at most ten seconds.
    ///
    /// Errors: why not, in words.
    pub async fn command(&self, key: Key, command: Command) -> Result<(), String> {
        let session = self.known(key).ok_or("the session does not run")?;
        let answer = session
            .ask(self.number(), command)
            .ok_or("the program is not connected, or has too much to do")?;
        match timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the program went away".to_owned()),
            Err(_) => Err("the program did not answer within ten seconds".to_owned()),
        }
    }

    /// Asks the agent for whatever is followed and has nobody who feeds it.
    pub(crate) fn feed(&self, session: &Arc<Session>) {
        if !session.has_agent() {
            return;
        }
        for run in session.followed.all() {
            let follow = self.number();
            if run.state().asks(follow) && !self.ask_for(session, &run, follow) {
                run.state().not_asked(follow);
            }
        }
    }

    /// The agent was asked and brought nothing: it is asked again, but not at once.
    pub(crate) fn feed_later(&self, session: &Arc<Session>, run: &Run) {
        let pause = run.state().brought_nothing();
        let (relay, session) = (self.clone(), Arc::clone(session));
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            relay.feed(&session);
        });
    }

    /// The agent will not do what that follow asked for.
    pub(crate) fn hindered(&self, session: &Arc<Session>, follow: u64) {
        let asked = session.followed.all().into_iter().find(|run| run.state().not_asked(follow));
        if let Some(run) = asked {
            self.feed_later(session, &run);
        }
    }

    fn ask_for(&self, session: &Arc<Session>, run: &Arc<Run>, follow: u64) -> bool {
        let mut key = [0; KEY_BYTES];
        if getrandom::fill(&mut key).is_err() {
            return false;
        }
        let expected = Expected { session: Arc::clone(session), run: Arc::clone(run), follow };
        locked(&self.inner.expected).insert(key, expected);
        let message =
            Message::Command { number: follow, command: Command::Follow { after: run.after(), key } };
        let is_sent = session.say(&message);
        if is_sent {
            self.watch_over(key);
        } else {
            locked(&self.inner.expected).remove(&key);
        }
        is_sent
    }

    /// A key that nobody uses in time is worth nothing, and the agent is asked again.
    fn watch_over(&self, key: [u8; KEY_BYTES]) {
        let relay = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GREET_WITHIN).await;
            let Some(late) = locked(&relay.inner.expected).remove(&key) else { return };
            if late.run.state().not_asked(late.follow) {
                // Where the agent is gone as well, followers are told that this was all.
                late.run.grown.notify_waiters();
                relay.feed_later(&late.session, &late.run);
            }
        });
    }

    /// What a data connection with that key is for.
    pub(crate) fn expected(&self, key: &[u8; KEY_BYTES]) -> Option<(Arc<Session>, Arc<Run>, u64)> {
        let expected = locked(&self.inner.expected).remove(key)?;
        Some((expected.session, expected.run, expected.follow))
    }

    /// A connection was closed before it came here: there was no room, or no TLS.
    pub fn turned_away(&self) {
        add(&self.inner.counters.refused, 1);
    }

    /// What is counted.
    pub fn counted(&self) -> Counted {
        self.inner.counters.now()
    }

    /// Records that programs have and that have not come, of the sessions that are followed.
    pub fn lag(&self) -> u64 {
        let sessions: Vec<Arc<Session>> = locked(&self.inner.sessions).values().cloned().collect();
        let lag_of = |session: &Arc<Session>| {
            let came = session.followed.all().iter().map(|run| run.after()).max()?;
            Some(session.last_sequence()?.saturating_sub(came))
        };
        sessions.iter().filter_map(lag_of).fold(0, u64::saturating_add)
    }

    /// Tells all agents to come back, each at a time of its own within `spread`, and ends all connections.
    /// Who comes then is refused, with a time as well.
    pub fn stop(&self, spread: Duration) {
        self.inner.spread_ms.store(spread.as_millis() as u64, Ordering::Relaxed);
        self.inner.stopping.send_replace(true);
    }

    /// Another time for everybody who is told to come back: evenly spread however many there are, by the golden ratio.
    pub(crate) fn come_back_ms(&self) -> u64 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let turn = self.inner.told.fetch_add(1, Ordering::Relaxed);
        let share = turn.wrapping_mul(GOLDEN);
        let spread_ms = self.inner.spread_ms.load(Ordering::Relaxed);
        ((u128::from(share) * u128::from(spread_ms)) >> 64) as u64
    }
}

/// Waits until the server is going to stop.
pub(crate) async fn stops(stopping: &mut watch::Receiver<bool>) {
    // The guard goes at once.
    drop(stopping.wait_for(|stops| *stops).await);
}

impl Inner {
    fn count(&self, ended: &Result<(), Ended>) {
        match ended {
            Err(Ended::Broken) => add(&self.counters.broken, 1),
            Err(Ended::Silent) => add(&self.counters.silent, 1),
            // Who is let go was counted as refused.
            Ok(()) | Err(Ended::Closed | Ended::LetGo) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_model::SessionId;

    use super::*;
    use crate::access::{Filter, Viewer};

    struct Nobody;

    impl Access for Nobody {
        fn agent(&self, _token: &str) -> Result<i64, Refusal> {
            Err(Refusal::Off)
        }

        fn viewer(&self, _token: &str) -> Result<Viewer, Refusal> {
            Err(Refusal::Off)
        }

        fn describe(&self, _session: &LiveSession) -> String {
            String::new()
        }

        fn filter(&self, _text: &str) -> Result<Filter, String> {
            Ok(Box::new(|_| true))
        }
    }

    fn empty() -> Relay {
        Relay::new(Nobody, Limits::default(), || Timestamp::from_unix_nanos(0))
    }

    const KEY: Key = Key { project: 1, session: SessionId::from_u128(1) };

    /// Two threads that come and go: whoever is there is found by others.
    #[test]
    fn a_session_is_not_forgotten_while_somebody_enters() {
        let relay = empty();
        let come_and_go = || {
            for _ in 0..20_000 {
                let _follower = relay.subscribe(KEY, Some(0));
                assert!(relay.known(KEY).is_some(), "it was forgotten");
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(come_and_go);
            scope.spawn(come_and_go);
        });
        assert!(relay.known(KEY).is_none());
    }

    #[test]
    fn only_the_session_that_is_known_is_forgotten() {
        let relay = empty();
        let (before, ()) = relay.session_with(KEY, |_| ());
        relay.forget_if_idle(&before);
        let (now, ()) = relay.session_with(KEY, |_| ());
        relay.forget_if_idle(&before);
        assert!(relay.known(KEY).is_some_and(|known| Arc::ptr_eq(&known, &now)));
    }
}
