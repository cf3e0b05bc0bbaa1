//! What the process does when a signal comes.

/// The process was told to pass that signal over: by `nohup`, say.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut found = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: nothing is set, and `found` is a place for what is; it is read only if the call filled it in.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), found.as_mut_ptr()) == 0
            && found.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// From now on it does what it does by default. For a child after a fork: takes no lock and allocates nothing.
pub(crate) fn set_default(signal: i32) {
    // SAFETY: no handler is called any more after this, so none has to live on. It fails for numbers that are no signals only.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
