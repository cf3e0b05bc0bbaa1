//! Connections that send what their authors write, each request again until it is answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kymo_testkit::{Kymo, Random};

use super::calls::Calls;
use super::events::Events;
use super::request::{Request, Sent, agent};
use super::tabs::Browser;

/// A request that is not answered for this long never will be.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// 2026-01-01: long ago, so that every session without an end times out, whenever this runs.
pub(super) const BEGIN_MILLIS: i64 = 1_767_225_600_000;

/// Writes one connection's requests, an endless row that only the seed decides. Users, ids and tabs
/// are the connection's own, so that the order of arrival within a session does not depend on the
/// other connections.
pub(super) trait Author: Send {
    fn next(&mut self) -> Sent;

    /// What remains to be said when nothing new is to come.
    fn last(&mut self) -> Vec<Sent> {
        Vec::new()
    }
}

/// Of eight connections three post batches, two of them with calls between, and three pages.
fn author(connection: u64, random: Random) -> Box<dyn Author> {
    match connection % 8 {
        0..3 => Box::new(Events::new(connection, random)),
        3..5 => Box::new(Calls::new(connection, random)),
        _ => Box::new(Browser::new(connection, random)),
    }
}

/// Connections that post until told to finish.
pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Vec<Sent>>>,
}

#[derive(Default)]
struct Shared {
    /// Where the server is, while it runs.
    url: Mutex<Option<String>>,
    answered: AtomicU64,
    finish: AtomicBool,
}

impl Load {
    pub(super) fn start(seed: u64, connections: u64, token: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..connections)
            .map(|connection| {
                let (shared, token) = (Arc::clone(&shared), token.to_owned());
                let random = Random::new(seed ^ (connection + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                std::thread::spawn(move || shared.send_until_finished(connection, random, &token))
            })
            .collect();
        Self { shared, threads }
    }

    pub(super) fn server_is_at(&self, url: &str) {
        *self.shared.url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }

    pub(super) fn server_is_gone(&self) {
        *self.shared.url.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits for that many answers from now on, but not for ever.
    pub(super) fn wait_for_answers(&self, count: u64, at_most: Duration) {
        let (started, before) = (Instant::now(), self.shared.answered.load(Ordering::SeqCst));
        while self.shared.answered.load(Ordering::SeqCst) < before + count && started.elapsed() < at_most {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Every request begun is answered; returns what each connection sent.
    pub(super) fn finish(self) -> Vec<Vec<Sent>> {
        self.shared.finish.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().expect("a connection's thread")).collect()
    }
}

impl Shared {
    fn send_until_finished(&self, connection: u64, mut random: Random, token: &str) -> Vec<Sent> {
        let agent = agent();
        let mut author = author(connection, Random::new(random.number()));
        let mut sent = Vec::new();
        while !self.finish.load(Ordering::SeqCst) {
            sent.push(self.send(&agent, token, author.next()));
            self.answered.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(random.below(20)));
        }
        sent.extend(author.last().into_iter().map(|last| self.send(&agent, token, last)));
        sent
    }

    /// Sends again until it is answered.
    fn send(&self, agent: &ureq::Agent, token: &str, mut sent: Sent) -> Sent {
        let started = Instant::now();
        sent.at = Timestamp::now();
        loop {
            let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match url.map(|url| sent.request.send(agent, &url, token)) {
                Some(Ok(status)) if status == sent.request.answer() => return sent,
                // A page would delete what it sent.
                Some(Ok(503)) if !matches!(sent.request, Request::Post { .. }) => {}
                Some(Ok(status)) => panic!("answered {status}"),
                _ => {}
            }
            assert!(started.elapsed() < ANSWER_WITHIN, "no answer");
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

/// The same requests in the same order per connection, each once, to a server that nobody kills.
pub(super) fn quiet(kymo: &Kymo, sent: &[Vec<Sent>]) {
    std::thread::scope(|scope| {
        for requests in sent {
            scope.spawn(move || {
                let agent = agent();
                for Sent { request, .. } in requests.iter().filter(|sent| !sent.is_repeat) {
                    let answer = request.send(&agent, kymo.url(), &kymo.ingest_token);
                    assert_eq!(answer, Ok(request.answer()));
                }
            });
        }
    });
}
