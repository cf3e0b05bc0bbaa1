//! Panics become messages, and evidence of a crash.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::Once;

use kymo_model::{Exception, Severity};

use super::CURRENT;
use super::event::Event;
use crate::callsite::made::soon;

/// Longest stack that is kept: some hundred frames.
const STACK_BYTES_MAX: usize = 64 * 1024;

/// Sets the hook, once; the one there was before is called after it.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            record(info);
            before(info);
            #[cfg(feature = "send")]
            tell(info);
        }));
    });
}

/// Whoever sits before the program is told, if somebody said by whom.
#[cfg(feature = "send")]
fn tell(info: &PanicHookInfo<'_>) {
    // Our own threads are caught, and wait for nobody; in the middle of a start or an end there is no session to speak of.
    let is_ours =
        std::thread::current().name().is_some_and(|name| name == "kymo" || name.starts_with("kymo-"));
    let is_free = || soon(|| CURRENT.try_lock()).is_some_and(|current| is_told(current.as_deref()));
    if is_ours || !is_free() {
        return;
    }
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    crate::sending::policy::tell_panic(message, place);
}

#[cfg(feature = "send")]
fn is_told(running: Option<&super::Running>) -> bool {
    running.is_some_and(|running| running.settings.panic_hook)
}

fn record(info: &PanicHookInfo<'_>) {
    // A panic while a session begins or ends is not of it.
    let Some(current) = soon(|| CURRENT.try_lock()) else { return };
    let Some(running) = current.clone().filter(|running| running.settings.panic_hook) else { return };
    drop(current);
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    let mut stack = Backtrace::force_capture().to_string();
    stack.truncate(stack.floor_char_boundary(STACK_BYTES_MAX));
    let exception = Exception {
        type_name: Some("panic".to_owned()),
        message: Some(message.to_owned()),
        stack_text: Some(stack),
        ..Exception::default()
    };
    let event =
        Event::new(Severity::FATAL, message).kind("error").category("panic").with_exception(&exception);
    match info.location() {
        Some(place) => event.at(place.file(), place.line()).record(),
        None => event.record(),
    }
    // With `panic = "abort"` this is the last thing that happens.
    running.shared.panicked();
    #[cfg(feature = "send")]
    running.policy.panicked(&running);
}
