//! A filter that holds for a time, because somebody who looks on asked for it.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crate::inputs::filter::{self, Filter};

/// Longest time: somebody forgets it.
const TIME_MAX: Duration = Duration::from_hours(24);

/// What holds for a time.
#[derive(Debug)]
struct Raised {
    /// Holds again afterwards.
    before: Arc<Filter>,
    /// Holds until then, unless the program says something else meanwhile.
    now: Arc<Filter>,
    until: Instant,
}

/// Of the process, as the filter is. A forked child has a copy, and with it the end of it.
static RAISED: Mutex<Option<Raised>> = Mutex::new(None);

/// It is held for a copy only. `None` in a child that was forked while it was: then nobody is there to open it.
fn raised() -> Option<MutexGuard<'static, Option<Raised>>> {
    const TRIES: u32 = 100;
    for _ in 0..TRIES {
        match RAISED.try_lock() {
            Ok(raised) => return Some(raised),
            // It is assigned.
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

/// Has this filter hold for so many seconds, then the one before; none at all: the one before holds at once.
///
/// Errors: why not, in words; then nothing changes.
pub(super) fn raise(directives: &str, seconds: u64) -> Result<(), String> {
    if seconds == 0 {
        end();
        return Ok(());
    }
    let time = Duration::from_secs(seconds);
    if time > TIME_MAX {
        return Err(format!("expected at most {} seconds, found {seconds}", TIME_MAX.as_secs()));
    }
    let wanted = Arc::new(Filter::parse(directives).map_err(|error| error.to_string())?);
    let mut raised = raised().ok_or("the filter is being changed")?;
    let current = filter::current();
    // Of one that holds already the first goes on to be the one before.
    let known = raised.take().filter(|known| Arc::ptr_eq(&known.now, &current));
    let before = known.map_or(current, |known| known.before);
    *raised = Some(Raised { before, now: Arc::clone(&wanted), until: Instant::now() + time });
    drop(raised);
    // Without the lock: other layers of `tracing` are asked.
    filter::apply(&wanted);
    Ok(())
}

/// Has the one before hold again whose time is over.
pub(super) fn tick() {
    let is_due = |raised: &Raised| Instant::now() >= raised.until;
    if raised().is_some_and(|raised| raised.as_ref().is_some_and(is_due)) {
        end();
    }
}

/// Has the one before hold again.
pub(super) fn end() {
    let Some(known) = raised().and_then(|mut raised| raised.take()) else { return };
    // Unless the program said something itself.
    if Arc::ptr_eq(&filter::current(), &known.now) {
        filter::apply(&known.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::tests::turn;

    #[test]
    fn the_filter_before_holds_again_and_what_the_program_says_goes_over_both() {
        let _turn = turn();
        crate::set_filter("warn").unwrap();
        raise("debug", 600).unwrap();
        raise("info,shop=trace", 600).unwrap();
        assert_eq!(crate::filter(), "info,shop=trace");
        tick();
        assert_eq!(crate::filter(), "info,shop=trace", "its time is not over");
        raise("", 0).unwrap();
        assert_eq!(crate::filter(), "warn", "the first one before");
        raise("debug", 600).unwrap();
        crate::set_filter("error").unwrap();
        end();
        assert_eq!(crate::filter(), "error", "the program said so meanwhile");
        assert!(raise("inof", 60).unwrap_err().contains("did you mean info"));
        assert!(raise("info", 86_401).unwrap_err().contains("at most 86400 seconds"));
        assert_eq!(crate::filter(), "error");
        crate::set_filter("info").unwrap();
    }

    #[test]
    fn it_ends_by_itself() {
        let _turn = turn();
        crate::set_filter("warn").unwrap();
        raise("debug", 1).unwrap();
        while crate::filter() == "debug" {
            tick();
            std::thread::yield_now();
        }
        assert_eq!(crate::filter(), "warn");
        crate::set_filter("info").unwrap();
    }
}
