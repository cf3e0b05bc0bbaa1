//! Callsites that are known at run time only: those of other crates' macros, and of calls that say where they are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use super::Callsite;

/// Callsites of one kind of input. They live as long as the program, since records may refer to them for ever: some
/// 200 bytes each, of which a large program has thousands.
const MADE_MAX: usize = 16 * 1024;

/// Callsites by what distinguishes them.
#[derive(Debug)]
pub(crate) struct Made<K>(RwLock<Option<HashMap<K, &'static Callsite>>>);

impl<K: Eq + Hash> Made<K> {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(None))
    }

    /// The callsite of that key, made by `make` the first time. `None` if there are too many.
    pub(crate) fn get(&self, key: K, make: impl FnOnce(&K) -> Callsite) -> Option<&'static Callsite> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(callsite) = known.as_ref().and_then(|known| known.get(&key)) {
                return Some(callsite);
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
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

/// The same text for as long as the program lives. For the few texts of callsites, whose number is bounded.
pub(crate) fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
