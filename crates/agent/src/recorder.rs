//! The recorder of a process: from a call to the sink.
//!
//! ```text
//!   macro -> lease (this thread's ring) -> ring -> drainer (own thread) -> sink
//!              |  none free: a shared ring, locked
//!              |  too long for a ring, or no rings: spill file
//! ```
//!
//! There is one at a time in a process. What a call needs to know of it is a number, the *generation*, that changes
//! when a recorder starts, stops, or the process is forked; a thread whose lease is of another generation asks the
//! registry anew.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use kymo_model::Severity;

use crate::clock::{self, Timeline};
use crate::outcome::DropCounts;
use crate::sink::FrameSink;
use crate::spool::disk::Disk;
use crate::spool::{RING_BYTES, Spool, SpoolKind};

mod drainer;
mod lease;
mod registry;
mod shared;

use drainer::Drainer;
#[cfg(feature = "send")]
pub(crate) use lease::muted;
pub use lease::record;
pub(crate) use registry::GENERATION;
#[cfg(feature = "tracing")]
pub(crate) use registry::introduce;
pub(crate) use registry::set_filter;
pub use registry::stop_forked;
#[cfg(all(unix, feature = "signals"))]
pub(crate) use registry::watch_forks;
pub(crate) use shared::Shared;

/// Records that are less than a warning are framed after so long at the latest.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// While somebody follows: what people do not notice, and at a hundred messages a second two to a block.
#[cfg(feature = "live")]
const FOLLOWED_FLUSH_EVERY: Duration = Duration::from_millis(15);

/// What to do when a ring is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullPolicy {
    /// Wait for the drainer, so that nothing is lost. Where it does not get on for two seconds the call goes on
    /// without, and so do all until it does; these are counted.
    Block,
    /// Go on without, and count it.
    Drop,
}

/// What a process does that was forked off one that records.
#[derive(Clone)]
pub enum AfterFork {
    /// Records nothing.
    Mute,
    /// Starts a recorder of its own at its first message: of this, called in the child then.
    Start(Arc<dyn Fn() -> (Config, Box<dyn FrameSink>) + Send + Sync>),
    /// Does this at its first message, which may start a recorder.
    Run(Arc<dyn Fn() + Send + Sync>),
}

impl std::fmt::Debug for AfterFork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mute => "Mute",
            Self::Start(_) => "Start(..)",
            Self::Run(_) => "Run(..)",
        })
    }
}

/// How to record.
#[derive(Clone, Debug)]
pub struct Config {
    /// The spool's file, which must not exist, in a folder that does; its ending has to be `.spool`.
    pub spool: PathBuf,
    /// The session's id, kept in the spool for recovery.
    pub session: u128,
    /// Below this nothing is recorded.
    pub severity_min: Severity,
    /// What to do when a ring is full.
    pub full: FullPolicy,
    /// What a forked process does.
    pub after_fork: AfterFork,
    /// Bytes of a ring: a power of two, at least 4096.
    pub ring_bytes: usize,
    /// Sequence of the first record.
    pub first_sequence: u64,
    /// Longest time from a call to its frame.
    pub flush_every: Duration,
    pub(crate) disk: Disk,
}

impl Config {
    /// The usual: everything from [`Severity::INFO`] on, blocking, rings of 256 KiB, a frame at least every 2 s.
    pub fn new(spool: impl Into<PathBuf>) -> Self {
        Self {
            spool: spool.into(),
            session: 0,
            severity_min: Severity::INFO,
            full: FullPolicy::Block,
            after_fork: AfterFork::Mute,
            ring_bytes: RING_BYTES,
            first_sequence: 1,
            flush_every: FLUSH_EVERY,
            disk: Disk::SYSTEM,
        }
    }
}

/// How it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What records go through.
    pub spool: SpoolKind,
    /// Why that is not [`SpoolKind::Mapped`], if it is not.
    pub degraded: Option<String>,
    /// Records that the sink wrote.
    pub framed: u64,
    /// Messages that were not recorded.
    pub dropped: DropCounts,
    /// What the sink or the disk said last when it failed.
    pub last_error: Option<String>,
    /// Records are stamped by the processor's counter rather than the system's clock.
    pub counter: bool,
}

/// The recorder of this process. Dropping it is [`Recorder::stop`]; leaking it costs nothing but the last flush, which
/// recovery makes up for.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts recording. Takes a fraction of a millisecond: the spool is made, and a thread started. Where the disk
    /// refuses, it records all the same, as [`Status::spool`] says.
    ///
    /// Errors: `AlreadyExists` when this process has a recorder; what starting a thread or allotting memory says.
    pub fn start(config: Config, sink: Box<dyn FrameSink>) -> io::Result<Self> {
        if !config.ring_bytes.is_power_of_two() || config.ring_bytes < 4096 {
            let text =
                format!("expected rings of a power of two from 4096 bytes, found {}", config.ring_bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        registry::install(|generation| {
            clock::choose();
            let spool = Spool::create(&config.spool, config.session, config.ring_bytes, config.disk)?;
            let timeline = Timeline::start();
            let shared = Arc::new(Shared::new(generation, spool, &config));
            let drainer = Drainer::new(Arc::clone(&shared), sink, timeline, &config);
            let thread = std::thread::Builder::new().name("kymo".into()).spawn(move || drainer.run())?;
            shared.wake.set_thread(thread.thread().clone());
            let active = (Arc::clone(&shared), config.after_fork, config.severity_min);
            Ok((Self { shared, thread: Some(thread) }, active))
        })
    }

    /// Has everything that was recorded before framed, and waits for it. False if the sink failed or did not get on;
    /// then it is still in the spool.
    pub fn flush(&self) -> bool {
        self.shared.flush()
    }

    /// What outlives it, for who asks from elsewhere.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// How it goes.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Stops: what was recorded is framed, the spool removed. Calls that go on meanwhile are not recorded. If the
    /// sink fails the spool stays, and is recovered at the next start.
    pub fn stop(mut self) -> Status {
        self.end();
        self.status()
    }

    /// Stops, and waits no longer than a call does. True if everything is framed and the spool is gone.
    pub(crate) fn stop_within(mut self) -> bool {
        if let Some(thread) = &self.thread
            && self.is_of_this_process()
        {
            registry::uninstall();
            self.shared.stopping.store(true, Ordering::Release);
            thread.thread().unpark();
            if !self.shared.wait_for_end() {
                // The disk does not answer. The thread goes on by itself; what it does not get done is recovered.
                drop(self.thread.take());
                return false;
            }
        }
        self.end();
        self.shared.is_whole()
    }

    /// After a fork the child has a copy of this that stands for nothing: the parent's goes on.
    fn is_of_this_process(&self) -> bool {
        self.shared.generation == GENERATION.load(Ordering::Acquire)
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if !self.is_of_this_process() {
            // The thread is the parent's; there is none to wait for, and none to detach.
            std::mem::forget(thread);
            std::mem::forget(Arc::clone(&self.shared));
            return;
        }
        if !self.shared.stopping.swap(true, Ordering::AcqRel) {
            registry::uninstall();
        }
        thread.thread().unpark();
        // It panics only by a sink that does, and says so in the status.
        drop(thread.join());
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
pub(crate) mod tests;
