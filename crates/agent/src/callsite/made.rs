//! Callsites that are known at run time only: those of other crates' macros, and of calls that say where they are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{RwLock, TryLockError};
use std::time::{Duration, Instant};

use super::Callsite;

/// Callsites of one kind of input. They live as long as the program, since records may refer to them for ever: some
/// 200 bytes each, of which a large program has thousands.
const MADE_MAX: usize = 16 * 1024;

/// Far longer than anybody holds the lock, also on a busy machine, and not long for a person.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Callsites by what distinguishes them.
#[derive(Debug)]
pub(crate) struct Made<K>(RwLock<Option<HashMap<K, &'static Callsite>>>);

impl<K: Eq + Hash> Made<K> {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(None))
    }

    /// The callsite of that key, made by `make` the first time. `None` if there are too many, or nobody gives the lock
    /// back.
    ///
    /// It waits no longer than making one takes: in a child, whose parent was making one in another thread when it
    /// forked, the lock is never given back.
    pub(crate) fn get(&self, key: K, make: impl FnOnce(&K) -> Callsite) -> Option<&'static Callsite> {
        {
            let known = soon(|| self.0.try_read())?;
            if let Some(callsite) = known.as_ref().and_then(|known| known.get(&key)) {
                return Some(callsite);
            }
        }
        let mut known = soon(|| self.0.try_write())?;
        let known = known.get_or_insert_default();
        if let Some(callsite) = known.get(&key) {
            return Some(callsite);
        }
        if known.len() >= MADE_MAX {
            return None;
        }
        let callsite: &'static Callsite = Box::leak(Box::new(make(&key)));
        known.insert(key, callsite);
        Some(callsite)
    }
}

/// Takes a lock that is held for moments only; `None` if it is not given back: after a fork, or by this thread itself.
pub(crate) fn soon<G>(take: impl Fn() -> Result<G, TryLockError<G>>) -> Option<G> {
    let began = Instant::now();
    loop {
        match take() {
            Ok(guard) => return Some(guard),
            // What it guards is whole after any panic: entries are added in one step.
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() > WAIT_MAX => return None,
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
}

/// The same text for as long as the program lives. For the few texts of callsites, whose number is bounded.
pub(crate) fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use kymo_model::Severity;

    use super::*;

    #[test]
    fn one_for_each_key_and_none_where_the_lock_is_never_given_back() {
        let made = Made::<u32>::new();
        let make = |_: &u32| Callsite::new(Severity::INFO, "", &[], "", 0, "");
        let first = made.get(1, make).unwrap();
        assert!(std::ptr::eq(first, made.get(1, make).unwrap()));
        assert!(!std::ptr::eq(first, made.get(2, make).unwrap()));
        // As in a child of a thread that did not make one.
        std::mem::forget(made.0.write().unwrap());
        assert!(made.get(1, make).is_none());
    }
}
