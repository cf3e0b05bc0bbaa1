//! A data connection: bytes of the session file to whoever follows it, as fast as they take them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_format::MAGIC;
use kymo_format::live::Role;

use super::engine::{Shared, locked};
use super::found::Door;
use super::link::Link;
use super::tail::{Files, Tail};
use crate::recorder::muted;

/// A line that does not take a piece in that long is none: it is asked for again.
const STALLED_AFTER: Duration = Duration::from_mins(1);
/// A piece: the most of a TLS record. Lines of less than 300 bytes a second are none.
const PIECE_BYTES: usize = 16 * 1024;
/// After a failure of its own disk: whoever asks again at once finds the same.
const FAILED_WAIT: Duration = Duration::from_secs(1);

/// A thread that sends data.
#[derive(Debug)]
pub(super) struct Follow {
    stops: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Follow {
    /// Starts it. Errors: what starting a thread says.
    pub(super) fn start(
        shared: &Arc<Shared>,
        door: &Door,
        files: Files,
        after: u64,
        key: [u8; 16],
    ) -> io::Result<Self> {
        let stops = Arc::new(AtomicBool::new(false));
        let lease = shared.begun.fetch_add(1, Ordering::Relaxed);
        let data = Data {
            shared: Arc::clone(shared),
            door: door.clone(),
            stops: Arc::clone(&stops),
            lease,
            looked_at: Instant::now(),
        };
        shared.follows.fetch_add(1, Ordering::AcqRel);
        let spawned = std::thread::Builder::new().name("kymo-follow".into()).spawn(move || {
            let mut data = data;
            let shared = Arc::clone(&data.shared);
            let sends = std::panic::AssertUnwindSafe(|| muted(|| data.run(files, after, key)));
            match std::panic::catch_unwind(sends) {
                Ok(Ok(())) => {}
                Ok(Err(_)) if data.is_over() => {}
                Ok(Err(error)) => shared.failed(&format!("a data connection: {error}")),
                Err(_) => shared.failed("expected no panic of a data connection, found one"),
            }
            shared.leases.end(lease);
            shared.follow_over();
        });
        match spawned {
            Ok(thread) => Ok(Self { stops, thread }),
            Err(error) => {
                shared.follow_over();
                Err(error)
            }
        }
    }

    /// Has it end. It looks when [`Progress::look_again`](crate::session::progress::Progress::look_again) says so.
    pub(super) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

struct Data {
    shared: Arc<Shared>,
    door: Door,
    stops: Arc<AtomicBool>,
    /// Its lease. The server's numbers begin anew with each start of the server, while this may still run.
    lease: u64,
    /// When it was last asked whether anything may leave.
    looked_at: Instant,
}

/// The recorder is quick while this lives.
struct Quick<'a>(&'a Shared);

impl<'a> Quick<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.running.shared.follow();
        Self(shared)
    }
}

impl Drop for Quick<'_> {
    fn drop(&mut self) {
        self.0.running.shared.unfollow();
    }
}

impl Data {
    /// Nobody follows any more, or nothing may leave.
    fn is_over(&self) -> bool {
        self.stops.load(Ordering::Acquire) || self.shared.stops()
    }

    /// An error when it is over, also because nothing may leave any more.
    fn look(&mut self) -> io::Result<()> {
        if self.looked_at.elapsed() >= self.shared.timing.look_every {
            self.looked_at = Instant::now();
            if !self.shared.is_allowed(&self.shared.running.send_settings()) {
                self.stops.store(true, Ordering::Release);
            }
        }
        if self.is_over() { Err(io::Error::other("nobody follows any more")) } else { Ok(()) }
    }

    fn run(&mut self, files: Files, after: u64, key: [u8; 16]) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let door = self.door.clone();
        let mut link = Link::connect(&door, &shared.lines, &mut || self.look())?;
        link.greet(Role::Data, "", Some(key), &mut || self.look())?;
        let _quick = Quick::new(&shared);
        let sent = self.send(&mut link, files, after);
        // It may be another that saw the no, and had this one stop.
        if !shared.is_allowed(&shared.running.send_settings()) {
            link.abort();
            return sent;
        }
        link.end();
        if shared.ends() && !self.is_over() {
            link.linger(Instant::now() + shared.timing.end_within);
        }
        sent
    }

    fn send(&mut self, link: &mut Link, files: Files, after: u64) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let progress = &shared.running.progress;
        let mut reached = progress.now();
        let opened = Tail::open(files, after, &reached);
        let mut tail = opened.inspect_err(|_| std::thread::sleep(FAILED_WAIT))?;
        shared.leases.begin(self.lease, tail.fragment());
        let (mut fragment, mut damaged) = (tail.fragment(), 0);
        let mut out = MAGIC.to_vec();
        loop {
            self.look()?;
            // Asked before it is read: what ends afterwards is read the next time.
            let ends = shared.ends();
            reached = if ends { progress.now() } else { reached };
            tail.read(&reached, &mut out).inspect_err(|_| std::thread::sleep(FAILED_WAIT))?;
            if out.is_empty() {
                let now = progress.now();
                if now == reached {
                    if ends {
                        return Ok(());
                    }
                    let look_every = shared.timing.look_every;
                    let is_told = || self.is_over() || shared.ends();
                    reached = progress.wait_beyond(&reached, look_every, &is_told);
                    if reached == now && link.is_closed() {
                        return Ok(());
                    }
                } else {
                    reached = now;
                }
                continue;
            }
            self.write(link, &out)?;
            let mut status = locked(&shared.status);
            status.bytes_sent += out.len() as u64;
            status.damaged += tail.damaged() - damaged;
            drop(status);
            damaged = tail.damaged();
            out.clear();
            if tail.fragment() != fragment {
                fragment = tail.fragment();
                shared.leases.begin(self.lease, fragment);
            }
        }
    }

    fn write(&mut self, link: &mut Link, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE_BYTES) {
            let until = Instant::now() + STALLED_AFTER;
            link.write(piece, &mut || {
                self.look()?;
                if Instant::now() > until { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
            })?;
        }
        Ok(())
    }
}
