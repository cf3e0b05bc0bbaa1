//! What a process has once: its callsites, the recorder of now, and what becomes of them in a fork.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use kymo_model::Severity;

use super::shared::Shared;
use super::{AfterFork, Recorder, lease};
use crate::callsite::Callsite;
use crate::inputs::filter::Filter;
use crate::outcome::DropReason;
use crate::session;

/// Changes when a recorder starts or stops, and in a child after a fork. A lease of another generation is void.
pub(crate) static GENERATION: AtomicU64 = AtomicU64::new(0);

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { callsites: Vec::new(), active: None, after_fork: None, child: None });

struct Registry {
    /// By id, from 1.
    callsites: Vec<&'static Callsite>,
    active: Option<Active>,
    /// In a forked child: what to start at the first message.
    after_fork: Option<AfterFork>,
    /// The recorder that this child started then. It is never dropped, as the parent's is by whoever started it.
    child: Option<Recorder>,
}

struct Active {
    shared: Arc<Shared>,
    after_fork: AfterFork,
    severity_min: Severity,
    /// Instead of the severity alone, once there is one.
    filter: Option<Arc<Filter>>,
}

fn registry() -> MutexGuard<'static, Registry> {
    // What it guards is whole after any panic: each change is one assignment.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes what `make` gives the recorder of now, under its generation.
pub(crate) fn install(
    make: impl FnOnce(u64) -> io::Result<(Recorder, (Arc<Shared>, AfterFork, Severity))>,
) -> io::Result<Recorder> {
    watch_forks();
    let mut registry = registry();
    if registry.active.is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "this process has a recorder"));
    }
    let generation = GENERATION.load(Ordering::Relaxed) + 1;
    let (recorder, (shared, after_fork, severity_min)) = make(generation)?;
    registry.active = Some(Active { shared, after_fork, severity_min, filter: None });
    registry.after_fork = None;
    registry.forget_callsites();
    GENERATION.store(generation, Ordering::Release);
    Ok(recorder)
}

/// From now on nothing is recorded.
pub(crate) fn uninstall() {
    let mut registry = registry();
    registry.active = None;
    registry.callsites.iter().for_each(|callsite| callsite.disable());
    GENERATION.fetch_add(1, Ordering::AcqRel);
}

/// From now on what this filter admits is recorded.
pub(crate) fn set_filter(filter: &Arc<Filter>) {
    let mut registry = registry();
    if let Some(active) = &mut registry.active {
        active.filter = Some(Arc::clone(filter));
    }
    registry.forget_callsites();
}

/// The recorder to record with, and the id of the callsite, which is in the dictionary then. `None` if it is not to
/// be recorded; that is counted where it is a loss.
pub(crate) fn admit(callsite: &'static Callsite) -> Option<(Arc<Shared>, u32)> {
    start_in_child();
    let mut registry = registry();
    let id = registry.id_of(callsite);
    let Some(active) = &registry.active else {
        callsite.disable();
        return None;
    };
    let is_admitted = match &active.filter {
        // The end of a span, whatever the filter said of its beginning.
        _ if callsite.mark() != 0 => true,
        Some(filter) => filter.admits(callsite.target(), callsite.severity),
        None => callsite.severity >= active.severity_min,
    };
    if !is_admitted {
        callsite.disable();
        return None;
    }
    if let Err(error) = active.shared.introduce(callsite, id) {
        active.shared.failed(&error);
        active.shared.dropped.count(DropReason::of_error(&error));
        return None;
    }
    callsite.enable(id);
    Some((Arc::clone(&active.shared), id | callsite.mark()))
}

/// Has the callsite in the dictionary for who names it otherwise than by a record of its own, and says under which
/// number. `None` if nothing records, or there is no room for it.
#[cfg(feature = "tracing")]
pub(crate) fn introduce(callsite: &'static Callsite) -> Option<u32> {
    start_in_child();
    let mut registry = registry();
    let id = registry.id_of(callsite);
    registry.active.as_ref()?.shared.introduce(callsite, id).ok()?;
    Some(id)
}

/// In a forked child whose parent wants it to record: starts its recorder. Without the lock, since the function that
/// says how is the program's own; whatever it records itself is not.
fn start_in_child() {
    let after_fork = registry().after_fork.take();
    let (config, sink) = match after_fork {
        Some(AfterFork::Start(make)) => make(),
        Some(AfterFork::Run(run)) => return run(),
        Some(AfterFork::Mute) | None => return,
    };
    if let Ok(recorder) = Recorder::start(config, sink) {
        registry().child = Some(recorder);
    }
}

/// Stops the recorder that a forked child started by itself, if there is one: frames what is left and removes the
/// spool. Without it the next start recovers the spool.
pub fn stop_forked() -> Option<super::Status> {
    let recorder = registry().child.take()?;
    Some(recorder.stop())
}

impl Registry {
    fn id_of(&mut self, callsite: &'static Callsite) -> u32 {
        callsite.id().unwrap_or_else(|| {
            self.callsites.push(callsite);
            let id = self.callsites.len() as u32;
            callsite.set_id(id);
            id
        })
    }

    fn forget_callsites(&self) {
        self.callsites.iter().for_each(|callsite| callsite.forget());
    }
}

thread_local! {
    /// Held from before a fork until after it, so that no other thread is within the registry meanwhile: the child
    /// would never see it unlocked.
    static HELD: RefCell<Option<MutexGuard<'static, Registry>>> = const { RefCell::new(None) };
}

/// From now on forks are told of.
#[cfg(unix)]
pub(crate) fn watch_forks() {
    use crate::raw::fork::{Around, install};
    static ONCE: Once = Once::new();
    // Without it a child would find no rings (they are not inherited) and end by a signal: it fails for want of
    // memory only, and then there is nothing better to do than to go on.
    ONCE.call_once(|| drop(install(Around { prepare, parent, child })));
}

#[cfg(not(unix))]
pub(crate) fn watch_forks() {}

extern "C" fn prepare() {
    session::before_fork();
    let guard = registry();
    let _ = HELD.try_with(|held| held.borrow_mut().replace(guard));
}

extern "C" fn parent() {
    let _ = HELD.try_with(|held| held.borrow_mut().take());
    session::in_parent();
}

/// In the child, in its only thread. Nothing here allocates or takes a lock; what was the parent's is left as it is.
extern "C" fn child() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
    lease::detach();
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        if let Some(registry) = held.as_mut() {
            if let Some(active) = registry.active.take() {
                active.shared.spool.disown();
                registry.after_fork = Some(active.after_fork.clone());
                std::mem::forget(active);
            }
            std::mem::forget(registry.child.take());
            registry.forget_callsites();
        }
        held.take();
    });
    session::after_fork_in_child();
}
