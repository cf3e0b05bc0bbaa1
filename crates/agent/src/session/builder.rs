//! How a session is to be recorded, said by the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_model::Severity;

use crate::inputs::Rhythm;
use crate::recorder::FullPolicy;
use crate::repository::Retention;

#[cfg(feature = "send")]
mod sending;

/// Fragments are closed at this size: what a slow line sends in a minute or two.
const FRAGMENT_BYTES_MAX: u64 = 20 << 20;
/// And at this age.
const FRAGMENT_AGE_MAX: Duration = Duration::from_hours(24);

/// How often the process and its machine are measured: enough to see what grows, ten values at a time.
const SYSTEM_EVERY: Duration = Duration::from_mins(1);
/// How often what the program counts is written.
const METRICS_EVERY: Duration = Duration::from_secs(15);

/// Half of what servers wait at least before they call a session over.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);

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
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own that people set")]
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
    pub(super) enabled: bool,
    pub(super) filter: Option<String>,
    pub(super) configured: bool,
    pub(super) config_file: Option<PathBuf>,
    pub(super) system_every: Duration,
    pub(super) metrics_every: Duration,
    pub(super) heartbeat_every: Duration,
    #[cfg(feature = "send")]
    pub(super) send: crate::sending::SendSettings,
    #[cfg(feature = "send")]
    pub(super) token_file: Option<PathBuf>,
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
        enabled: true,
        filter: None,
        configured: true,
        config_file: None,
        system_every: SYSTEM_EVERY,
        metrics_every: METRICS_EVERY,
        heartbeat_every: HEARTBEAT_EVERY,
        #[cfg(feature = "send")]
        send: crate::sending::SendSettings::default(),
        #[cfg(feature = "send")]
        token_file: None,
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

    /// What is recorded, by level and target, instead of [`severity_min`](Self::severity_min): see
    /// [`set_filter`](crate::set_filter). One that is wrong is told in the status and left aside.
    #[must_use]
    pub fn filter(mut self, directives: &str) -> Self {
        self.filter = Some(directives.to_owned());
        self
    }

    /// Whether anything is recorded. At first it is; people switch it off in the configuration.
    #[must_use]
    pub fn enabled(mut self, is_enabled: bool) -> Self {
        self.enabled = is_enabled;
        self
    }

    /// Whether `kymo.toml` and the environment (`KYMO__AGENT__…`) go over what is said here. At first they do.
    #[must_use]
    pub fn configured(mut self, is_configured: bool) -> Self {
        self.configured = is_configured;
        self
    }

    /// The configuration file, instead of the one that `KYMO_CONFIG` names or `kymo.toml` beside the program.
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// How often the process and its machine are measured. At first every minute; zero: never.
    #[must_use]
    pub fn system_metrics(mut self, every: Duration) -> Self {
        self.system_every = every;
        self
    }

    /// How often what the crate `metrics` counts is written, in steps of 2 s. At first every 15 s.
    #[must_use]
    pub fn metrics_every(mut self, time: Duration) -> Self {
        self.metrics_every = time;
        self
    }

    /// How often [sessions of users](crate::user_session) say that they live, in steps of 2 s. At first every 30 s;
    /// zero: never.
    #[must_use]
    pub fn heartbeats(mut self, every: Duration) -> Self {
        self.heartbeat_every = every;
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

    pub(crate) fn said_config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }

    pub(super) fn rhythm(&self) -> Rhythm {
        Rhythm { heartbeats: self.heartbeat_every, metrics: self.metrics_every, system: self.system_every }
    }

    pub(crate) fn fragment_bytes_max(mut self, bytes: u64) -> Self {
        self.fragment_bytes_max = bytes;
        self
    }

    pub(crate) fn fragment_age_max(mut self, time: Duration) -> Self {
        self.fragment_age_max = time;
        self
    }

    pub(crate) fn change_retention(mut self, change: impl FnOnce(&mut Retention)) -> Self {
        change(&mut self.retention);
        self
    }
}
