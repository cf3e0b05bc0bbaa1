//! How a session is to be recorded, said by the program.

use std::path::PathBuf;
use std::time::Duration;

use kymo_model::Severity;

use crate::recorder::FullPolicy;
use crate::repository::Retention;

/// Fragments are closed at this size: what a slow line sends in a minute or two.
const FRAGMENT_BYTES_MAX: u64 = 20 << 20;
/// And at this age.
const FRAGMENT_AGE_MAX: Duration = Duration::from_hours(24);

/// Whose session it is when nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Users {
    /// Of the user of the operating system: a program at somebody's desk.
    #[default]
    System,
    /// Of nobody: a program that serves many. Messages and user sessions say for whom they are.
    Many,
    /// Nothing that points to a person or their machine is recorded by itself: neither user nor host nor command line.
    Anonymous,
}

/// How to record; [`Builder::start`] begins.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) product: String,
    pub(super) application: String,
    pub(super) version: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) properties: Vec<(String, String)>,
    pub(super) repository: Option<PathBuf>,
    pub(super) severity_min: Severity,
    pub(super) full: FullPolicy,
    pub(super) ring_bytes: usize,
    pub(super) fragment_bytes_max: u64,
    pub(super) fragment_age_max: Duration,
    pub(super) retention: Retention,
    pub(super) users: Users,
    pub(super) command_line: bool,
    pub(super) panic_hook: bool,
    pub(super) children: bool,
    pub(super) flush_every: Duration,
}

/// Says how to record the sessions of an application of a product: both names stay the same from version to version.
pub fn builder(product: &str, application: &str) -> Builder {
    Builder {
        product: product.to_owned(),
        application: application.to_owned(),
        version: None,
        environment: None,
        properties: Vec::new(),
        repository: None,
        severity_min: Severity::INFO,
        full: FullPolicy::Block,
        ring_bytes: crate::spool::RING_BYTES,
        fragment_bytes_max: FRAGMENT_BYTES_MAX,
        fragment_age_max: FRAGMENT_AGE_MAX,
        retention: Retention::default(),
        users: Users::System,
        command_line: true,
        panic_hook: true,
        children: true,
        flush_every: crate::recorder::FLUSH_EVERY,
    }
}

impl Builder {
    /// The application's version: usually `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// Where it runs: `production`, `staging`.
    #[must_use]
    pub fn environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    /// Whatever else there is to say of the session: a customer's number, a feature that is switched on.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The root of the repository, instead of what [`crate::repository_roots`] says.
    #[must_use]
    pub fn repository(mut self, root: impl Into<PathBuf>) -> Self {
        self.repository = Some(root.into());
        self
    }

    /// Below this nothing is recorded. At first [`Severity::INFO`].
    #[must_use]
    pub fn severity_min(mut self, severity: Severity) -> Self {
        self.severity_min = severity;
        self
    }

    /// What a call does when the disk does not keep up. At first it waits.
    #[must_use]
    pub fn when_full(mut self, policy: FullPolicy) -> Self {
        self.full = policy;
        self
    }

    /// Bytes of a ring, of which there are 16: a power of two, at least 4096. At first 256 KiB.
    #[must_use]
    pub fn ring_bytes(mut self, bytes: usize) -> Self {
        self.ring_bytes = bytes;
        self
    }

    /// A fragment of the file is closed when it is that large or that old. At first 20 MiB and a day.
    #[must_use]
    pub fn fragments(mut self, bytes_max: u64, age_max: Duration) -> Self {
        (self.fragment_bytes_max, self.fragment_age_max) = (bytes_max, age_max);
        self
    }

    /// How much the application's folder may hold.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Whose session it is.
    #[must_use]
    pub fn users(mut self, users: Users) -> Self {
        self.users = users;
        self
    }

    /// Whether the command line is kept, with values that look like secrets masked. At first it is.
    #[must_use]
    pub fn command_line(mut self, is_kept: bool) -> Self {
        self.command_line = is_kept;
        self
    }

    /// Whether panics are recorded, before the hook there was before is called. At first they are.
    #[must_use]
    pub fn panic_hook(mut self, is_set: bool) -> Self {
        self.panic_hook = is_set;
        self
    }

    /// Whether a forked process begins a session of its own with its first message. At first it does.
    #[must_use]
    pub fn children(mut self, record: bool) -> Self {
        self.children = record;
        self
    }

    /// Longest time from a call to the file; what a loss of power can cost. At first 2 s.
    #[must_use]
    pub fn flush_every(mut self, time: Duration) -> Self {
        self.flush_every = time;
        self
    }
}
