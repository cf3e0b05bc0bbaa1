//! A line to a server with faults: cut, slow, answering itself, losing answers. The same seed gives the same faults to
//! the same connections, in the order they come in.
//!
//! ```text
//!  sender --- http://127.0.0.1:port --- FaultProxy --- upstream        one request a connection: each meets faults anew
//! ```
//!
//! [`FaultProxy::start`] reads heads of HTTP requests, so that it can answer in the server's place; it says
//! `connection: close` both ways. [`FaultProxy::raw`] carries bytes of any protocol and reads none.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::Random;

/// Longest head of a request; no sender's has a tenth.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Carried at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// Carried at a time where the line is slow or cut: fine enough for both.
const FINE_PIECE_BYTES: usize = 1024;
/// A body that stops coming for so long belongs to a sender that is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to connections; the default is nothing. Shares are of a hundred connections, drawn in this order: down, then
/// an answer, then a lost answer, then a cut; so at most one of them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Nobody is there: connections are closed at once.
    pub is_down: bool,
    /// Answers in the server's place, after the request was read to its end: status and share. HTTP only.
    pub answers: Vec<(u16, u64)>,
    /// `Retry-After` of those answers, in seconds, for 429 and 503.
    pub retry_after_seconds: Option<u64>,
    /// The server does it, and nobody is told: share.
    pub lost_answers: u64,
    /// The line is cut after so many bytes towards the server, heads included: share.
    pub cuts: u64,
    /// After how many bytes; a request that has fewer is not cut.
    pub cut_after_bytes: Option<RangeInclusive<u64>>,
    /// Before the first byte of each connection goes on, in both directions.
    pub delay: Duration,
    /// How much goes towards the server in a second, over each connection.
    pub bytes_per_second: Option<u64>,
}

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every connection is cut after so many bytes.
    pub fn cut_after(bytes: u64) -> Self {
        Self { cuts: 100, cut_after_bytes: Some(bytes..=bytes), ..Self::default() }
    }

    /// Every request is answered so.
    pub fn answer(status: u16) -> Self {
        Self { answers: vec![(status, 100)], ..Self::default() }
    }

    /// A bit of everything: of ten requests, some four go through unharmed.
    pub fn mixed() -> Self {
        Self {
            answers: vec![(503, 10), (500, 5)],
            retry_after_seconds: Some(0),
            lost_answers: 15,
            cuts: 30,
            cut_after_bytes: Some(1..=200_000),
            ..Self::default()
        }
    }
}

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that came.
    pub connections: u64,
    /// Of these, closed at once because of [`Faults::is_down`], or because the server was not there.
    pub refused: u64,
    /// Answered in the server's place, by status.
    pub answered: BTreeMap<u16, u64>,
    /// Answers of the server that nobody was told.
    pub lost_answers: u64,
    /// Lines that were cut.
    pub cuts: u64,
    /// Bytes that went to the server.
    pub bytes_up: u64,
    /// Bytes that came from it and went on.
    pub bytes_down: u64,
}

impl Counts {
    /// Connections that met a fault.
    pub fn faults(&self) -> u64 {
        self.refused + self.answered.values().sum::<u64>() + self.lost_answers + self.cuts
    }
}

/// A proxy on a free port of the loopback address, until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    is_http: bool,
    is_over: AtomicBool,
    state: Mutex<State>,
    /// Nothing goes on while this holds.
    is_stalled: Mutex<bool>,
    went_on: Condvar,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    random: Random,
    faults: Faults,
    counts: Counts,
    /// Both ends of the lines that were made.
    lines: Vec<TcpStream>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unharmed,
    Refused,
    Answered(u16, Option<u64>),
    AnswerLost,
    CutAfter(u64),
}

impl FaultProxy {
    /// For requests to that server, `127.0.0.1:PORT` or `http://127.0.0.1:PORT`.
    pub fn start(upstream: &str, seed: u64, faults: Faults) -> Self {
        Self::listen(upstream, seed, faults, true)
    }

    /// For any protocol: without [`Faults::answers`].
    pub fn raw(upstream: &str, seed: u64, faults: Faults) -> Self {
        Self::listen(upstream, seed, faults, false)
    }

    fn listen(upstream: &str, seed: u64, faults: Faults, is_http: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let state = State {
            upstream: address(upstream),
            random: Random::new(seed),
            faults,
            counts: Counts::default(),
            lines: Vec::new(),
        };
        let shared = Arc::new(Shared {
            is_http,
            is_over: AtomicBool::new(false),
            state: Mutex::new(state),
            is_stalled: Mutex::new(false),
            went_on: Condvar::new(),
        });
        let carried = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if carried.is_over.load(Ordering::Acquire) {
                    break;
                }
                // Drawn here, so that connections have the faults of the order they come in.
                let (fate, faults) = carried.draw();
                let carried = Arc::clone(&carried);
                // A line that breaks is what this is for.
                std::thread::spawn(move || carried.serve(client, fate, &faults));
            }
        });
        Self { port, shared }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Other faults, for connections from now on.
    pub fn set(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// The server is somewhere else now.
    pub fn set_upstream(&self, upstream: &str) {
        self.shared.state().upstream = address(upstream);
    }

    /// Every line that there is breaks now.
    pub fn cut_now(&self) {
        let mut state = self.shared.state();
        for line in state.lines.drain(..) {
            // It may be over already.
            let _ = line.shutdown(Shutdown::Both);
        }
        state.counts.cuts += 1;
    }

    /// From now on nothing goes on, in either direction of any line; or it does again.
    pub fn stall(&self, is_stalled: bool) {
        *self.shared.is_stalled.lock().expect("nobody panicked") = is_stalled;
        self.shared.went_on.notify_all();
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts.clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.stall(false);
        // It waits for a connection.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn address(upstream: &str) -> SocketAddr {
    let host = upstream.trim_start_matches("http://").trim_end_matches('/');
    host.to_socket_addrs().ok().and_then(|mut all| all.next()).expect("host and port of a server")
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    fn wait_while_stalled(&self) {
        let stalled = self.is_stalled.lock().expect("nobody panicked");
        drop(self.went_on.wait_while(stalled, |stalled| *stalled).expect("nobody panicked"));
    }

    fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.state().counts);
    }

    fn draw(&self) -> (Fate, Faults) {
        let mut state = self.state();
        state.counts.connections += 1;
        let faults = state.faults.clone();
        // Always as many draws, so that one fault more or less moves no others.
        let (mut dice, length) = (state.random.below(100), state.random.number());
        let mut falls = |share: u64| {
            let is = dice < share;
            dice = dice.saturating_sub(share);
            is
        };
        let answered = faults.answers.iter().find(|(_, share)| falls(*share)).map(|(status, _)| *status);
        let fate = if faults.is_down {
            Fate::Refused
        } else if let Some(status) = answered.filter(|_| self.is_http) {
            Fate::Answered(status, faults.retry_after_seconds.filter(|_| matches!(status, 429 | 503)))
        } else if falls(faults.lost_answers) {
            Fate::AnswerLost
        } else if falls(faults.cuts) {
            let range = faults.cut_after_bytes.clone().unwrap_or(0..=0);
            Fate::CutAfter(range.start() + length % (range.end() - range.start() + 1))
        } else {
            Fate::Unharmed
        };
        (fate, faults)
    }

    fn serve(&self, mut client: TcpStream, fate: Fate, faults: &Faults) {
        let _ = client.set_read_timeout(Some(PATIENCE));
        let upstream = self.state().upstream;
        match fate {
            Fate::Refused => self.count(|counts| counts.refused += 1),
            Fate::Answered(status, retry_after) => {
                if read_request(&mut client).is_ok() {
                    let _ = client.write_all(own_answer(status, retry_after).as_bytes());
                    self.count(|counts| *counts.answered.entry(status).or_default() += 1);
                }
            }
            _ => match TcpStream::connect(upstream) {
                Ok(server) => {
                    let ends = [&client, &server].map(|end| end.try_clone().ok());
                    self.state().lines.extend(ends.into_iter().flatten());
                    let _ = self.carry(client, server, fate, faults);
                }
                Err(_) => self.count(|counts| counts.refused += 1),
            },
        }
    }

    /// Carries both ways until either side is done, or the fault comes.
    fn carry(
        &self,
        mut client: TcpStream,
        mut server: TcpStream,
        fate: Fate,
        faults: &Faults,
    ) -> io::Result<()> {
        std::thread::sleep(faults.delay);
        let head = if self.is_http { closing(&read_head(&mut client)?) } else { Vec::new() };
        let mut limit = if let Fate::CutAfter(bytes) = fate { bytes } else { u64::MAX };
        std::thread::scope(|scope| {
            let back = (server.try_clone()?, client.try_clone()?);
            let down = scope.spawn(move || self.carry_back(back.0, back.1, fate, faults.delay));
            let up = self.carry_up(&head, &mut client, &mut server, &mut limit, faults);
            if limit == 0 {
                self.count(|counts| counts.cuts += 1);
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            } else {
                // The client has no more to say, or is gone; the server may answer all the same.
                let _ = server.shutdown(Shutdown::Write);
            }
            let _ = down.join();
            up
        })
    }

    fn carry_up(
        &self,
        head: &[u8],
        client: &mut TcpStream,
        server: &mut TcpStream,
        limit: &mut u64,
        faults: &Faults,
    ) -> io::Result<()> {
        let is_fine = *limit != u64::MAX || faults.bytes_per_second.is_some();
        let mut piece = vec![0; if is_fine { FINE_PIECE_BYTES } else { PIECE_BYTES }];
        let mut first = head;
        while *limit > 0 && !self.is_over.load(Ordering::Acquire) {
            let length = if first.is_empty() { client.read(&mut piece)? } else { first.read(&mut piece)? };
            if length == 0 {
                break;
            }
            self.wait_while_stalled();
            let sent = length.min(usize::try_from(*limit).unwrap_or(usize::MAX));
            server.write_all(&piece[..sent])?;
            *limit -= if *limit == u64::MAX { 0 } else { sent as u64 };
            self.count(|counts| counts.bytes_up += sent as u64);
            if let Some(rate) = faults.bytes_per_second {
                std::thread::sleep(Duration::from_secs_f64(sent as f64 / rate.max(1) as f64));
            }
        }
        Ok(())
    }

    fn carry_back(&self, mut server: TcpStream, mut client: TcpStream, fate: Fate, delay: Duration) {
        let mut piece = vec![0; PIECE_BYTES];
        let mut is_first = true;
        while let Ok(length @ 1..) = server.read(&mut piece) {
            self.wait_while_stalled();
            if fate == Fate::AnswerLost {
                if is_first {
                    self.count(|counts| counts.lost_answers += 1);
                }
                break;
            }
            if is_first {
                std::thread::sleep(delay);
            }
            is_first = false;
            self.count(|counts| counts.bytes_down += length as u64);
            if client.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        // Ends the other direction too, which may wait for a sender that waits for the answer.
        let _ = client.shutdown(Shutdown::Both);
    }
}

fn read_head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let length = client.read(&mut piece)?;
        if length == 0 || head.len() > HEAD_BYTES_MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&piece[..length]);
    }
    Ok(head)
}

/// The same with `connection: close` for whatever it said; what came behind the head stays.
fn closing(bytes: &[u8]) -> Vec<u8> {
    let end = head_end(bytes);
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head
        .trim_end()
        .split("\r\n")
        .filter(|line| !line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("connection:")));
    let mut closing = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        closing.push_str("\r\n");
        closing.push_str(line);
    }
    closing.push_str("\r\nconnection: close\r\n\r\n");
    [closing.as_bytes(), &bytes[end..]].concat()
}

fn head_end(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4)
}

/// Reads a request to its end: an answer before that would be lost with the connection.
fn read_request(client: &mut TcpStream) -> io::Result<()> {
    let mut bytes = read_head(client)?;
    let end = head_end(&bytes);
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let value = |name: &str| {
        head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let length = value("content-length").and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let is_chunked = value("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let mut left = length.saturating_sub((bytes.len() - end) as u64);
    let mut piece = [0; PIECE_BYTES];
    bytes.drain(..end);
    while left > 0 || (is_chunked && !bytes.ends_with(b"0\r\n\r\n")) {
        let length = client.read(&mut piece)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(length as u64);
        bytes.extend_from_slice(&piece[..length]);
        bytes.drain(..bytes.len().saturating_sub(5));
    }
    Ok(())
}

fn own_answer(status: u16, retry_after: Option<u64>) -> String {
    let retry = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    format!("HTTP/1.1 {status} Fault\r\n{retry}content-length: 0\r\nconnection: close\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, Body};

    /// Answers each request with the length of its body; each connection has one.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    read_request(&mut stream)
                        .and_then(|()| stream.write_all(own_answer(200, None).as_bytes()))
                });
            }
        });
        at
    }

    fn post(proxy: &FaultProxy, bytes: usize) -> Option<u16> {
        wire::request(&proxy.url(), "POST / HTTP/1.1", &Body::whole(&vec![b'x'; bytes])).status
    }

    #[test]
    fn each_fault_is_what_it_says_and_counted() {
        let proxy = FaultProxy::start(&echo(), 1, Faults::none());
        assert_eq!(post(&proxy, 100_000), Some(200));
        proxy.set(Faults { retry_after_seconds: Some(7), ..Faults::answer(503) });
        let body = vec![0; 50_000];
        let answer = wire::request(&proxy.url(), "POST / HTTP/1.1", &Body::whole(&body).chunked());
        assert!(answer.status == Some(503) && answer.text.contains("retry-after: 7"), "{answer:?}");
        proxy.set(Faults::cut_after(10_000));
        assert_eq!((post(&proxy, 50_000), post(&proxy, 100)), (None, Some(200)));
        proxy.set(Faults { lost_answers: 100, ..Faults::none() });
        assert_eq!(post(&proxy, 100), None);
        proxy.set(Faults { is_down: true, ..Faults::none() });
        assert_eq!(post(&proxy, 100), None);
        let counts = proxy.counts();
        assert_eq!((counts.connections, counts.cuts, counts.lost_answers, counts.refused), (6, 1, 1, 1));
        assert_eq!((counts.answered.get(&503), counts.faults()), (Some(&1), 4));
    }

    #[test]
    fn one_seed_gives_the_same_faults_again() {
        let statuses = |seed: u64| {
            let proxy = FaultProxy::start(&echo(), seed, Faults::mixed());
            (0..40).map(|_| post(&proxy, 30_000)).collect::<Vec<_>>()
        };
        let found = statuses(11);
        assert_eq!(found, statuses(11));
        assert_ne!(found, statuses(12));
        assert!(
            found.contains(&None) && found.contains(&Some(200)) && found.contains(&Some(503)),
            "{found:?}"
        );
    }

    #[test]
    fn a_raw_line_reads_nothing() {
        let proxy = FaultProxy::raw(&echo(), 1, Faults { delay: Duration::from_millis(1), ..Faults::none() });
        assert_eq!(post(&proxy, 1000), Some(200));
        assert!(proxy.counts().bytes_up > 1000);
    }
}
