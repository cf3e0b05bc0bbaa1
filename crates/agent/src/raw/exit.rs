//! Being told that the process exits.

/// Has `exiting` called when the program returns from `main` or calls `exit`; not when it is killed or aborts. There
/// is no way back, so once is enough.
pub(crate) fn install(exiting: extern "C" fn()) {
    // SAFETY: the function lives as long as the program and has the signature that is asked for. It fails for want of
    // memory only; then the session is recovered at the next start.
    let _ = unsafe { libc::atexit(exiting) };
}
