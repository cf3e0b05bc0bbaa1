//! Beginning a session.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kymo_format::Header;
use kymo_model::{SessionId, SessionKind, Severity, Timestamp};

use super::builder::Builder;
use super::event::Event;
use super::file::{Rolling, SessionFile};
use super::keeper::Keeper;
use super::progress::Progress;
use super::{AGENT, Running, Session, current, end, fork, panic, resource};
use crate::clock;
use crate::inputs::config;
use crate::inputs::filter::{self, Filter};
use crate::recorder::{AfterFork, Config, Recorder};
use crate::repository::names::FileName;
use crate::repository::{self, Summary};

impl Builder {
    /// Begins the session of this process. Takes about a millisecond: a folder is looked up, three files are made, two
    /// threads started; what earlier processes left is recovered in the background.
    ///
    /// It never fails the program. Where no folder can be written, nothing is recorded and [`Session::refused`] says
    /// why; where only the spool cannot be mapped, records take a slower way, as [`crate::status`] says. If there is a
    /// session already, the result stands for that one.
    ///
    /// `kymo.toml` and the environment go over what the builder says, unless it is told otherwise
    /// ([`configured`](Self::configured)). What is wrong there is left as the program said, and told by a warning of
    /// the session.
    pub fn start(self) -> Session {
        let (settings, mut wrong) =
            if self.configured { config::configured(self) } else { (self, Vec::new()) };
        #[cfg(feature = "send")]
        let settings = settings.with_token(&mut wrong);
        let mut current = current();
        if let Some(running) = &*current {
            return Session { running: Some(Arc::clone(running)), refused: None };
        }
        if !settings.enabled {
            return Session { running: None, refused: Some("it is switched off".to_owned()) };
        }
        let filter = filter_of(&settings, &mut wrong);
        match begin(settings, &filter, None, wrong.clone()) {
            Ok(running) => {
                *current = Some(Arc::clone(&running));
                drop(current);
                // Without the lock: other layers of `tracing` are asked, who may ask us.
                filter::apply(&filter);
                for text in wrong {
                    Event::new(Severity::WARN, text).category("kymo.configuration").record();
                }
                Session { running: Some(running), refused: None }
            }
            Err(error) => Session { running: None, refused: Some(error.to_string()) },
        }
    }
}

/// What the settings say. A filter that is none is told.
fn filter_of(settings: &Builder, wrong: &mut Vec<String>) -> Arc<Filter> {
    let said = settings.filter.as_deref().map(Filter::parse);
    let filter = match said {
        Some(Ok(filter)) => filter,
        Some(Err(error)) => {
            wrong.push(error.to_string());
            Filter::at_least(settings.severity_min)
        }
        None => Filter::at_least(settings.severity_min),
    };
    Arc::new(filter)
}

/// In a forked process, at its first message: a session of its own after that of its parent.
pub(super) fn start_in_child(settings: Builder, previous: SessionId) {
    // Who forks within the lock's reach has it already; then there is no session for this message.
    let Ok(mut current) = super::CURRENT.try_lock() else { return };
    if current.is_none() {
        // What was said last in the parent; its tellers, other layers of `tracing`, have it from there.
        let filter = filter::inherited().unwrap_or_else(|| filter_of(&settings, &mut Vec::new()));
        *current = begin(settings, &filter, Some(previous), Vec::new()).ok();
    }
}

fn begin(
    settings: Builder,
    filter: &Arc<Filter>,
    previous: Option<SessionId>,
    mut notes: Vec<String>,
) -> io::Result<Arc<Running>> {
    let roots = repository::roots(settings.repository.as_deref());
    let (folder, refused) = repository::folder(&roots, &settings.product, &settings.application)?;
    let started_at = clock::now();
    let session = new_id(started_at);
    let stem = FileName::new(session, started_at);
    let header = header(&settings, session, previous, started_at);
    let summary = summary(&settings, &header);
    let progress = Arc::new(Progress::default());
    let file = make_file(&folder, &stem, &header, &settings, &progress)?;
    #[cfg(feature = "send")]
    let policy = crate::sending::policy::Policy::new(&settings.send);
    #[cfg(feature = "send")]
    let file = file.with_alerts(policy.queue());
    summary.write(&folder.join(stem.summary()))?;
    let recorder = Recorder::start(recorder_config(&settings, &folder, &stem, session), Box::new(file))?;
    crate::recorder::set_filter(filter);
    notes.extend(refused);
    notes.extend(recorder.status().degraded);
    if settings.panic_hook {
        panic::install();
    }
    end::at_exit();
    let running = Arc::new(Running {
        session,
        folder,
        stem,
        settings,
        progress,
        shared: recorder.shared(),
        recorder: Mutex::new(Some(recorder)),
        summary: Mutex::new(summary),
        keeper: Mutex::new(None),
        #[cfg(feature = "send")]
        sender: Mutex::new(None),
        #[cfg(feature = "live")]
        live: Mutex::new(None),
        notes,
        #[cfg(feature = "send")]
        policy,
    });
    #[cfg(feature = "send")]
    crate::sending::policy::Policy::start(&running);
    match Keeper::start(&running) {
        Ok(keeper) => {
            *running.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(keeper);
        }
        Err(error) => running.progress.failed(&error),
    }
    #[cfg(feature = "send")]
    if running.settings.send.server.is_some() {
        match crate::sending::Engine::start(&running) {
            Ok(sender) => *running.sender() = Some(sender),
            Err(error) => running.progress.failed(&error),
        }
    }
    #[cfg(feature = "live")]
    if running.settings.send.live && running.settings.send.server.is_some() {
        match crate::live::Engine::start(&running) {
            Ok(live) => *running.live() = Some(live),
            Err(error) => running.progress.failed(&error),
        }
    }
    Ok(running)
}

fn recorder_config(settings: &Builder, folder: &Path, stem: &FileName, session: SessionId) -> Config {
    let mut config = Config::new(folder.join(stem.spool()));
    config.session = session.as_u128();
    config.severity_min = settings.severity_min;
    config.full = settings.full;
    config.ring_bytes = settings.ring_bytes;
    config.flush_every = settings.flush_every;
    config.after_fork = if settings.children { fork::begin_anew(settings, session) } else { AfterFork::Mute };
    config
}

/// The first fragment. A full disk gets room once, by what is too much in the folder.
fn make_file(
    folder: &Path,
    stem: &FileName,
    header: &Header,
    settings: &Builder,
    progress: &Arc<Progress>,
) -> io::Result<SessionFile> {
    let rolling = Rolling {
        bytes_max: settings.fragment_bytes_max,
        age_max_ns: i64::try_from(settings.fragment_age_max.as_nanos()).unwrap_or(i64::MAX),
    };
    let create = || {
        SessionFile::create(
            PathBuf::from(folder),
            stem.clone(),
            header.clone(),
            rolling,
            Arc::clone(progress),
        )
    };
    create().or_else(|error| {
        if error.kind() != io::ErrorKind::StorageFull {
            return Err(error);
        }
        // Half a file may be there.
        let _ = std::fs::remove_file(folder.join(stem.fragment(1)));
        repository::prune(folder, &settings.retention, header.started_at, &|| false)?;
        create()
    })
}

fn header(
    settings: &Builder,
    session: SessionId,
    previous: Option<SessionId>,
    started_at: Timestamp,
) -> Header {
    Header {
        session,
        fragment: 1,
        first_sequence: 1,
        started_at,
        opened_at: started_at,
        kind: SessionKind::Process,
        previous,
        agent: AGENT.to_owned(),
        resource: resource::of(settings),
    }
}

fn summary(settings: &Builder, header: &Header) -> Summary {
    let text = |name: &str| header.resource.get(name).and_then(|value| value.as_text()).map(str::to_owned);
    Summary {
        id: header.session.to_string(),
        product: settings.product.clone(),
        application: settings.application.clone(),
        version: settings.version.clone(),
        user: text("user.id"),
        host: text("host.name"),
        pid: std::process::id(),
        started_at: header.started_at.to_string(),
        last_at: header.started_at.to_string(),
        state: "running".to_owned(),
        previous_id: header.previous.map(|previous| previous.to_string()),
        fragments: 1,
        ..Summary::default()
    }
}

/// An id in the shape of a `UUIDv8` (ADR 0003): milliseconds, then 74 bits that no other process of any machine has by
/// anything but chance. The standard library's hash seeds are the system's random numbers.
pub(crate) fn new_id(started_at: Timestamp) -> SessionId {
    use std::hash::{BuildHasher, Hasher};
    let random = |salt: u64| {
        let mut hasher = std::hash::RandomState::new().build_hasher();
        hasher.write_u64(salt);
        hasher.write_u32(std::process::id());
        hasher.write_i64(started_at.as_unix_nanos());
        hasher.finish()
    };
    let millis = started_at.as_unix_millis() as u128 & ((1 << 48) - 1);
    let (high, low) = (u128::from(random(1)) & 0xfff, u128::from(random(2)) & ((1 << 62) - 1));
    SessionId::from_u128(millis << 80 | 8 << 76 | high << 64 | 0b10 << 62 | low)
}
