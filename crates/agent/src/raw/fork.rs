//! Being told of `fork(2)`.

use std::io;

/// What to call around a fork, in the thread that forks.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    /// Before it.
    pub(crate) prepare: extern "C" fn(),
    /// After it, in the process that forked.
    pub(crate) parent: extern "C" fn(),
    /// After it, in the new process, which has this thread only.
    pub(crate) child: extern "C" fn(),
}

/// Registers for all forks from now on that go through libc's `fork`. There is no way back, so once is enough.
pub(crate) fn install(around: Around) -> io::Result<()> {
    // SAFETY: the functions live as long as the program and have the signature that is asked for.
    match unsafe { libc::pthread_atfork(Some(around.prepare), Some(around.parent), Some(around.child)) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// For tests: runs `child` in a forked process, which ends with what it returns.
#[cfg(test)]
pub(crate) fn child(child: impl FnOnce() -> i32) -> Child {
    // SAFETY: the child runs `child` alone and leaves by `_exit`, so no destructor or handler of the parent's runs
    // twice. It may allocate: glibc makes its allocator whole again after a fork.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(101);
        // SAFETY: ends the process; there is nothing to come back to.
        unsafe { libc::_exit(code) }
    }
    Child(pid)
}

/// A process that was forked off a test.
#[cfg(test)]
pub(crate) struct Child(libc::pid_t);

#[cfg(test)]
impl Child {
    /// Its process id.
    #[cfg(feature = "signals")]
    pub(crate) fn id(&self) -> i32 {
        self.0
    }

    /// Waits for its end; its exit status.
    pub(crate) fn wait(self) -> i32 {
        let mut status = 0;
        // SAFETY: `status` is a place for an int, and the process is our child, not waited for before.
        let waited = unsafe { libc::waitpid(self.0, &raw mut status, 0) };
        assert_eq!(waited, self.0, "waitpid: {}", io::Error::last_os_error());
        libc::WEXITSTATUS(status)
    }
}
