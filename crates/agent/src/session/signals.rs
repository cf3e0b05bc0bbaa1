//! Ending the session by a signal, for programs that want that.

use std::io;

use kymo_model::EndReason;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// From now on `SIGTERM`, `SIGINT` and `SIGHUP` end the session as `normal`, with the signal's name as note, and then do
/// what they would have done: end the process. For programs without handlers of their own, which otherwise are found
/// `killed`; those that return from `main` need nothing. One thread more, which waits.
///
/// Errors: what the system says to a handler, or to a thread.
pub fn end_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
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
