//! A session and `fork(2)`: the child has none of its parent's, and begins one of its own with its first message.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard};

use kymo_model::SessionId;

use super::builder::Builder;
use super::{Running, current, start};
use crate::recorder::AfterFork;

thread_local! {
    /// Held from before a fork until after it, so that the child finds it whole and can unlock it.
    static HELD: RefCell<Option<MutexGuard<'static, Option<Arc<Running>>>>> = const { RefCell::new(None) };
}

pub(super) fn begin_anew(settings: &Builder, parent: SessionId) -> AfterFork {
    let settings = settings.clone();
    AfterFork::Run(Arc::new(move || start::start_in_child(settings.clone(), parent)))
}

/// Before a fork, in the thread that forks.
pub(crate) fn before_fork() {
    let guard = current();
    let _ = HELD.try_with(|held| held.borrow_mut().replace(guard));
}

/// After it, in the parent.
pub(crate) fn in_parent() {
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

/// After it, in the child. What was the parent's is left as it is: its threads are not here.
pub(crate) fn after_fork_in_child() {
    let _ = HELD.try_with(|held| {
        if let Some(mut current) = held.borrow_mut().take() {
            std::mem::forget(current.take());
        }
    });
}
