//! The locks of the inputs around a `fork(2)`: held by the thread that forks, so that nobody else is within them. The child
//! would never see them unlocked.

use std::cell::RefCell;

use super::{filter, users};

/// Of all inputs, in the order in which they are taken. None is held while another is waited for, or while something is
/// recorded.
struct Held {
    _filter: filter::Held,
    _users: users::Held,
    #[cfg(feature = "metrics")]
    _metrics: super::metrics::Held,
}

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Before a fork, in the thread that forks.
pub(crate) fn before_fork() {
    let held = Held {
        _filter: filter::hold(),
        _users: users::hold(),
        #[cfg(feature = "metrics")]
        _metrics: super::metrics::hold(),
    };
    let _ = HELD.try_with(|place| place.borrow_mut().replace(held));
}

/// After it, in both processes.
pub(crate) fn after_fork() {
    let _ = HELD.try_with(|place| place.borrow_mut().take());
}
