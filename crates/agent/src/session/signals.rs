//! Ending the session by a signal, for programs that want that.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use kymo_model::EndReason;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::raw::signals::{is_ignored, set_default};

/// Those that end a process and may be handled.
const ALL: [i32; 3] = [SIGTERM, SIGINT, SIGHUP];

/// Those that have a handler of ours, as bits.
static HANDLED: AtomicU32 = AtomicU32::new(0);

/// From now on `SIGTERM`, `SIGINT` and `SIGHUP` end the session as `normal`, with the signal's name as note, and then do
/// what they would have done: end the process. For programs without handlers of their own, which otherwise are found
/// `killed`; those that return from `main` need nothing. One thread more, which waits.
///
/// A signal that the process passes over, as `nohup` has it, is passed over still. A forked process is ended by them as by default:
/// the handler's thread is not in it.
///
/// Errors: what the system says to a handler, or to a thread.
pub fn end_on_signals() -> io::Result<()> {
    crate::recorder::watch_forks();
    let handled: Vec<i32> = ALL.into_iter().filter(|signal| !is_ignored(*signal)).collect();
    let mut signals = Signals::new(&handled)?;
    for signal in handled {
        HANDLED.fetch_or(1 << signal, Ordering::AcqRel);
    }
    std::thread::Builder::new().name("kymo-signals".into()).spawn(move || {
        for signal in signals.forever() {
            let name = match signal {
                SIGTERM => "SIGTERM",
                SIGINT => "SIGINT",
                _ => "SIGHUP",
            };
            super::end_session(EndReason::Normal, Some(name));
            // It does not return.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// In a child after a fork: a handler would tell the parent's thread, which would end the parent.
pub(super) fn after_fork_in_child() {
    let handled = HANDLED.load(Ordering::Acquire);
    for signal in ALL {
        if handled & 1 << signal != 0 {
            set_default(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::raw::fork;
    use crate::recorder::tests::turn;

    /// With its parent's handler it would tell the parent's thread, and live on.
    #[test]
    fn a_forked_process_ends_as_by_default_and_its_parent_lives() {
        let _turn = turn();
        end_on_signals().unwrap();
        let child = fork::child(|| {
            loop {
                std::thread::yield_now();
            }
        });
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        child.wait();
        for signal in ALL {
            set_default(signal);
        }
    }
}
